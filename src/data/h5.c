#include "data/h5.h"

#include <stdarg.h>
#include <stdio.h>

void hq_handles_begin(hq_handles *handles, const char *path)
{
    *handles = (hq_handles){.path = path};
    H5Eget_auto2(H5E_DEFAULT, &handles->print, &handles->print_data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* HDF5 1.10 does not get rid of all that it opened of a damaged file, and would say so when the program ends. */
hq_status hq_handles_end(hq_handles *handles)
{
    while (handles->n > 0) hq_handles_check(handles, H5Idec_ref(handles->handle[--handles->n]), "cannot be closed");
    if (handles->status == HQ_OK) H5Eset_auto2(H5E_DEFAULT, handles->print, handles->print_data);
    return handles->status;
}

void hq_handles_fail(hq_handles *handles, const char *format, ...)
{
    char text[512];
    va_list args;
    if (handles->status != HQ_OK) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    handles->status = hq_fail(HQ_ERR_DATA, "%s: %s", handles->path, text);
}

/* Called from the innermost place outwards. */
static herr_t innermost(unsigned n, const H5E_error2_t *error, void *out_text)
{
    if (n == 0) snprintf(out_text, 256, "%s", error->desc ? error->desc : "");
    return 0;
}

bool hq_handles_check(hq_handles *handles, herr_t result, const char *what)
{
    char text[256] = "";
    if (result < 0) {
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
        hq_handles_fail(handles, "%s: HDF5 says: %s", what, text[0] ? text : "no reason");
    }
    return handles->status == HQ_OK;
}

hid_t hq_handles_keep(hq_handles *handles, hid_t handle, const char *what)
{
    HQ_ASSERT(handles->n < (int)(sizeof handles->handle / sizeof *handles->handle));
    if (handle >= 0)
        handles->handle[handles->n++] = handle;
    else
        hq_handles_check(handles, -1, what);
    return handle;
}
