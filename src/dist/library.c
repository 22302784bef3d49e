/* library.c: what MPI says of itself. */
#include "dist/mpi_private.h"

#include <string.h>

/* The first line, up to what tells of the package: "Open MPI v4.1.4". */
void hq_dist_library(char text[HQ_LIBRARY_TEXT])
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length;
    MPI_Get_library_version(version, &length);
    version[strcspn(version, ",\n")] = '\0';
    hq_copy_text(text, HQ_LIBRARY_TEXT, version);
}

/* Parameters are MPI's "control variables". Of the kinds of integers there are those of one or four bytes are read:
 * switches and counts. */
static int64_t read_variable(int index)
{
    char name[MPI_MAX_OBJECT_NAME];
    int length = sizeof name, none = 0, verbosity, binding, scope, count = 0;
    MPI_Datatype type;
    MPI_T_enum values;
    MPI_T_cvar_handle handle;
    if (MPI_T_cvar_get_info(index, name, &length, &verbosity, &type, &values, NULL, &none, &binding, &scope) !=
        MPI_SUCCESS)
        return -1;
    if (type != MPI_INT && type != MPI_UNSIGNED && type != MPI_C_BOOL) return -1;
    if (MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) != MPI_SUCCESS) return -1;
    int number = -1;
    bool yes = false;
    const bool good = count == 1 && MPI_T_cvar_read(handle, type == MPI_C_BOOL ? (void *)&yes : &number) == MPI_SUCCESS;
    MPI_T_cvar_handle_free(&handle);
    if (!good) return -1;
    return type == MPI_C_BOOL ? yes : number;
}

int64_t hq_dist_library_setting(const char *name)
{
    int level, index;
    if (MPI_T_init_thread(MPI_THREAD_SINGLE, &level) != MPI_SUCCESS) return -1;
    const int64_t value = MPI_T_cvar_get_index(name, &index) == MPI_SUCCESS ? read_variable(index) : -1;
    MPI_T_finalize();
    return value;
}
