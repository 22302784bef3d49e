/* Status codes, memory balance, arena, random numbers, hashing, text, files, captured messages, limits of control
 * groups.
 */
#include "hqcnn/base.h"
#include "support/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_status(void)
{
    CHECK_INT(hq_status_exit_code(HQ_OK), 0);
    CHECK_INT(hq_status_exit_code(HQ_ERR_USAGE), 2);
    CHECK_INT(hq_status_exit_code(HQ_ERR_CONFIG), 2);
    CHECK_INT(hq_status_exit_code(HQ_ERR_DATA), 3);
    CHECK_INT(hq_status_exit_code(HQ_ERR_FILE), 3);
    CHECK_INT(hq_status_exit_code(HQ_ERR_NUMERIC), 4);
    CHECK_INT(hq_status_exit_code(HQ_ERR_COMM), 5);
    CHECK_INT(hq_status_exit_code(HQ_INTERRUPTED), 75);
    CHECK_INT(hq_status_exit_code(HQ_ERR_INTERNAL), 1);
    CHECK_TEXT(hq_status_text(HQ_OK), "ok");
    CHECK(HQ_OK < HQ_INTERRUPTED && HQ_INTERRUPTED < HQ_ERR_USAGE); /* agree keeps the worst */
}

static void test_memory(void)
{
    int64_t before = hq_memory_balance();
    unsigned char *a;
    void *b = &a;
    CHECK_INT(hq_alloc(1000, "test", &a), HQ_OK);
    CHECK_INT((uintptr_t)a % HQ_ALIGN, 0);
    bool zero = true;
    for (int i = 0; i < 1000; i++) zero = zero && a[i] == 0;
    CHECK(zero);
    CHECK_INT(hq_memory_balance(), before + 1);
    int errors = hq_log_error_count();
    CHECK_INT(hq_alloc_array(SIZE_MAX / 2, 4, "test of an overflowing size (expected message)", &b), HQ_ERR_MEMORY);
    CHECK(b == NULL);
    CHECK_INT(hq_log_error_count(), errors + 1);
    hq_free(a);
    hq_free(NULL);
    CHECK_INT(hq_memory_balance(), before);
}

static void test_arena(void)
{
    hq_arena measure = {0}, arena;
    CHECK(hq_arena_take(&measure, 3, 8) == NULL);
    hq_arena_take(&measure, 100, 1);
    CHECK_INT(measure.used, 64 + 128);
    CHECK_INT(hq_arena_create(measure.used, "test", &arena), HQ_OK);
    char *a = hq_arena_take(&arena, 3, 8), *b = hq_arena_take(&arena, 100, 1);
    CHECK_INT(b - a, 64);
    hq_arena_destroy(&arena);
}

/* Known answers of Philox4x32-10: counter and key 0 (Random123's kat_vectors). */
static void test_random_known(void)
{
    hq_random stream = {0};
    uint32_t bits[4];
    hq_random_block(&stream, 0, bits);
    CHECK_INT(bits[0], 0x6627e8d5);
    CHECK_INT(bits[1], 0xe169c58d);
    CHECK_INT(bits[2], 0xbc57ac4c);
    CHECK_INT(bits[3], 0x9b00dbd8);
}

static void test_random_streams(void)
{
    hq_random a = hq_random_make(1, HQ_PURPOSE_TEST, 2, 3), b = a, others[4] = {a, a, a, a};
    others[0].seed++, others[1].purpose++, others[2].epoch++, others[3].index++;
    uint64_t first = hq_random_next(&a);
    CHECK(first == hq_random_next(&b));
    CHECK(first != hq_random_next(&a));
    for (int i = 0; i < 4; i++) CHECK(hq_random_next(&others[i]) != first);
}

static void test_random_moments(void)
{
    enum { N = 200000 };
    hq_random stream = hq_random_make(7, HQ_PURPOSE_TEST, 0, 0);
    double sum = 0, squares = 0, normal = 0, normal2 = 0;
    for (int i = 0; i < N; i++) {
        double u = hq_random_uniform(&stream), z = hq_random_normal(&stream);
        CHECK_MSG(u >= 0 && u < 1, "uniform number %g", u);
        sum += u, squares += u * u, normal += z, normal2 += z * z;
    }
    CHECK_NEAR(sum / N, 0.5, 4 * 0.2887 / sqrt(N)); /* four standard errors */
    CHECK_NEAR(squares / N, 1.0 / 3, 4 * 0.2981 / sqrt(N));
    CHECK_NEAR(normal / N, 0, 4 / sqrt(N));
    CHECK_NEAR(normal2 / N, 1, 4 * 1.4142 / sqrt(N));
}

static void test_hash(void)
{
    CHECK(hq_hash("abc", 3, 0) == hq_hash_text("abc"));
    CHECK(hq_hash("abc", 3, 1) != hq_hash_text("abc"));
    CHECK(hq_hash_text("abc") != hq_hash_text("abd"));
    CHECK(hq_hash("", 0, 0) == 0x2d06800538d394c2u); /* XXH3's published value for no data */
}

