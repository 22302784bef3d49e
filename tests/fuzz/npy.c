/* The header of a .npy array: prefix, then the dictionary. */
#include "support.h"

#include "data/npy.h"

#include <stdlib.h>
#include <string.h>

static void use(const hq_npy *npy)
{
    bool is_signed;
    uint64_t elements;
    char shape[200];
    HQ_ASSERT(npy->dims >= 0 && npy->dims <= HQ_NPY_DIMS);
    for (int i = 0; i < npy->dims; i++) HQ_ASSERT(npy->shape[i] >= 0);
    hq_npy_integer_bytes(npy, &is_signed);
    for (int first = 0; first <= npy->dims; first++)
        if (hq_npy_elements(npy, first, &elements)) HQ_ASSERT(elements >> 62 == 0);
    HQ_ASSERT(strlen(hq_npy_shape_text(npy, shape, sizeof shape)) < sizeof shape);
    hq_npy_shape_text(npy, shape, 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char prefix[HQ_NPY_PREFIX] = {0};
    size_t prefix_bytes = 0, header_bytes = 0;
    hq_npy npy;
    memcpy(prefix, data, size < sizeof prefix ? size : sizeof prefix);
    if (hq_npy_prefix(prefix, &prefix_bytes, &header_bytes) || size < prefix_bytes) return 0;
    HQ_ASSERT(header_bytes <= HQ_NPY_HEADER_MAX);
    const size_t rest = size - prefix_bytes, n = rest < header_bytes ? rest : header_bytes;
    char *text = malloc(n ? n : 1); /* of its own: reading behind its end is noticed */
    HQ_ASSERT(text);
    memcpy(text, data + prefix_bytes, n);
    if (!hq_npy_parse(text, n, &npy)) use(&npy);
    free(text);
    return 0;
}
