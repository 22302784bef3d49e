/* What is trained when: grids, points, asha against a plain form of it, tpe against chance; plans of many trials. */
#include "support.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

static hq_config config;

/* A merit for each trial, by its number; small differences, no two the same. */
static double merit_of(int trial) { return 0.5 + 0.4 * (double)((trial * 7919 + 13) % 1009) / 1009; }

/* ---- plans ------------------------------------------------------------------------------------------------------- */

static void test_points(void)
{
    char dir[PATH_MAX];
    hq_sweep *a, *b;
    make_dir("points", dir);
    static const char *const method[] = {"sweep.method=random", "sweep.method=sobol"};
    for (int i = 0; i < 2; i++) {
        configure(&config, "sweep.space=train.learning_rate = 1e-4 .. 1e-1 log; model.layers = 1 .. 3", method[i],
                  "sweep.trials=20", NULL);
        CHECK_INT(hq_sweep_open(&config, dir, &a), HQ_OK);
        config.sweep_trials = 50; /* more trials: the first stay as they are */
        CHECK_INT(hq_sweep_open(&config, dir, &b), HQ_OK);
        CHECK_INT(hq_sweep_trials(a), 20);
        CHECK_INT(hq_sweep_trials(b), 50);
        for (int t = 0; t < 20; t++) CHECK(a->id[t] == b->id[t]);
        int half = 0;
        for (int t = 1; t <= 50; t++) half += hq_sweep_place(b, t, 0) < 0.5;
        CHECK(half >= 15 && half <= 35);
        hq_sweep_close(a);
        hq_sweep_close(b);
    }
    configure(&config, "sweep.space=model.layers = 1 .. 3; model.attention = none | qft", "sweep.method=random",
              "sweep.trials=100", NULL); /* no more than there are */
    CHECK_INT(hq_sweep_open(&config, dir, &a), HQ_OK);
    CHECK_INT(hq_sweep_trials(a), 6);
    hq_sweep_close(a);
}

/* ---- asha -------------------------------------------------------------------------------------------------------- */

/* The next decision in a plain form: looks through all jobs whose results it knows. */
static hq_job plain_decision(const hq_sweep *sweep, const hq_job *job, int64_t n, int begun)
{
    const int64_t known = n - sweep->schedule.lag;
    for (int rung = sweep->results.rungs - 2; rung >= 0; rung--) {
        int there = 0, best = -1;
        for (int64_t i = 0; i < known; i++) there += job[i].trial >= 0 && job[i].rung == rung;
        for (int64_t i = 0; i < known; i++) {
            if (job[i].trial < 0 || job[i].rung != rung) continue;
            int better = 0;
            bool gone = false;
            for (int64_t k = 0; k < n; k++) gone |= job[k].trial == job[i].trial && job[k].rung == rung + 1;
            for (int64_t k = 0; k < known; k++)
                better += job[k].trial >= 0 && job[k].rung == rung && merit_of(job[k].trial) > merit_of(job[i].trial);
            if (!gone && better < there / sweep->base.sweep_eta &&
                (best < 0 || merit_of(job[i].trial) > merit_of(best)))
                best = job[i].trial;
        }
        if (best >= 0) return (hq_job){best, rung + 1};
    }
    return begun < sweep->trials ? (hq_job){begun, 0} : (hq_job){-1, 0};
}

static void check_decisions(const hq_sweep *sweep)
{
    int begun = 0, wrong = 0;
    for (int64_t k = 0; k < sweep->schedule.n; k++) {
        const hq_job want = plain_decision(sweep, sweep->schedule.job, k, begun), have = sweep->schedule.job[k];
        wrong += want.trial != have.trial || (have.trial >= 0 && want.rung != have.rung);
        begun += have.trial >= 0 && have.rung == 0;
    }
    CHECK_INT(wrong, 0);
}

/* Trains what is decided, in an order that depends on `order`, some of it in each round. */
static void finish(hq_sweep *sweep, unsigned order)
{
    const int last = sweep->results.rungs - 1;
    while (!sweep->schedule.over) {
        const int64_t n = sweep->schedule.n;
        int trained = 0;
        for (int64_t i = 0; i < n; i++) {
            const hq_job job = sweep->schedule.job[order % 2 ? n - 1 - i : i];
            if (job.trial < 0 || hq_job_done(sweep, job) || (trained > 0 && (i * 31 + order) % 3 == 0)) continue;
            write_result(sweep, job.trial, 0, sweep->results.rung_epochs[job.rung], job.rung == last,
                         merit_of(job.trial));
            trained++;
        }
        if (trained == 0) {
            CHECK(!"asha waits for something that nobody trains");
            return;
        }
        CHECK_INT(hq_sweep_refresh(sweep), HQ_OK);
    }
}

