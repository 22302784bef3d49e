/* check.h: the tests' harness. A failing check is recorded and the test goes on: under MPI a test that left early would
 * make the other ranks hang. Used without MPI; MPI tests sum hq_check_failures() over ranks before they end.
 *
 *   int main(void) { HQ_RUN(test_one); HQ_RUN(test_two); return hq_check_result(); }
 */
#ifndef HQ_TEST_CHECK_H
#define HQ_TEST_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void hq_check_record(bool ok, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void hq_check_begin(const char *name);

/* Failed checks so far; what main returns (0 or 1), after printing "<n> checks, <m> failed". No check at all is a
 * failure. */
int hq_check_failures(void);
int hq_check_result(void);

/* The folder of real data sets, or NULL after saying clearly that the test is skipped (main then returns 77). */
const char *hq_check_data_dir(void);

/* A new empty folder for this process's scratch files, in static memory; removed at exit. */
const char *hq_check_scratch(void);

#define HQ_RUN(test) (hq_check_begin(#test), test())
#define CHECK(cond) hq_check_record((cond), __FILE__, __LINE__, "%s", #cond)
#define CHECK_MSG(cond, ...) hq_check_record((cond), __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_INT(have, want) hq_check_int((have), (want), #have, __FILE__, __LINE__)
/* |have - want| <= tolerance * max(1, |want|) */
#define CHECK_NEAR(have, want, tolerance) hq_check_near((have), (want), (tolerance), #have, __FILE__, __LINE__)
#define CHECK_TEXT(have, want) hq_check_text((have), (want), #have, __FILE__, __LINE__)
/* Arguments are evaluated once. */
void hq_check_int(long long have, long long want, const char *what, const char *file, int line);
void hq_check_near(double have, double want, double tolerance, const char *what, const char *file, int line);
void hq_check_text(const char *have, const char *want, const char *what, const char *file, int line);

#endif
