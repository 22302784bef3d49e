/* Checks on refusals: the status, and a message that says what a user needs. */
#ifndef HQ_TEST_REFUSAL_H
#define HQ_TEST_REFUSAL_H

#include "hqcnn/base.h"
#include "support/check.h"

/* Sends stderr to a scratch file; brings it back and returns what was written, in static memory. */
void hq_stderr_hold(void);
const char *hq_stderr_release(void);

void hq_check_refusal(const char *file, int line, const char *call, hq_status have, hq_status want, const char *message,
                      const char *const *pieces);

/* The call returns `want` and logs one line that holds every one of the pieces. */
#define CHECK_REFUSED(call, want, ...)                                                                                 \
    do {                                                                                                               \
        hq_stderr_hold();                                                                                              \
        hq_status have_ = (call);                                                                                      \
        const char *message_ = hq_stderr_release();                                                                    \
        hq_check_refusal(__FILE__, __LINE__, #call, have_, (want), message_, (const char *[]){__VA_ARGS__, NULL});     \
    } while (0)

#endif
