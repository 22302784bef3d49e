/* image.c: the bytes that must be in the file, without a second copy of the numbers: they are those of the state's
 * blocks, and the rest, which HDF5 made on rank 0. A rank that has the image can write and check any part of a file. */
#include "checkpoint/private.h"

#include <string.h>

static void add_segment(hq_image *image, int64_t bytes, const void *data, bool numbers)
{
    const int64_t lo = image->segments > 0 ? image->segment[image->segments - 1].hi : HQ_SEAL_BYTES;
    if (bytes > 0) image->segment[image->segments++] = (hq_segment){lo, lo + bytes, data, numbers};
}

/* The first block with numbers at or behind a place in the file, or -1. */
static int next_block(const hq_image *image, const hq_state *state, int64_t from)
{
    int next = -1;
    for (int i = 0; i < state->blocks; i++)
        if (state->block[i].count > 0 && image->place[i] >= from && (next < 0 || image->place[i] < image->place[next]))
            next = i;
    return next;
}

static void list_segments(hq_image *image, const hq_state *state)
{
    int64_t at = HQ_SEAL_BYTES;
    const char *rest = image->rest;
    for (int i = next_block(image, state, at); i >= 0; i = next_block(image, state, at)) {
        add_segment(image, image->place[i] - at, rest, false);
        rest += image->place[i] - at;
        add_segment(image, (int64_t)hq_block_bytes(&state->block[i]), state->block[i].data, true);
        at = image->segment[image->segments - 1].hi;
    }
    add_segment(image, image->bytes - at, rest, false);
}

hq_status hq_image_make(hq_image *image, const hq_state *state)
{
    image->rest_bytes = image->bytes - HQ_SEAL_BYTES;
    for (int i = 0; i < state->blocks; i++) image->rest_bytes -= (int64_t)hq_block_bytes(&state->block[i]);
    HQ_ASSERT(image->rest_bytes >= 0);
    HQ_TRY(hq_alloc((size_t)image->rest_bytes, "checkpoint without its numbers", &image->rest));
    list_segments(image, state);
    return HQ_OK;
}

hq_status hq_image_share(const hq_dist *dist, hq_image *image, const hq_state *state)
{
    const bool has = hq_dist_rank(dist) == 0;
    struct {
        int64_t bytes, place[HQ_CHECKPOINT_BLOCKS_MAX];
    } head = {.bytes = image->bytes};
    memcpy(head.place, image->place, sizeof head.place);
    HQ_TRY(hq_dist_bcast(dist, &head, sizeof head));
    image->bytes = head.bytes;
    memcpy(image->place, head.place, sizeof head.place);
    HQ_TRY(hq_dist_agree(dist, has ? HQ_OK : hq_image_make(image, state)));
    return hq_dist_bcast(dist, image->rest, (size_t)image->rest_bytes);
}

bool hq_image_equals(const hq_image *image, int64_t lo, int64_t hi, const char *data)
{
    for (int i = 0; i < image->segments; i++) {
        const hq_segment *segment = &image->segment[i];
        const int64_t from = segment->lo > lo ? segment->lo : lo, to = segment->hi < hi ? segment->hi : hi;
        if (from < to && memcmp(data + (from - lo), segment->data + (from - segment->lo), (size_t)(to - from)) != 0)
            return false;
    }
    return true;
}

void hq_image_free(hq_image *image)
{
    hq_free(image->rest);
    image->rest = NULL;
}