static void test_text(void)
{
    char small[4];
    CHECK(hq_copy_text(small, sizeof small, "abc"));
    CHECK(!hq_copy_text(small, sizeof small, "abcd"));
    CHECK_TEXT(small, "abc");
    CHECK_INT(hq_edit_distance("kitten", "sitting"), 3);
    CHECK_INT(hq_edit_distance("", "abc"), 3);
    CHECK_INT(hq_edit_distance("same", "same"), 0);
}

/* ---- files ---- */

static bool write_words(FILE *file, const void *ctx) { return fputs(ctx, file) >= 0; }

static bool write_half(FILE *file, const void *ctx)
{
    fputs(ctx, file);
    errno = EDOM;
    return false;
}

static const char *contents(const char *path)
{
    static char text[64];
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file) fclose(file);
    return text;
}

static void test_files(void)
{
    char folder[] = "/tmp/hqcnn-base-XXXXXX", path[64], temporary[64], other[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(temporary, sizeof temporary, "%s/file.tmp", folder);
    snprintf(other, sizeof other, "%s/no/file", folder);
    CHECK_INT(hq_file_write(path, write_words, "one"), 0);
    CHECK_TEXT(contents(path), "one");
    CHECK_INT(hq_file_write(path, write_half, "two"), EDOM);
    CHECK_TEXT(contents(path), "one");
    CHECK_INT(hq_file_write(other, write_words, "two"), ENOENT);
    CHECK_INT(hq_file_replace(temporary, path), ENOENT);
    CHECK_TEXT(contents(path), "one");
    CHECK_INT(link(path, temporary), 0); /* two names of one file: rename leaves both */
    CHECK_INT(hq_file_replace(temporary, path), 0);
    CHECK(access(temporary, F_OK) != 0);
    CHECK_INT(hq_file_write(path, write_words, "three"), 0);
    CHECK_TEXT(contents(path), "three");
    FILE *full = fopen("/dev/full", "w");
    if (full) {
        fputs("four", full);
        CHECK_INT(hq_file_finish(full), ENOSPC);
    }
    unlink(path);
    CHECK_INT(rmdir(folder), 0);
}

static void test_folders(void)
{
    char folder[64];
    hq_file_folder("a/b/c", folder, sizeof folder);
    CHECK_TEXT(folder, "a/b");
    hq_file_folder("c", folder, sizeof folder);
    CHECK_TEXT(folder, ".");
    hq_file_folder("/c", folder, sizeof folder);
    CHECK_TEXT(folder, "/");
}

static void test_capture(void)
{
    char text[32] = "x";
    hq_log_capture(text, sizeof text);
    CHECK_TEXT(text, "");
    const int errors = hq_log_error_count();
    hq_warn("first %d", 1);
    hq_warn("second");
    CHECK_TEXT(text, "first 1");
    CHECK_INT(hq_fail(HQ_ERR_DATA, "an error goes over a warning, and is cut"), HQ_ERR_DATA);
    hq_fail(HQ_ERR_DATA, "not the first error");
    CHECK_TEXT(text, "an error goes over a warning, a");
    CHECK_INT(hq_log_error_count(), errors + 4);
    hq_log_capture(NULL, 0);
}

/* A file of a made-up machine below the scratch folder. */
static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", hq_check_scratch(), name);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_limits_unified(void)
{
    put("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    2000 kB\n");
    put("proc/self/cgroup", "0::/job/step\n");
    hq_limits limits = hq_limits_find(hq_check_scratch());
    CHECK(isinf(limits.cores));
    CHECK_NEAR(limits.memory, 2000 * 1024.0, 0);
    put("sys/fs/cgroup/job/cpu.max", "150000 100000\n");
    put("sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/job/memory.max", "1000000\n");
    put("sys/fs/cgroup/job/memory.current", "700000\n");
    put("sys/fs/cgroup/job/memory.stat", "anon 5\ninactive_file 100000\nfile 7\n");
    limits = hq_limits_find(hq_check_scratch());
    CHECK_NEAR(limits.cores, 1.5, 1e-12);
    CHECK_NEAR(limits.memory, 400000, 1e-12);
}

static void test_limits_apart(void)
{
    put("proc/self/cgroup", "5:memory:/host/name\n4:cpu,cpuacct:/box\n1:name=systemd:/x\n0::/\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "400000\n");
    put("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "900000\n"); /* of a container, whose groups are not shown */
    put("sys/fs/cgroup/memory/memory.usage_in_bytes", "850000\n");
    put("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 50000\n");
    const hq_limits limits = hq_limits_find(hq_check_scratch());
    CHECK_NEAR(limits.cores, 4, 1e-12);
    CHECK_NEAR(limits.memory, 100000, 1e-12);
}

int main(void)
{
    HQ_RUN(test_status);
    HQ_RUN(test_memory);
    HQ_RUN(test_arena);
    HQ_RUN(test_random_known);
    HQ_RUN(test_random_streams);
    HQ_RUN(test_random_moments);
    HQ_RUN(test_hash);
    HQ_RUN(test_text);
    HQ_RUN(test_files);
    HQ_RUN(test_folders);
    HQ_RUN(test_capture);
    HQ_RUN(test_limits_unified);
    HQ_RUN(test_limits_apart);
    return hq_check_result();
}
