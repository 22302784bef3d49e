#include "config/refusal.h"
#include "hqcnn/config.h"

enum { MAX = 5 }; /* overrides or pieces of a case, with the NULL at the end */

static const char *const working[][MAX] = {
    {NULL},
    {"model.channels=[8]", "model.padding=[1]", "model.pool=[1]"},
    {"model.norm=group"},
    {"model.norm_groups=5"}, /* no group norm: not used */
    {"model.head=0"},
    {"model.dropout=0.5"},
    {"train.batch=64", "train.microbatch=64"},
    {"train.batch=1"},
    {"data.classes=0,1", "data.class_count=2", "data.task=binary"},
    {"data.class_count=9"},
    {"data.class_count=2", "data.task=multi-label"},
    {"phantom.channels=3"},
    {"train.schedule=step", "train.schedule_steps=30"},
    {"train.schedule_steps=[]"},
};

static const struct {
    const char *overrides[MAX];
    const char *pieces[MAX]; /* of the message */
} refused[] = {
    {{"model.padding=0,0,0,0"}, {"model.channels", "model.padding", "model.pool", "5, 4 and 5"}},
    {{"model.channels=8,8,8,8"}, {"4, 5 and 5"}},
    {{"model.pool=0,0,0,0,0,0"}, {"5, 5 and 6"}},
    {{"model.channels=[]", "model.padding=[]", "model.pool=[]"}, {"model.channels is empty", "1 to 16"}},
    {{"model.norm=group", "model.norm_groups=5"}, {"model.norm_groups = 5", "entry 1 of model.channels, 16"}},
    {{"model.norm=group", "model.norm_groups=32"}, {"model.norm_groups = 32", "entry 1 of model.channels, 16"}},
    {{"model.norm=group", "model.channels=16,16,64,60,64"}, {"model.norm_groups = 8", "entry 4 of model.channels, 60"}},
    {{"model.head=0", "model.dropout=0.5"}, {"model.dropout = 0.5", "model.head = 0"}},
    {{"train.microbatch=65"}, {"train.microbatch = 65", "train.batch = 64"}},
    {{"data.source="}, {"data.source", "phantom"}},
    {{"phantom.channels=2"}, {"phantom.channels = 2", "1", "3"}},
    {{"data.classes=4"}, {"data.classes = [4]", "at least 2"}},
    {{"data.classes=3,1,2,3"}, {"data.classes", "label 3 twice", "entries 1 and 4"}},
    {{"data.class_count=1"}, {"data.class_count = 1", "at least 2"}},
    {{"data.class_count=3", "data.classes=0,1"}, {"data.class_count = 3", "2 classes"}},
    {{"data.classes=0,1", "data.task=multi-label"}, {"data.classes", "multi-label"}},
    {{"data.classes=0,1,2", "data.task=binary"}, {"binary", "data.classes gives 3"}},
    {{"data.class_count=4", "data.task=binary"}, {"binary", "data.class_count gives 4"}},
    {{"train.schedule=step", "train.schedule_steps=[]"}, {"train.schedule_steps is empty", "at least 1"}},
    {{"train.schedule_steps=20,40,40"}, {"train.schedule_steps", "entry 2 is 40 and entry 3 is 40"}},
    {{"train.schedule_steps=75,50"}, {"train.schedule_steps", "entry 1 is 75 and entry 2 is 50"}},
};

/* The defaults with some overrides, checked. */
static hq_status check(const char *const *overrides)
{
    hq_config config;
    hq_config_defaults(&config);
    for (; *overrides; overrides++) CHECK(hq_config_set(&config, *overrides) == HQ_OK);
    return hq_config_check(&config);
}

static void combinations_that_work(void)
{
    for (size_t i = 0; i < sizeof working / sizeof *working; i++)
        CHECK_MSG(check(working[i]) == HQ_OK, "%s ... is refused", working[i][0]);
}

static void combinations_that_cannot_work(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        hq_stderr_hold();
        hq_status status = check(refused[i].overrides);
        const char *message = hq_stderr_release();
        hq_check_refusal(__FILE__, __LINE__, refused[i].overrides[0], status, HQ_ERR_CONFIG, message,
                         refused[i].pieces);
    }
}

int main(void)
{
    HQ_RUN(combinations_that_work);
    HQ_RUN(combinations_that_cannot_work);
    return hq_check_result();
}