static void test_asha(void)
{
    static const char *const lag[] = {"sweep.lag=1", "sweep.lag=5", "sweep.lag=17", "sweep.lag=200"};
    for (int i = 0; i < 4; i++) {
        hq_sweep *one, *other;
        char dir[PATH_MAX], name[32];
        configure(&config, "sweep.space=train.learning_rate = 1e-4 .. 1e-1 log", "sweep.method=random",
                  "sweep.trials=81", "sweep.halving=asha", "train.epochs=27", lag[i], NULL);
        snprintf(name, sizeof name, "asha%d", i);
        make_dir(name, dir);
        CHECK_INT(hq_sweep_open(&config, dir, &one), HQ_OK);
        CHECK_INT(one->results.rungs, 4);
        finish(one, 0);
        check_decisions(one);
        CHECK(one->schedule.rung[3].n >= 3);
        snprintf(name, sizeof name, "asha%d-other", i);
        make_dir(name, dir);
        CHECK_INT(hq_sweep_open(&config, dir, &other), HQ_OK);
        finish(other, 5);
        CHECK_INT(other->schedule.n, one->schedule.n);
        CHECK(memcmp(other->schedule.job, one->schedule.job, (size_t)one->schedule.n * sizeof(hq_job)) == 0);
        hq_trial best;
        hq_trial *list = malloc(81 * sizeof *list);
        int n, most = 0;
        CHECK_INT(hq_sweep_rank(one, list, &n), HQ_OK);
        best = list[0];
        for (int t = 1; t < 81; t++)
            if (merit_of(t) > merit_of(most)) most = t;
        CHECK_INT(best.number, most + 1); /* where nothing is noisy, the best goes to the end */
        CHECK_INT(n, 81);
        free(list);
        hq_sweep_close(one);
        hq_sweep_close(other);
    }
}

/* ---- tpe --------------------------------------------------------------------------------------------------------- */

/* The best is 1: at a rate of 0.01, a decay of 1e-4, a dropout of 0.3 and shifts of 4, with lamb. */
static double fitness(hq_sweep *sweep, int trial)
{
    double x[6];
    for (int i = 0; i < 6; i++) x[i] = strtod(hq_sweep_value(sweep, trial, i), NULL);
    const double rate = log10(x[0]) + 2, decay = log10(x[1]) + 4, dropout = x[2] - 0.3, shift = (x[3] - 4) / 16;
    const bool right = strcmp(hq_sweep_value(sweep, trial, 4), "lamb") == 0;
    return 1 - 0.1 * rate * rate - 0.1 * decay * decay - dropout * dropout - shift * shift - (right ? 0 : 0.2) -
           0.1 * x[5]; /* momentum, 0 where it is not varied */
}

static double best_of(const char *method, const char *seed, const char *dir_name)
{
    hq_sweep *sweep;
    char dir[PATH_MAX];
    double best = -INFINITY;
    make_dir(dir_name, dir);
    configure(&config,
              "sweep.space=train.learning_rate = 1e-5 .. 10 log; train.weight_decay = 1e-7 .. 1 log; "
              "model.dropout = 0 .. 0.9; augment.shift = 0 .. 16; train.optimizer = sgd | adam | adamw | lars | lamb; "
              "train.momentum = 0 .. 0.9 if train.optimizer = sgd | lars",
              method, seed, "sweep.trials=60", "sweep.lag=4", NULL);
    CHECK_INT(hq_sweep_open(&config, dir, &sweep), HQ_OK);
    for (int64_t k = 0; k < sweep->schedule.n; k++) {
        const hq_job job = sweep->schedule.job[k];
        if (job.trial < 0) continue;
        const double merit = fitness(sweep, job.trial + 1);
        write_result(sweep, job.trial, 0, config.train_epochs, true, merit);
        if (merit > best) best = merit;
        CHECK_INT(hq_sweep_refresh(sweep), HQ_OK);
    }
    CHECK(sweep->schedule.over);
    CHECK_INT(sweep->known, 60);
    hq_sweep_close(sweep);
    return best;
}

