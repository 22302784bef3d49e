#include "support.h"
#include "support/check.h"

#include <stdarg.h>
#include <sys/stat.h>

void configure(hq_config *config, ...)
{
    va_list list;
    hq_config_defaults(config);
    va_start(list, config);
    for (const char *set = va_arg(list, const char *); set; set = va_arg(list, const char *))
        CHECK_INT(hq_config_set(config, set), HQ_OK);
    va_end(list);
}

void make_dir(const char *name, char dir[PATH_MAX])
{
    static const char *const folder[] = {"", "/results", "/trials", "/claims"};
    for (int i = 0; i < 4; i++) {
        snprintf(dir, PATH_MAX, "%s/%s%s", hq_check_scratch(), name, folder[i]);
        CHECK(mkdir(dir, 0777) == 0);
    }
    snprintf(dir, PATH_MAX, "%s/%s", hq_check_scratch(), name);
}

void write_result(hq_sweep *sweep, int trial, int seed, int64_t epochs, bool final, double auc)
{
    json_t *file = json_pack("{s:s, s:I, s:{}}", "outcome", "ok", "epochs", (json_int_t)epochs, "history");
    static const char *const column[] = {"val_auc", "val_acc", "val_f1", "val_loss"};
    for (int i = 0; i < 4; i++) {
        json_t *array = json_array();
        for (int64_t e = 0; e < epochs; e++) json_array_append_new(array, json_real(auc));
        json_object_set_new(json_object_get(file, "history"), column[i], array);
    }
    const hq_run_key key = hq_plan_key(sweep, trial, seed);
    CHECK_INT(hq_results_write(&sweep->results, key, file, final ? INT64_MAX : epochs), HQ_OK);
    json_decref(file);
}
