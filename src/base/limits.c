/* limits.c: what a process may use of its machine: Linux's control groups, of version 1 and 2, and memory. */
#include "hqcnn/base.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 2 * PATH_MAX + 64 };

/* The numbers at the start of a file, how many there are; "max" is INFINITY. */
static int read_numbers(const char *folder, const char *name, double *v, int n)
{
    char path[NAME], word[64];
    int found = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    while (file && found < n && fscanf(file, "%63s", word) == 1) {
        if (strcmp(word, "max") == 0)
            v[found] = INFINITY;
        else if (sscanf(word, "%lf", &v[found]) != 1)
            break;
        found++;
    }
    if (file) fclose(file);
    return found;
}

/* The number behind a name at the start of a line; `missing` when there is none. */
static double read_named(const char *folder, const char *name, const char *key, double missing)
{
    char path[NAME], line[256];
    const size_t length = strlen(key);
    double value = missing;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    while (file && value == missing && fgets(line, sizeof line, file))
        if (strncmp(line, key, length) == 0) sscanf(line + length, "%lf", &value);
    if (file) fclose(file);
    return value;
}

/* ---- one group -------------------------------------------------------------------------------------------------- */

static void limit_cores(const char *folder, bool unified, hq_limits *limits)
{
    double v[2] = {INFINITY, 0};
    bool known;
    if (unified)
        known = read_numbers(folder, "cpu.max", v, 2) == 2;
    else
        known = read_numbers(folder, "cpu.cfs_quota_us", &v[0], 1) == 1 &&
                read_numbers(folder, "cpu.cfs_period_us", &v[1], 1) == 1;
    if (known && v[0] > 0 && v[1] > 0) limits->cores = fmin(limits->cores, v[0] / v[1]);
}

/* What files take in memory goes when it is needed. */
static void limit_memory(const char *folder, bool unified, hq_limits *limits)
{
    double most, used;
    if (read_numbers(folder, unified ? "memory.max" : "memory.limit_in_bytes", &most, 1) != 1) return;
    if (read_numbers(folder, unified ? "memory.current" : "memory.usage_in_bytes", &used, 1) != 1) return;
    const double files = read_named(folder, "memory.stat", unified ? "inactive_file " : "total_inactive_file ", 0);
    limits->memory = fmin(limits->memory, fmax(0, most - used + files));
}

/* ---- all groups ------------------------------------------------------------------------------------------------- */

/* The group of a process and all above it count. In a container the name of the group may be the host's: what is not
 * there is passed over. */
static void walk_up(const char *root, const char *controller, const char *group, hq_limits *limits)
{
    char folder[NAME];
    const bool unified = !controller[0];
    const size_t top =
        (size_t)snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s%s", root, unified ? "" : "/", controller);
    hq_copy_text(folder + top, sizeof folder - top, strcmp(group, "/") == 0 ? "" : group);
    for (;;) {
        if (unified || strcmp(controller, "cpu") == 0) limit_cores(folder, unified, limits);
        if (unified || strcmp(controller, "memory") == 0) limit_memory(folder, unified, limits);
        char *slash = strrchr(folder + top, '/');
        if (!slash) return;
        *slash = '\0';
    }
}

/* A line of /proc/self/cgroup: "number:controllers:group", without controllers in version 2. */
static void follow_line(const char *root, char *line, hq_limits *limits)
{
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (!controllers[1]) walk_up(root, "", group, limits);
    for (char *rest, *name = strtok_r(controllers + 1, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        if (strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0) walk_up(root, name, group, limits);
}

hq_limits hq_limits_find(const char *root)
{
    char folder[NAME], line[PATH_MAX + 64];
    hq_limits limits = {INFINITY, INFINITY};
    snprintf(folder, sizeof folder, "%s/proc", root);
    limits.memory = 1024 * read_named(folder, "meminfo", "MemAvailable:", INFINITY);
    snprintf(folder, sizeof folder, "%s/proc/self/cgroup", root);
    FILE *file = fopen(folder, "r");
    while (file && fgets(line, sizeof line, file)) follow_line(root, line, &limits);
    if (file) fclose(file);
    return limits;
}
