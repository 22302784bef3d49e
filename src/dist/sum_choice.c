/* sum_choice.c: which way of summing is fastest here. All give the same bits, so that the first steps of a training try
 * them in turn, at no cost but that of the slower ones. */
#include "dist/sum_private.h"

#include <stdio.h>
#include <string.h>

bool hq_dist_sum_may_hide(const hq_dist *dist, int overlap)
{
    if (overlap == HQ_OVERLAP_AUTO) return dist->nodes > 1;
    return dist->size > 1 && overlap == HQ_OVERLAP_ON;
}

/* ---- first question: where sums go ---- */

static void add_exchange(hq_sum *sum, int algorithm, int exchange, bool tries)
{
    const hq_sum_options *wanted = &sum->wanted;
    if (wanted->exchange != HQ_EXCHANGE_AUTO ? wanted->exchange != exchange : !tries) return;
    sum->choice[sum->choices++] = (hq_sum_choice){algorithm, exchange, wanted->overlap == HQ_OVERLAP_ON, 1};
}

/* Peers: processes between which messages go. Within a node MPI's own way is as good as any; from node to node only one
 * rank of each takes part in two levels, and the way over all ranks is there to compare. */
static void add_algorithm(hq_sum *sum, int algorithm, int peers, bool tries)
{
    const hq_dist *dist = sum->dist;
    const int wanted = sum->wanted.algorithm;
    const bool direct = peers > 1 && peers <= HQ_EXCHANGE_PEERS;
    const bool best =
        dist->nodes > 1 && (algorithm == HQ_SUM_NODE || dist->nodes == dist->size || wanted == HQ_SUM_FLAT);
    if (wanted != HQ_SUM_AUTO ? wanted != algorithm : !tries) return;
    const int before = sum->choices;
    add_exchange(sum, algorithm, HQ_EXCHANGE_MPI, true);
    if (direct) add_exchange(sum, algorithm, HQ_EXCHANGE_DIRECT, best);
    if (direct) add_exchange(sum, algorithm, HQ_EXCHANGE_PACKED, best);
    if (sum->choices == before) /* what is wanted cannot be had */
        sum->choice[sum->choices++] =
            (hq_sum_choice){algorithm, HQ_EXCHANGE_MPI, sum->wanted.overlap == HQ_OVERLAP_ON, 1};
}

void hq_sum_list_choices(hq_sum *sum)
{
    const hq_dist *dist = sum->dist;
    if (dist->size > 1) {
        add_algorithm(sum, HQ_SUM_FLAT, dist->size, true);
        add_algorithm(sum, HQ_SUM_NODE, dist->nodes, dist->nodes < dist->size);
    } else {
        sum->choice[sum->choices++] = (hq_sum_choice){HQ_SUM_FLAT, HQ_EXCHANGE_MPI, false, 1};
    }
    sum->now = sum->choice[0];
    if (sum->choices == 1) hq_sum_ask_when(sum);
}

/* ---- second question: when ---- */

/* Within one node all communication is copying by the processors themselves: nothing is hidden by starting early, so
 * that it is tried on several nodes only. */
void hq_sum_ask_when(hq_sum *sum)
{
    const bool hides = hq_dist_sum_may_hide(sum->dist, sum->wanted.overlap);
    hq_sum_choice way = sum->now;
    sum->when = true;
    sum->from = sum->step;
    sum->choices = 0;
    way.group = 1;
    for (int overlap = 0; overlap < 2; overlap++) {
        way.overlap = overlap;
        if (overlap ? hides : sum->wanted.overlap != HQ_OVERLAP_ON) sum->choice[sum->choices++] = way;
    }
    if (hides && sum->wanted.group > 1) {
        way.group = sum->wanted.group;
        sum->choice[sum->choices++] = way;
    }
    if (sum->choices == 0) sum->choice[sum->choices++] = way; /* one rank */
    sum->now = sum->choice[0];
}

/* ---- trials ---- */

/* The choice that the n-th step tries, from 0 on. Each round starts with another one: steps of an epoch may differ, as
 * the last one does. */
static int turn_of(const hq_sum *sum, int64_t n) { return (int)((n + n / sum->choices) % sum->choices); }

void hq_sum_choose(hq_sum *sum)
{
    if (sum->choices > 1) sum->now = sum->choice[turn_of(sum, sum->step - sum->from - 1)];
}