static void test_tpe(void)
{
    int wins = 0;
    double by_tpe = 0, by_chance = 0;
    for (int i = 1; i <= 8; i++) {
        char seed[32], name[32];
        snprintf(seed, sizeof seed, "sweep.seed=%d", i);
        snprintf(name, sizeof name, "tpe%d", i);
        const double tpe = best_of("sweep.method=tpe", seed, name);
        snprintf(name, sizeof name, "chance%d", i);
        const double chance = best_of("sweep.method=random", seed, name);
        by_tpe += 1 - tpe;
        by_chance += 1 - chance;
        wins += tpe > chance;
    }
    CHECK_MSG(wins >= 6, "tpe is better than chance %d times of 8", wins);
    CHECK_MSG(by_tpe < 0.5 * by_chance, "tpe misses the best by %g, chance by %g", by_tpe / 8, by_chance / 8);
}

/* ---- importance -------------------------------------------------------------------------------------------------- */

/* A merit that one key makes nearly alone, one a little, and one not at all. */
static void test_importance(void)
{
    hq_sweep *sweep;
    char dir[PATH_MAX];
    double share[4];
    hq_trial list[200];
    int n;
    make_dir("importance", dir);
    configure(
        &config,
        "sweep.space=train.optimizer = sgd | adam | lamb; train.learning_rate = 1e-4 .. 1 log; model.layers = 1 .. 4; "
        "train.momentum = 0 .. 0.9 if train.optimizer = sgd",
        "sweep.method=random", "sweep.trials=200", NULL);
    CHECK_INT(hq_sweep_open(&config, dir, &sweep), HQ_OK);
    for (int t = 1; t <= 200; t++) {
        const double kind = 2 * hq_sweep_place(sweep, t, 0), rate = hq_sweep_place(sweep, t, 1) - 0.5;
        write_result(sweep, t - 1, 0, config.train_epochs, true, 0.5 + 0.2 * kind - 0.3 * rate * rate);
    }
    CHECK_INT(hq_sweep_refresh(sweep), HQ_OK);
    CHECK_INT(hq_sweep_rank(sweep, list, &n), HQ_OK);
    CHECK_INT(n, 200);
    CHECK_INT(hq_sweep_importance(sweep, list, n, share), HQ_OK);
    CHECK_MSG(share[0] > 0.8 && share[0] <= 1, "the optimizer explains %g", share[0]);
    CHECK_MSG(share[1] > 0.02 && share[1] < 0.3, "the rate explains %g", share[1]);
    CHECK_MSG(share[2] < 0.03, "the layers explain %g", share[2]);
    CHECK_MSG(share[3] > 0.4 && share[3] < share[0], "whether there is a momentum tells sgd from others: %g", share[3]);
    hq_sweep_close(sweep);
}

/* Trials of different lengths: train.epochs is a key like others, but not with asha. */
static void test_lengths(void)
{
    hq_sweep *sweep;
    char dir[PATH_MAX];
    hq_trial trial;
    make_dir("lengths", dir);
    configure(&config, "sweep.space=train.epochs = 3 | 30", "train.epochs=10", NULL);
    CHECK_INT(hq_sweep_open(&config, dir, &sweep), HQ_OK);
    CHECK_INT(hq_sweep_epochs(sweep, 1), 3);
    CHECK_INT(hq_sweep_epochs(sweep, 2), 30);
    CHECK_INT(hq_sweep_epochs(sweep, 0), 30);
    write_result(sweep, 1, 0, 30, true, 0.8);
    CHECK_INT(hq_sweep_refresh(sweep), HQ_OK);
    CHECK_INT(hq_sweep_look(sweep, 2, &trial), HQ_OK);
    CHECK_INT(trial.epochs, 30);
    CHECK_NEAR(trial.merit, 0.8, 1e-12);
    hq_sweep_close(sweep);
    char said[256];
    hq_log_capture(said, sizeof said);
    CHECK_INT(hq_config_set(&config, "sweep.halving=asha"), HQ_OK);
    CHECK_INT(hq_sweep_open(&config, dir, &sweep), HQ_ERR_CONFIG);
    hq_log_capture(NULL, 0);
    CHECK(strstr(said, "train.epochs cannot be varied") != NULL);
}

int main(void)
{
    HQ_RUN(test_points);
    HQ_RUN(test_asha);
    HQ_RUN(test_tpe);
    HQ_RUN(test_importance);
    HQ_RUN(test_lengths);
    return hq_check_result();
}
