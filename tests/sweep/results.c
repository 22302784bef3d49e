/* Files of results: names, what is read, what is broken, what another process writes meanwhile. */
#include "support.h"
#include "support/check.h"

#include <stdlib.h>
#include <unistd.h>

static hq_config config;

static void test_names(void)
{
    char name[HQ_RUN_NAME_MAX];
    const char *rest;
    hq_run_key key;
    hq_run_name((hq_run_key){0x0123456789abcdef, 42}, name);
    CHECK_TEXT(name, "0123456789abcdef-s42");
    CHECK(hq_run_name_read("0123456789abcdef-s42-e3.json", &key, &rest));
    CHECK(key.id == 0x0123456789abcdef && key.seed == 42);
    CHECK_TEXT(rest, "-e3.json");
    static const char *const none[] = {"",
                                       "0123456789abcde-s42",
                                       "0123456789abcdef-s",
                                       "0123456789abcdef-s-1",
                                       "0123456789abcdef_s1",
                                       "0123456789abcdef-s99999999999",
                                       "0123456789ABCDEF-s1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) CHECK(!hq_run_name_read(none[i], &key, &rest));
}

static void open_two(const char *name, hq_sweep **one, hq_sweep **other)
{
    char dir[PATH_MAX];
    make_dir(name, dir);
    configure(&config, "sweep.space=train.learning_rate = 1e-4 .. 1e-1 log", "sweep.method=random", "sweep.trials=12",
              "sweep.seeds=2", "train.epochs=5", NULL);
    CHECK_INT(hq_sweep_open(&config, dir, one), HQ_OK);
    CHECK_INT(hq_sweep_open(&config, dir, other), HQ_OK);
}

/* What one process writes another one finds, at once and each time. */
static void test_news(void)
{
    hq_sweep *one, *other;
    hq_trial trial;
    open_two("news", &one, &other);
    for (int t = 0; t < 12; t++)
        for (int seed = 0; seed < 2; seed++) {
            CHECK(!hq_results_find(&other->results, hq_plan_key(other, t, seed), 5, false));
            write_result(one, t, seed, 5, true, 0.5 + 0.01 * t + 0.02 * seed);
            CHECK_INT(hq_sweep_refresh(other), HQ_OK);
            CHECK(hq_results_find(&other->results, hq_plan_key(other, t, seed), 5, false) != NULL);
        }
    CHECK_INT(hq_sweep_look(other, 3, &trial), HQ_OK);
    CHECK_INT(trial.done, 2);
    CHECK_NEAR(trial.val_auc.mean, 0.53, 1e-12);
    CHECK_NEAR(trial.val_auc.deviation, 0.02 / M_SQRT2, 1e-12);
    CHECK_NEAR(trial.merit, 0.53, 1e-12);
    hq_trial list[12];
    int n;
    CHECK_INT(hq_sweep_rank(other, list, &n), HQ_OK);
    CHECK_INT(n, 12);
    CHECK_INT(list[0].number, 12);
    CHECK_INT(list[11].number, 1);
    hq_sweep_close(one);
    hq_sweep_close(other);
}

/* A longer result takes the place of a shorter one. */
static void test_longer(void)
{
    hq_sweep *one, *other;
    char path[PATH_MAX];
    open_two("longer", &one, &other);
    const hq_run_key key = hq_plan_key(one, 0, 0);
    write_result(one, 0, 0, 2, false, 0.6);
    CHECK_INT(hq_sweep_refresh(other), HQ_OK);
    CHECK(hq_results_find(&other->results, key, 2, true) != NULL);
    CHECK(!hq_results_find(&other->results, key, 3, true));
    write_result(one, 0, 0, 5, true, 0.7);
    hq_run_path(one->results.dir, "results", key, "-e2.json", path);
    CHECK(access(path, F_OK) != 0);
    CHECK_INT(hq_sweep_refresh(other), HQ_OK);
    const hq_record *record = hq_results_find(&other->results, key, 5, true);
    CHECK(record && record->found.epochs == 5);
    CHECK_NEAR(record ? record->found.val_auc : 0, 0.7, 0);
    hq_sweep_close(one);
    hq_sweep_close(other);
}

/* Every start of a result, and results in which something is wrong, count as none. */
static void test_broken(void)
{
    hq_sweep *one, *other;
    char path[PATH_MAX], text[4096];
    open_two("broken", &one, &other);
    const hq_run_key key = hq_plan_key(one, 0, 0);
    write_result(one, 0, 0, 5, true, 0.7);
    hq_run_path(one->results.dir, "results", key, ".json", path);
    FILE *file = fopen(path, "r");
    const size_t whole = fread(text, 1, sizeof text, file);
    fclose(file);
    hq_sweep_close(one);
    hq_sweep_close(other);
    static const char *const wrong[] = {
        "null",
        "[]",
        "{}",
        "{\"outcome\":\"ok\"}",
        "{\"outcome\":\"good\",\"epochs\":0,\"history\":{}}",
        "{\"outcome\":\"ok\",\"epochs\":3,\"history\":{\"val_loss\":[1,2]}}",
        "{\"outcome\":\"ok\",\"epochs\":-1,\"history\":{\"val_loss\":[]}}",
        "{\"outcome\":\"ok\",\"epochs\":9223372036854775807,\"history\":{\"val_loss\":[]}}"};
    enum { WRONG = sizeof wrong / sizeof *wrong };
    int taken = 0, told = 0;
    char said[256];
    for (size_t i = 0; i < whole - 1 + WRONG; i++) { /* without its last two bytes it is not closed */
        const bool cut = i < whole - 1;
        file = fopen(path, "w");
        fwrite(cut ? text : wrong[i - whole + 1], 1, cut ? i : strlen(wrong[i - whole + 1]), file);
        fclose(file);
        hq_log_capture(said, sizeof said);
        CHECK_INT(hq_sweep_open(&config, hq_check_scratch(), &one), HQ_OK);
        hq_copy_text(one->results.dir, sizeof one->results.dir, path);
        one->results.dir[strlen(path) - strlen("/results/00/0123456789abcdef-s1.json")] = '\0';
        CHECK_INT(hq_sweep_refresh(one), HQ_OK);
        taken += hq_results_find(&one->results, key, 1, true) != NULL;
        told += strstr(said, "is no whole result") != NULL;
        hq_log_capture(NULL, 0);
        hq_sweep_close(one);
    }
    CHECK_INT(taken, 0);
    CHECK_INT(told, (long long)(whole - 1 + WRONG));
}

int main(void)
{
    HQ_RUN(test_names);
    HQ_RUN(test_news);
    HQ_RUN(test_longer);
    HQ_RUN(test_broken);
    return hq_check_result();
}