static void describe(const hq_sum_choice *choice, char *text, size_t size)
{
    static const char *const exchange[] = {[HQ_EXCHANGE_AUTO] = "",
                                           [HQ_EXCHANGE_MPI] = "by MPI",
                                           [HQ_EXCHANGE_DIRECT] = "directly",
                                           [HQ_EXCHANGE_PACKED] = "directly and packed"};
    char group[40] = "";
    if (choice->group > 1) snprintf(group, sizeof group, " of %d micro-batches", choice->group);
    snprintf(text, size, "%s %s, %s%s", choice->algorithm == HQ_SUM_NODE ? "in two levels" : "over all ranks",
             exchange[choice->exchange], choice->overlap ? "during the backward pass" : "after the backward pass",
             group);
}

/* In the words of the keys that choose it: "node packed 10.1 ms", "overlap on 9.8 ms". */
static void name_trial(const hq_sum *sum, int c, char *text, size_t size)
{
    static const char *const exchange[] = {"", "mpi", "direct", "packed"};
    const hq_sum_choice *choice = &sum->choice[c];
    char group[32] = "";
    if (choice->group > 1) snprintf(group, sizeof group, " (groups of %d)", choice->group);
    if (sum->when)
        snprintf(text, size, "overlap %s%s %.2f ms", choice->overlap ? "on" : "off", group, 1e3 * sum->median[c]);
    else
        snprintf(text, size, "%s %s %.2f ms", choice->algorithm == HQ_SUM_NODE ? "node" : "flat",
                 exchange[choice->exchange], 1e3 * sum->median[c]);
}

static void tell(hq_sum *sum)
{
    char trial[64];
    for (int c = 0; c < sum->choices; c++) {
        const size_t used = strlen(sum->tried);
        name_trial(sum, c, trial, sizeof trial);
        snprintf(sum->tried + used, sizeof sum->tried - used, "%s %s", c == 0 ? ";" : ",", trial);
    }
}

static hq_status settle(hq_sum *sum)
{
    int best = 0;
    for (int c = 0; c < sum->choices; c++) sum->median[c] = hq_median(sum->seconds[c], HQ_SUM_TRIALS);
    HQ_TRY(hq_dist_reduce(sum->dist, sum->dist->all, sum->median, sum->choices, MPI_DOUBLE, MPI_MAX, HQ_PHASE_AGREE));
    for (int c = 1; c < sum->choices; c++)
        if (sum->median[c] < sum->median[best]) best = c;
    tell(sum);
    sum->now = sum->choice[best];
    if (!sum->when) {
        hq_sum_ask_when(sum);
    } else {
        sum->choice[0] = sum->now;
        sum->choices = 1;
    }
    sum->news = sum->choices == 1;
    return HQ_OK;
}

/* The first trial of each opens connections and is not counted. */
hq_status hq_sum_note(hq_sum *sum, double seconds)
{
    if (sum->choices == 1 || sum->mute) return HQ_OK;
    const int64_t steps = sum->step - sum->from, trial = (steps - 1) / sum->choices - 1;
    HQ_ASSERT(trial < HQ_SUM_TRIALS);
    if (trial >= 0) sum->seconds[turn_of(sum, steps - 1)][trial] = seconds;
    return steps == (int64_t)sum->choices * (HQ_SUM_TRIALS + 1) ? settle(sum) : HQ_OK;
}

/* ---- in words ---- */

void hq_dist_sum_describe(const hq_sum *sum, char *text, size_t size)
{
    text[0] = '\0';
    if (sum->dist->size == 1) return;
    if (sum->choices > 1) {
        snprintf(text, size, "several ways, till the fastest is found");
        return;
    }
    describe(&sum->now, text, size);
    const size_t used = strlen(text);
    if (sum->tried[0]) snprintf(text + used, size - used, "; a step takes:%s", sum->tried + 1);
}

void hq_dist_sum_describe_choice(const hq_sum_choice *choice, char *text, size_t size) { describe(choice, text, size); }

bool hq_dist_sum_news(hq_sum *sum)
{
    const bool news = sum->news;
    sum->news = false;
    return news;
}

int hq_dist_sum_ways(const hq_sum *sum, const hq_sum_choice **list)
{
    *list = sum->choice;
    return sum->choices;
}

void hq_dist_sum_use(hq_sum *sum, const hq_sum_choice *choice)
{
    sum->now = sum->choice[0] = *choice;
    sum->choices = 1;
}
