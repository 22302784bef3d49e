/* Learning-rate schedules against closed forms. */
#include "hqcnn/config.h"
#include "hqcnn/nn.h"
#include "support/check.h"

static const double pi = 3.14159265358979323846;

static void test_constant(void)
{
    hq_schedule schedule = {.kind = HQ_SCHEDULE_CONSTANT, .rate = 0.3, .factor = 0.1, .epochs = 10};
    for (double e = 0; e < 10; e += 0.25) CHECK(hq_schedule_rate(&schedule, e, e + 0.25) == 0.3);
}

/* The official MedMNIST recipe: 100 epochs, times 0.1 at 50 % and 75 %. */
static void test_step(void)
{
    hq_schedule schedule = {
        .kind = HQ_SCHEDULE_STEP, .rate = 1, .factor = 0.1, .epochs = 100, .n_steps = 2, .steps = {50, 75}};
    CHECK(hq_schedule_rate(&schedule, 0, 0.1) == 1);
    CHECK(hq_schedule_rate(&schedule, 49.999, 50) == 1);
    CHECK(hq_schedule_rate(&schedule, 50, 50.001) == 0.1);
    CHECK(hq_schedule_rate(&schedule, 74.999, 75) == 0.1);
    CHECK_NEAR(hq_schedule_rate(&schedule, 75, 75.1), 0.01, 1e-16);
    CHECK_NEAR(hq_schedule_rate(&schedule, 99.9, 100), 0.01, 1e-16);
}

/* 5 epochs: 50 % is 2.5, the drop comes with the next epoch, 3; 75 % at 4; 0 % at the start, 100 % never. */
static void test_step_between_epochs(void)
{
    hq_schedule schedule = {
        .kind = HQ_SCHEDULE_STEP, .rate = 8, .factor = 0.5, .epochs = 5, .n_steps = 4, .steps = {0, 50, 75, 100}};
    const double expected[5] = {4, 4, 4, 2, 1};
    for (int epoch = 0; epoch < 5; epoch++)
        for (int step = 0; step < 4; step++) {
            double start = epoch + step / 4.0;
            CHECK(hq_schedule_rate(&schedule, start, start + 0.25) == expected[epoch]);
        }
}

static void test_cosine(void)
{
    hq_schedule schedule = {.kind = HQ_SCHEDULE_COSINE, .rate = 2, .factor = 0.25, .epochs = 8};
    CHECK(hq_schedule_rate(&schedule, 0, 0.1) == 2);
    CHECK_NEAR(hq_schedule_rate(&schedule, 4, 4.1), 1.25, 1e-15);
    CHECK_NEAR(hq_schedule_rate(&schedule, 2, 2.1), 0.5 + 1.5 * (1 + sqrt(0.5)) / 2, 1e-15);
    CHECK_NEAR(hq_schedule_rate(&schedule, 7.5, 8), 0.5 + 1.5 * (1 + cos(pi * 7.5 / 8)) / 2, 1e-15);
    CHECK_NEAR(hq_schedule_rate(&schedule, 8, 8.1), 0.5, 1e-15);
    CHECK_NEAR(hq_schedule_rate(&schedule, 9, 9.1), 0.5, 1e-15); /* an extended run does not rise again */
    for (double e = 0; e < 8; e += 0.5)
        CHECK(hq_schedule_rate(&schedule, e + 0.5, e + 1) < hq_schedule_rate(&schedule, e, e + 0.5));
}

static void test_warmup(void)
{
    hq_schedule schedule = {.kind = HQ_SCHEDULE_CONSTANT, .rate = 4, .epochs = 10, .warmup_epochs = 2};
    CHECK(hq_schedule_rate(&schedule, 0, 0.5) == 1); /* the first step is not lost */
    CHECK(hq_schedule_rate(&schedule, 0.5, 1) == 2);
    CHECK(hq_schedule_rate(&schedule, 1.5, 2) == 4);
    CHECK(hq_schedule_rate(&schedule, 2, 2.5) == 4);
    CHECK(hq_schedule_rate(&schedule, 9.5, 10) == 4);
    schedule.kind = HQ_SCHEDULE_STEP, schedule.factor = 0.5, schedule.n_steps = 1, schedule.steps[0] = 10;
    CHECK(hq_schedule_rate(&schedule, 0.5, 1) == 2);
    CHECK(hq_schedule_rate(&schedule, 1, 1.5) == 1.5); /* both factors */
}

static void test_rate_for_batch(void)
{
    CHECK(hq_rate_for_batch(HQ_RATE_RULE_NONE, 0.25, 2048, 0) == 0.25);
    CHECK(hq_rate_for_batch(HQ_RATE_RULE_LINEAR, 0.25, 2048, 128) == 4);
    CHECK(hq_rate_for_batch(HQ_RATE_RULE_SQRT, 0.25, 2048, 128) == 1);
    CHECK(hq_rate_for_batch(HQ_RATE_RULE_LINEAR, 0.25, 64, 128) == 0.125); /* down, too */
    CHECK(hq_rate_for_batch(HQ_RATE_RULE_LINEAR, 0.25, 100, 100) == 0.25);
    CHECK(hq_rate_for_batch(HQ_RATE_RULE_SQRT, 0.25, 100, 100) == 0.25);
    CHECK_NEAR(hq_rate_for_batch(HQ_RATE_RULE_SQRT, 1, 16777216, 1), 4096, 1e-9); /* the largest batch */
    CHECK_NEAR(hq_rate_for_batch(HQ_RATE_RULE_SQRT, 3, 2, 1), 3 * 1.4142135623730951, 1e-15);
}

int main(void)
{
    HQ_RUN(test_constant);
    HQ_RUN(test_step);
    HQ_RUN(test_step_between_epochs);
    HQ_RUN(test_cosine);
    HQ_RUN(test_warmup);
    HQ_RUN(test_rate_for_batch);
    return hq_check_result();
}
