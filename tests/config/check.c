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
    {"train.rate_rule=sqrt", "train.rate_batch=1"},
    {"train.rate_batch=128"}, /* no rule: not used */
    {"model.circuit.template=gates", "model.circuit.gates=h 0"},
    {"model.circuit.template=classical"},
    {"model.circuit.measure=X0"},
    {"shots.count=10", "shots.chunk=10", "gradient.method=spsa"},
    {"noise.depolarizing2=0.1", "gradient.method=parameter-shift"},
    {"shots.count=10", "shots.mitigation=readout", "gradient.method=spsa", "noise.readout01=0.9"},
    {"noise.readout01=0.5", "noise.readout10=0.5", "gradient.method=spsa"}, /* no mitigation: nothing to invert */
    {"executor.command=/x", "shots.count=1", "gradient.method=spsa", "noise.readout10=0.1"},
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
    {{"train.rate_rule=linear"}, {"train.rate_rule = \"linear\"", "train.rate_batch = 0", "at least 1", "\"none\""}},
    {{"model.circuit.template=gates"}, {"model.circuit.template = \"gates\"", "model.circuit.gates is empty"}},
    {{"model.circuit.gates=h 0; h 1"}, {"model.circuit.gates = \"h 0; h 1\"", "template = \"hqcnn\"", "\"gates\""}},
    {{"model.circuit.template=classical", "model.circuit.gates=h 0"}, {"template = \"classical\""}},
    {{"model.circuit.template=classical", "model.circuit.measure=X0"},
     {"model.circuit.measure = \"X0\"", "template = \"classical\"", "model.circuit.measure = ()"}},
    {{"shots.count=10", "shots.chunk=11", "gradient.method=spsa"}, {"shots.chunk = 11", "shots.count = 10"}},
    {{"shots.chunk=1"}, {"shots.chunk = 1", "shots.count = 0"}},
    {{"shots.mitigation=readout"}, {"shots.mitigation = \"readout\"", "shots.count = 0"}},
    {{"shots.count=9", "shots.mitigation=readout", "noise.readout01=0.25", "noise.readout10=0.75"},
     {"shots.mitigation", "noise.readout01 = 0.25", "noise.readout10 = 0.75", "less than 1"}},
    {{"shots.count=9"}, {"gradient.method = \"adjoint\"", "shots.count = 9", "\"parameter-shift\" or \"spsa\""}},
    {{"noise.depolarizing1=0.01"}, {"adjoint", "noise.depolarizing1 = 0.01", "spsa"}},
    {{"noise.depolarizing2=1"}, {"adjoint", "noise.depolarizing2 = 1"}},
    {{"noise.amplitude_damping=1e-9"}, {"adjoint", "noise.amplitude_damping = 1e-09"}},
    {{"noise.phase_damping=0.5"}, {"adjoint", "noise.phase_damping = 0.5"}},
    {{"noise.readout01=0.5"}, {"adjoint", "noise.readout01 = 0.5"}},
    {{"noise.readout10=0.5"}, {"adjoint", "noise.readout10 = 0.5"}},
    {{"executor.command=/x y", "shots.count=9"}, {"adjoint", "executor.command = \"/x y\"", "parameter-shift"}},
    {{"executor.command=/x", "gradient.method=spsa"}, {"executor.command = \"/x\"", "shots.count = 0"}},
    {{"executor.command=/x", "shots.count=1", "gradient.method=spsa", "noise.phase_damping=0.5"},
     {"executor.command = \"/x\"", "noise.phase_damping = 0.5", "set noise.phase_damping = 0"}},
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
