/* sum_choice.c: which way of summing is fastest here. All give the same bits, so that the first steps of a training try
 * them in turn, at no cost but that of the slower ones. */
#include "dist/sum_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_choice(hq_sum *sum, const hq_sum_options *options, int algorithm, bool overlap, int group)
{
    if (options->algorithm != HQ_SUM_AUTO && options->algorithm != algorithm) return;
    if (options->overlap != HQ_OVERLAP_AUTO && (options->overlap == HQ_OVERLAP_ON) != overlap) return;
    sum->choice[sum->choices++] = (hq_sum_choice){algorithm, overlap, group};
}

/* Within one node all communication is copying by the processors themselves: nothing is hidden by starting early, so
 * that overlap is tried on several nodes only. */
bool hq_dist_sum_may_hide(const hq_dist *dist, int overlap)
{
    if (overlap == HQ_OVERLAP_AUTO) return dist->nodes > 1;
    return dist->size > 1 && overlap == HQ_OVERLAP_ON;
}

void hq_sum_list_choices(hq_sum *sum, const hq_sum_options *options)
{
    const hq_dist *dist = sum->dist;
    const bool alone = dist->size == 1, shares = dist->nodes < dist->size;
    const int largest = options->group > 1 ? options->group : 1;
    for (int algorithm = HQ_SUM_FLAT; algorithm <= HQ_SUM_NODE && !alone; algorithm++) {
        if (algorithm == HQ_SUM_NODE && !shares && options->algorithm == HQ_SUM_AUTO) continue;
        add_choice(sum, options, algorithm, false, 1);
        if (!hq_dist_sum_may_hide(dist, options->overlap)) continue;
        add_choice(sum, options, algorithm, true, 1);
        if (largest > 1) add_choice(sum, options, algorithm, true, largest);
    }
    if (sum->choices == 0) sum->choice[sum->choices++] = (hq_sum_choice){HQ_SUM_FLAT, false, 1};
    sum->now = sum->choice[0];
}

void hq_sum_choose(hq_sum *sum)
{
    if (sum->choices > 1) sum->now = sum->choice[(sum->step - 1) % sum->choices];
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    return x[n / 2];
}

static hq_status settle(hq_sum *sum)
{
    for (int c = 0; c < sum->choices; c++) sum->median[c] = median(sum->seconds[c], HQ_SUM_TRIALS);
    HQ_TRY(hq_dist_check(MPI_Allreduce(MPI_IN_PLACE, sum->median, sum->choices, MPI_DOUBLE, MPI_MAX, sum->all),
                         "MPI_Allreduce"));
    for (int c = 1; c < sum->choices; c++)
        if (sum->median[c] < sum->median[sum->best]) sum->best = c;
    sum->now = sum->choice[sum->best];
    sum->tried = sum->choices;
    sum->choices = 1;
    sum->news = true;
    return HQ_OK;
}

/* The first trial of each opens connections and is not counted. */
hq_status hq_sum_note(hq_sum *sum, double seconds)
{
    if (sum->choices == 1) return HQ_OK;
    const int64_t trial = (sum->step - 1) / sum->choices - 1;
    if (trial >= 0) sum->seconds[(sum->step - 1) % sum->choices][trial] = seconds;
    return sum->step == (int64_t)sum->choices * (HQ_SUM_TRIALS + 1) ? settle(sum) : HQ_OK;
}

/* ---- in words ---- */

static void describe(const hq_sum_choice *choice, char *text, size_t size)
{
    char group[40] = "";
    if (choice->group > 1) snprintf(group, sizeof group, " of %d micro-batches", choice->group);
    snprintf(text, size, "%s, %s%s", choice->algorithm == HQ_SUM_NODE ? "in two levels" : "over all ranks",
             choice->overlap ? "during the backward pass" : "after the backward pass", group);
}

void hq_dist_sum_describe(const hq_sum *sum, char *text, size_t size)
{
    char way[HQ_SUM_TEXT / HQ_SUM_CHOICES_MAX - 16];
    text[0] = '\0';
    if (sum->dist->size == 1) return;
    if (sum->choices > 1) {
        snprintf(text, size, "the fastest of %d ways, after %d steps", sum->choices,
                 sum->choices * (HQ_SUM_TRIALS + 1));
        return;
    }
    describe(&sum->now, text, size);
    for (int c = 0; c < sum->tried; c++) {
        const size_t used = strlen(text);
        describe(&sum->choice[c], way, sizeof way);
        snprintf(text + used, size - used, "%s %.2f ms%s%s", c ? "," : "; steps took", 1e3 * sum->median[c],
                 c == sum->best ? "" : " ", c == sum->best ? "" : way);
    }
}

bool hq_dist_sum_news(hq_sum *sum)
{
    const bool news = sum->news;
    sum->news = false;
    return news;
}
