/* access.c: start weights, and what others may ask of a network. */
#include "model/network.h"

#include <math.h>
#include <string.h>

double hq_model_scaling_factor(int scaling)
{
    static const double factor[] = {[HQ_SCALING_HALF_PI_TANH] = 1.5707963267948966,
                                    [HQ_SCALING_PI_TANH] = 3.14159265358979323846,
                                    [HQ_SCALING_TANH] = 1.0,
                                    [HQ_SCALING_IDENTITY] = 0.0};
    return factor[scaling];
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static void fill(hq_real *x, int64_t count, double value)
{
    for (int64_t i = 0; i < count; i++) x[i] = (hq_real)value;
}

/* Inputs of one output: all dimensions of the weight but the last. A bias follows its weight in the list. */
static double fan_in(const hq_param *weight) { return (double)(weight->count / weight->shape[weight->rank - 1]); }

void hq_model_init(hq_model *model, uint64_t seed)
{
    double bound = 1;
    for (int i = 0; i < model->params_listed; i++) {
        const hq_param *param = &model->param_list[i];
        hq_real *w = model->params + param->offset;
        if (ends_with(param->name, ".scale") || ends_with(param->name, ".shift")) {
            fill(w, param->count, ends_with(param->name, ".scale") ? 1 : 0);
        } else if (param->quantum) {
            hq_init_uniform(seed, param->name, 0, 6.283185307179586, (size_t)param->count, w);
        } else {
            if (!ends_with(param->name, ".bias")) bound = 1 / sqrt(fan_in(param));
            hq_init_uniform(seed, param->name, -bound, bound, (size_t)param->count, w);
        }
    }
    for (int i = 0; i < model->stats_listed; i++) {
        const hq_param *stat = &model->stat_list[i];
        fill(model->stats + stat->offset, stat->count, ends_with(stat->name, ".var") ? 1 : 0);
    }
}

int64_t hq_model_param_count(const hq_model *model) { return model->param_count; }
int64_t hq_model_stat_count(const hq_model *model) { return model->stat_count; }
hq_real *hq_model_params(hq_model *model) { return model->params; }
hq_real *hq_model_grads(hq_model *model) { return model->grads; }
hq_real *hq_model_stats(hq_model *model) { return model->stats; }
const hq_real *hq_model_batch_stats(const hq_model *model) { return model->batch_stats; }

int hq_model_params_list(const hq_model *model, const hq_param **out_list)
{
    *out_list = model->param_list;
    return model->params_listed;
}

int hq_model_stats_list(const hq_model *model, const hq_param **out_list)
{
    *out_list = model->stat_list;
    return model->stats_listed;
}

int64_t hq_model_quantum_count(const hq_model *model)
{
    return model->circuit ? hq_circuit_weights(model->circuit) : 0;
}
const hq_circuit *hq_model_circuit(const hq_model *model) { return model->circuit; }
const char *hq_model_variant(const hq_model *model) { return model->variant; }
size_t hq_model_arena_bytes(const hq_model *model) { return model->arena.size; }

size_t hq_model_input_size(const hq_model *model)
{
    return (size_t)model->depth * (size_t)model->height * (size_t)model->width * (size_t)model->channels;
}
