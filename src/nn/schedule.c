#include "hqcnn/config.h"
#include "hqcnn/nn.h"

#include <math.h>

/* The last digit of pi that a double keeps; POSIX's M_PI is not part of C11. */
static const double pi = 3.14159265358979323846;

double hq_rate_for_batch(int rule, double rate, int batch, int rate_batch)
{
    if (rule == HQ_RATE_RULE_LINEAR) return rate * ((double)batch / rate_batch);
    if (rule == HQ_RATE_RULE_SQRT) return rate * sqrt((double)batch / rate_batch);
    return rate;
}

/* Times factor from the first epoch on that starts at or after the per cent of all epochs. */
static double step_rate(const hq_schedule *schedule, double epoch)
{
    double rate = schedule->rate;
    for (int i = 0; i < schedule->n_steps; i++) {
        int64_t drop = ((int64_t)schedule->steps[i] * schedule->epochs + 99) / 100;
        if (epoch >= (double)drop) rate *= schedule->factor;
    }
    return rate;
}

/* Loshchilov and Hutter, "SGDR", ICLR 2017, eq. 5, one period. */
static double cosine_rate(const hq_schedule *schedule, double epoch)
{
    double share = epoch < schedule->epochs ? epoch / schedule->epochs : 1;
    double last = schedule->rate * schedule->factor;
    return last + (schedule->rate - last) * (1 + cos(pi * share)) / 2;
}

double hq_schedule_rate(const hq_schedule *schedule, double epoch_start, double epoch_end)
{
    double rate = schedule->rate;
    if (schedule->kind == HQ_SCHEDULE_STEP) rate = step_rate(schedule, epoch_start);
    if (schedule->kind == HQ_SCHEDULE_COSINE) rate = cosine_rate(schedule, epoch_start);
    if (epoch_end < schedule->warmup_epochs) rate *= epoch_end / schedule->warmup_epochs;
    return rate;
}
