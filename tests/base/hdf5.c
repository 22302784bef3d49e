/* Which structures of HDF5 files are taken for ours: the cases of the fuzz targets, and files cut short. CORPUS: the
 * folder of these cases. */
#include "hqcnn/base.h"
#include "support/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool check(const char *path, char problem[HQ_HDF5_PROBLEM_MAX])
{
    const int fd = open(path, O_RDONLY);
    const bool ours = hq_hdf5_check(fd, problem);
    CHECK_MSG(fd >= 0, "cannot open %s", path);
    close(fd);
    return ours;
}

static void test_cases(void)
{
    static const struct {
        const char *file, *problem; /* NULL: none */
    } cases[] = {
        {"checkpoint/nothing.h5", NULL},
        {"checkpoint/small.h5", NULL},
        {"checkpoint/sixteen.h5", NULL},
        {"set_file/phantom.h5", NULL},
        {"seal/cut.h5", "it should have 2603 bytes, it has 900"},
        {"npz/stored.npz", "it has no start of an HDF5 file"},
        {"checkpoint/array_of_many_dimensions.h5", "its OHDR at byte 1938 is not as hqcnn-dist writes it"},
        {"checkpoint/circle.h5", "its OHDR at byte 560 is not as hqcnn-dist writes it"},
        {"checkpoint/crash_of_hdf5.h5", "its OCHK at byte 8708 is not as hqcnn-dist writes it"},
        {"checkpoint/links_elsewhere.h5", "its FRHP at byte 1073742336 is not as hqcnn-dist writes it"},
        {"checkpoint/long_text.h5", "its OCHK at byte 4876 is not as hqcnn-dist writes it"},
        {"checkpoint/size_of_a_petabyte.h5", "its OHDR at byte 866 is not as hqcnn-dist writes it"},
        {"set_file/crash_of_hdf5_links.h5", "its OHDR at byte 48 is not as hqcnn-dist writes it"},
        {"set_file/crash_of_hdf5_tree.h5", "its BTHD at byte 5426 is not as hqcnn-dist writes it"},
        {"set_file/deep_heap.h5", "its FRHP at byte 5280 is not as hqcnn-dist writes it"},
        {"set_file/deep_tree.h5", "its BTHD at byte 5426 is not as hqcnn-dist writes it"},
        {"set_file/index_of_another_kind.h5", "its OHDR at byte 391 is not as hqcnn-dist writes it"},
        {"set_file/soft_link.h5", "its BTLF at byte 5546 is not as hqcnn-dist writes it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[600], problem[HQ_HDF5_PROBLEM_MAX] = "";
        snprintf(path, sizeof path, "%s/%s", CORPUS, cases[i].file);
        CHECK_MSG(check(path, problem) == !cases[i].problem, "%s: %s", cases[i].file, problem);
        CHECK_TEXT(problem, cases[i].problem ? cases[i].problem : "");
    }
}

/* A file that is shorter than it should be, down to nothing. */
static void test_cut(void)
{
    char path[600], problem[HQ_HDF5_PROBLEM_MAX];
    unsigned char bytes[8192];
    snprintf(path, sizeof path, "%s/cut.h5", hq_check_scratch());
    FILE *in = fopen(CORPUS "/checkpoint/small.h5", "rb"), *out = fopen(path, "wb");
    const size_t n = in && out ? fread(bytes, 1, sizeof bytes, in) : 0;
    CHECK_INT(n, 5123);
    CHECK(out && fwrite(bytes, 1, n, out) == n);
    if (in) fclose(in);
    if (out) fclose(out);
    CHECK(check(path, problem));
    for (size_t left = n; left-- > 0;) {
        CHECK(truncate(path, (off_t)left) == 0);
        CHECK_MSG(!check(path, problem), "a file of %zu bytes", left);
    }
}

int main(void)
{
    HQ_RUN(test_cases);
    HQ_RUN(test_cut);
    return hq_check_result();
}
