#include <string.h>

#include "config/refusal.h"
#include "config/table.h"
#include "hqcnn/config.h"

static hq_config before, now;

static hq_status compare(void)
{
    hq_status status = hq_config_compare(&before, &now, "run/latest.h5");
    CHECK_INT(hq_memory_balance(), 0);
    return status;
}

static void reset(void)
{
    hq_config_defaults(&before);
    hq_config_defaults(&now);
}

static void equal_or_free_keys_pass_without_a_word(void)
{
    reset();
    hq_stderr_hold();
    hq_status same = compare();
    CHECK(hq_config_set(&now, "log.steps=5") == HQ_OK);
    CHECK(hq_config_set(&now, "checkpoint.epochs=5") == HQ_OK);
    CHECK(hq_config_set(&now, "data.source=/elsewhere/x.npz") == HQ_OK);
    hq_status free_keys = compare();
    const char *message = hq_stderr_release();
    CHECK_TEXT(message, "");
    CHECK(same == HQ_OK);
    CHECK(free_keys == HQ_OK);
}

static void training_keys_warn(void)
{
    reset();
    CHECK(hq_config_set(&now, "train.learning_rate=0.01") == HQ_OK);
    CHECK(hq_config_set(&now, "train.optimizer=sgd") == HQ_OK);
    CHECK_REFUSED(compare(), HQ_OK, "warning", "run/latest.h5", "train.learning_rate is 0.001 there and 0.01 here",
                  "train.optimizer is \"adam\" there and \"sgd\" here");
}

static void model_keys_are_refused(void)
{
    reset();
    CHECK(hq_config_set(&now, "model.qubits=6") == HQ_OK);
    CHECK(hq_config_set(&now, "model.pool=0,1") == HQ_OK);
    CHECK(hq_config_set(&now, "train.batch=1") == HQ_OK);
    CHECK_REFUSED(compare(), HQ_ERR_CONFIG, "error", "run/latest.h5", "model.qubits is 4 there and 6 here",
                  "model.pool is [0, 1, 0, 0, 1] there and [0, 1] here");
}

static void lists_of_texts_show_the_first_difference(void)
{
    reset();
    CHECK(hq_config_set(&before, "model.circuit.gates=h 0; cx 0 1; x 1") == HQ_OK);
    CHECK(hq_config_set(&now, "model.circuit.gates=h 0; cx 1 0") == HQ_OK);
    CHECK_REFUSED(compare(), HQ_ERR_CONFIG, "entry 2 of model.circuit.gates is \"cx 0 1\" there and \"cx 1 0\" here");
    CHECK(hq_config_set(&now, "model.circuit.gates=h 0; cx 0 1") == HQ_OK);
    CHECK_REFUSED(compare(), HQ_ERR_CONFIG, "entry 3 of model.circuit.gates is \"x 1\" there and absent here");
    CHECK(hq_config_set(&before, "model.circuit.gates=h 0") == HQ_OK);
    CHECK_REFUSED(compare(), HQ_ERR_CONFIG, "entry 2 of model.circuit.gates is absent there and \"cx 0 1\" here");
    memset(now.model_circuit_gates, 'x', HQ_LINES_MAX - 1);
    char shown[] =
        "is \"h 0\" there and \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxx\"... here; use the same values"; /* 100 of them */
    CHECK_REFUSED(compare(), HQ_ERR_CONFIG, "entry 1 of model.circuit.gates", shown);
}

static hq_status same_model(void)
{
    hq_status status = hq_config_same_model(&before, &now, "run/best.h5");
    CHECK_INT(hq_memory_balance(), 0);
    return status;
}

/* For evaluation only the network counts, also what stands in groups inside "model". */
static void evaluation_wants_the_same_network(void)
{
    reset();
    CHECK(hq_config_set(&now, "train.batch=1") == HQ_OK);
    CHECK(hq_config_set(&now, "data.class_count=7") == HQ_OK);
    CHECK(hq_config_set(&now, "shots.count=7") == HQ_OK);
    CHECK(same_model() == HQ_OK);
    CHECK(hq_config_set(&now, "model.layers=2") == HQ_OK);
    CHECK(hq_config_set(&now, "model.circuit.template=gates") == HQ_OK);
    CHECK(hq_config_set(&now, "model.circuit.measure=X0") == HQ_OK);
    CHECK_REFUSED(same_model(), HQ_ERR_CONFIG, "run/best.h5", "model.layers is 1 there and 2 here",
                  "model.circuit.template is \"hqcnn\" there and \"gates\" here",
                  "entry 1 of model.circuit.measure is absent there and \"X0\" here");
}

/* Another valid value for each key on its own: the scope alone decides what happens. */
static void every_key_follows_its_scope(void)
{
    for (int i = 0; i < hq_key_count; i++) {
        const hq_key *key = &hq_keys[i];
        reset();
        switch (key->kind) {
        case HQ_KIND_REAL:
            *(double *)((char *)&now + key->offset) = key->max;
            break;
        case HQ_KIND_INT:
            *(int *)((char *)&now + key->offset) = (int)key->max;
            break;
        case HQ_KIND_WORD:
            *(int *)((char *)&before + key->offset) = 1 - *(int *)((char *)&before + key->offset) % 2;
            break;
        case HQ_KIND_LIST:
            ((hq_list *)((char *)&now + key->offset))->n = 1;
            break;
        case HQ_KIND_TEXT:
        case HQ_KIND_LINES:
            strcpy((char *)&now + key->offset, "/x");
            break;
        }
        hq_stderr_hold();
        hq_status status = compare();
        bool silent = hq_stderr_release()[0] == '\0';
        CHECK_MSG(status == (key->scope == HQ_SCOPE_MODEL ? HQ_ERR_CONFIG : HQ_OK), "%s", key->path);
        CHECK_MSG(silent == (key->scope == HQ_SCOPE_FREE), "%s", key->path);
    }
}

int main(void)
{
    HQ_RUN(equal_or_free_keys_pass_without_a_word);
    HQ_RUN(training_keys_warn);
    HQ_RUN(model_keys_are_refused);
    HQ_RUN(lists_of_texts_show_the_first_difference);
    HQ_RUN(evaluation_wants_the_same_network);
    HQ_RUN(every_key_follows_its_scope);
    return hq_check_result();
}
