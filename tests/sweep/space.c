/* The space of a sweep: values, points, conditions, what a configuration becomes. */
#include "sweep/space.h"
#include "support/check.h"

#include <string.h>

static hq_config config, trial;
static hq_space space;

static void read_space(const char *text)
{
    hq_config_defaults(&config);
    CHECK_INT(hq_config_put(&config, "sweep.space", text, "test"), HQ_OK);
    CHECK_INT(hq_space_read(&config, &space), HQ_OK);
}

static const char *text_of(int axis, double value)
{
    static char text[HQ_VALUE_MAX];
    hq_axis_text(&space.axis[axis], value, text);
    return text;
}

static void test_ranges(void)
{
    read_space("train.learning_rate = 1e-4 .. 1e-1 log grid 4; train.clip_norm = 0 .. 2 grid 5; model.layers = 1 .. 8; "
               "train.batch = 16 .. 1024 log grid 7");
    CHECK_INT(space.axes, 4);
    CHECK_TEXT(text_of(0, hq_axis_value(&space.axis[0], 0)), "0.0001");
    CHECK_TEXT(text_of(0, hq_axis_value(&space.axis[0], 0.5)), "0.003162");
    CHECK_TEXT(text_of(1, hq_axis_value(&space.axis[1], 0.5)), "1");
    CHECK_TEXT(text_of(3, hq_axis_value(&space.axis[3], 0.5)), "126"); /* between 15.5 and 1024.5 */
    int seen[9] = {0};
    for (int i = 0; i < 8000; i++) seen[(int)hq_axis_value(&space.axis[2], (i + 0.5) / 8000)]++;
    for (int i = 1; i <= 8; i++) CHECK_INT(seen[i], 1000); /* integers are equally likely */
    CHECK_INT(space.axis[2].points, 8);
    for (int i = 0; i < 4; i++)
        for (double u = 0.01; u < 1; u += 0.01) {
            const double value = hq_axis_value(&space.axis[i], u);
            CHECK_NEAR(hq_axis_value(&space.axis[i], fmin(hq_axis_unit(&space.axis[i], value), 0.9999999)), value,
                       1e-3);
        }
    double point[4];
    CHECK(hq_space_grid_point(&space, (int[]){1, 3, 7, 6}, point));
    CHECK_TEXT(text_of(0, point[0]), "0.001");
    CHECK_TEXT(text_of(1, point[1]), "1.5");
    CHECK_TEXT(text_of(2, point[2]), "8");
    CHECK_TEXT(text_of(3, point[3]), "1024");
    hq_space_free(&space);
}

static void test_lists(void)
{
    read_space(
        "model.channels = [8, 8, 16, 16, 16] | 16,16,64,64,64; model.attention = none | qft; train.beta1=0.90|0.5");
    CHECK_TEXT(text_of(0, 0), "[8, 8, 16, 16, 16]");
    CHECK_TEXT(text_of(0, 1), "[16, 16, 64, 64, 64]");
    CHECK_TEXT(text_of(1, 1), "qft");
    CHECK_TEXT(text_of(2, 0), "0.9"); /* in the form in which equal ones are the same */
    CHECK_INT(hq_space_apply(&space, (double[]){0, 0, 1}, &config, &trial), HQ_OK);
    hq_space_free(&space);
}

/* A key that hangs on one that hangs on another; on a key outside the space; at other positions the same point. */
static void test_conditions(void)
{
    double point[4];
    read_space("train.optimizer = sgd | adam | lars; train.momentum = 0 | 0.9 if train.optimizer = sgd | lars; "
               "train.trust = 0.001 | 0.01 if train.momentum = 0.9; train.beta2 = 0.9 | 0.99 if model.norm = group");
    CHECK(hq_space_grid_point(&space, (int[]){1, 0, 0, 0}, point));
    CHECK(isnan(point[1]) && isnan(point[2]) && isnan(point[3]));
    CHECK(!hq_space_grid_point(&space, (int[]){1, 1, 0, 0}, point));
    CHECK(!hq_space_grid_point(&space, (int[]){0, 0, 1, 0}, point));
    CHECK(hq_space_grid_point(&space, (int[]){0, 1, 1, 0}, point));
    CHECK_TEXT(text_of(2, point[2]), "0.01");
    CHECK(isnan(point[3]));
    trial = config;
    CHECK_INT(hq_space_apply(&space, point, &config, &trial), HQ_OK);
    CHECK_INT(trial.train_optimizer, HQ_OPTIMIZER_SGD);
    CHECK_NEAR(trial.train_trust, 0.01, 0);
    CHECK(hq_space_grid_point(&space, (int[]){1, 0, 0, 0}, point)); /* and back to what the configuration says */
    CHECK_INT(hq_space_apply(&space, point, &config, &trial), HQ_OK);
    CHECK_NEAR(trial.train_trust, config.train_trust, 0);
    hq_space_free(&space);
}

/* What a configuration does to a training has one number; free keys and folders do not change it. */
static void test_identity(void)
{
    hq_config_defaults(&config);
    CHECK(hq_config_identity(&config) == 0);
    trial = config;
    trial.checkpoint_keep = 7;
    trial.sweep_seeds = 3;
    CHECK(hq_config_identity(&trial) == 0);
    CHECK_INT(hq_config_set(&trial, "train.batch=128"), HQ_OK);
    const uint64_t batch = hq_config_identity(&trial);
    CHECK(batch != 0 && batch == hq_config_identity_of(&trial, "train.batch"));
    CHECK_INT(hq_config_set(&trial, "data.source=/a/breastmnist.npz"), HQ_OK);
    const uint64_t both = hq_config_identity(&trial);
    CHECK(both != batch);
    CHECK_INT(hq_config_set(&trial, "data.source=/elsewhere/breastmnist.npz"), HQ_OK);
    CHECK(hq_config_identity(&trial) == both);
    CHECK_INT(hq_config_set(&trial, "data.source=/a/breastmnist_64.npz"), HQ_OK);
    CHECK(hq_config_identity(&trial) != both);
}

int main(void)
{
    HQ_RUN(test_ranges);
    HQ_RUN(test_lists);
    HQ_RUN(test_conditions);
    HQ_RUN(test_identity);
    return hq_check_result();
}
