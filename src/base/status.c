#include "hqcnn/base.h"

const char *hq_status_text(hq_status status)
{
    static const char *const text[HQ_STATUS_COUNT] = {
#define HQ_X(name, code, text) text,
        HQ_STATUS_LIST(HQ_X)
#undef HQ_X
    };
    return (unsigned)status < HQ_STATUS_COUNT ? text[status] : "unknown status";
}

int hq_status_exit_code(hq_status status)
{
    static const int code[HQ_STATUS_COUNT] = {
#define HQ_X(name, code, text) code,
        HQ_STATUS_LIST(HQ_X)
#undef HQ_X
    };
    return (unsigned)status < HQ_STATUS_COUNT ? code[status] : 1;
}
