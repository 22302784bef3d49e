/* The header of a .npy array: prefix, dictionary, meaning. */
#include "data/npy.h"

#include "support/check.h"

#include <string.h>

static const char *parse(const char *text, hq_npy *npy) { return hq_npy_parse(text, strlen(text), npy); }

static void test_prefix(void)
{
    unsigned char v1[12] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0x76, 0x01, 0xff, 0xff};
    size_t prefix = 0, header = 0;
    CHECK(hq_npy_prefix(v1, &prefix, &header) == NULL);
    CHECK_INT(prefix, 10);
    CHECK_INT(header, 0x176);
    for (unsigned char version = 2; version <= 3; version++) {
        unsigned char v[12] = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0, 0x76, 0x01, 0, 0};
        CHECK(hq_npy_prefix(v, &prefix, &header) == NULL);
        CHECK_INT(prefix, 12);
        CHECK_INT(header, 0x176);
        v[11] = 1; /* 16 million bytes */
        CHECK(hq_npy_prefix(v, &prefix, &header) != NULL);
        v[10] = v[11] = 0;
        v[8] = v[9] = 0xff;
        CHECK(hq_npy_prefix(v, &prefix, &header) != NULL);
    }
    unsigned char bad[12];
    memcpy(bad, v1, 12);
    bad[6] = 4;
    CHECK(hq_npy_prefix(bad, &prefix, &header) != NULL);
    bad[6] = 0;
    CHECK(hq_npy_prefix(bad, &prefix, &header) != NULL);
    memcpy(bad, v1, 12);
    bad[5] = 'Z';
    CHECK(hq_npy_prefix(bad, &prefix, &header) != NULL);
}

static void test_dictionary(void)
{
    hq_npy npy;
    CHECK(parse("{'descr': '|u1', 'fortran_order': False, 'shape': (546, 28, 28), }   \n", &npy) == NULL);
    CHECK_TEXT(npy.type, "|u1");
    CHECK_INT(npy.fortran, 0);
    CHECK_INT(npy.dims, 3);
    CHECK_INT(npy.shape[0], 546);
    CHECK_INT(npy.shape[2], 28);
    CHECK(parse("{\"shape\":(7,),\"fortran_order\":True,\"descr\":\"<i8\"}", &npy) == NULL);
    CHECK_INT(npy.dims, 1);
    CHECK_INT(npy.shape[0], 7);
    CHECK_INT(npy.fortran, 1);
    CHECK(parse("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", &npy) == NULL);
    CHECK_INT(npy.dims, 0);
    CHECK(parse("{'descr': '<i8', 'fortran_order': False, 'shape': (12L, 3L)}", &npy) == NULL);
    CHECK_INT(npy.shape[0], 12);
}

static void test_bad_dictionaries(void)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'shape': (1,)}",
        "{'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '|u1', 'fortran_order': Maybe, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,,2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 5}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,2,3,4,5,6,7,8,9)}",
        "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '0123456789abcdef', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': 1}",
    };
    hq_npy npy;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK_MSG(parse(texts[i], &npy) != NULL, "accepted: %s", texts[i]);
    /* Every piece of a good header that is cut off must be refused, and must not be read beyond its end. */
    const char good[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (5, 6)}";
    for (size_t length = 0; length < sizeof good - 1; length++)
        CHECK_MSG(hq_npy_parse(good, length, &npy) != NULL, "accepted %d bytes of a header", (int)length);
}

static void test_types(void)
{
    static const struct {
        const char *type;
        int bytes, is_signed;
    } cases[] = {{"|u1", 1, 0}, {"|i1", 1, 1}, {"<u2", 2, 0}, {"<i2", 2, 1}, {"<u4", 4, 0},  {"<i4", 4, 1},
                 {"<u8", 8, 0}, {"<i8", 8, 1}, {"<u1", 1, 0}, {">u1", 1, 0}, {">i4", 0, 0},  {"|i4", 0, 0},
                 {"<f4", 0, 0}, {"|b1", 0, 0}, {"<u3", 0, 0}, {"", 0, 0},    {"<i16", 0, 0}, {"u1", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hq_npy npy = {.dims = 0};
        bool is_signed = false;
        strcpy(npy.type, cases[i].type);
        CHECK_MSG(hq_npy_integer_bytes(&npy, &is_signed) == cases[i].bytes, "bytes of \"%s\"", cases[i].type);
        CHECK_MSG(is_signed == cases[i].is_signed, "sign of \"%s\"", cases[i].type);
    }
}

static void test_elements(void)
{
    hq_npy npy = {.dims = 3, .shape = {2, 3, 5}};
    uint64_t n = 0;
    char text[64], small[8];
    CHECK(hq_npy_elements(&npy, 0, &n) && n == 30);
    CHECK(hq_npy_elements(&npy, 1, &n) && n == 15);
    CHECK_TEXT(hq_npy_shape_text(&npy, text, sizeof text), "(2, 3, 5)");
    CHECK_TEXT(hq_npy_shape_text(&npy, small, sizeof small), "(2, 3, ");
    npy.shape[0] = npy.shape[1] = (int64_t)1 << 31;
    CHECK(!hq_npy_elements(&npy, 0, &n)); /* 5 * 2^62 */
    npy.shape[0] = INT64_MAX;
    CHECK(!hq_npy_elements(&npy, 0, &n));
    npy.dims = 1;
    npy.shape[0] = 9;
    CHECK_TEXT(hq_npy_shape_text(&npy, text, sizeof text), "(9,)");
}

int main(void)
{
    HQ_RUN(test_prefix);
    HQ_RUN(test_dictionary);
    HQ_RUN(test_bad_dictionaries);
    HQ_RUN(test_types);
    HQ_RUN(test_elements);
    return hq_check_result();
}
