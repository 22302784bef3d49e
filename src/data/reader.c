/* reader.c: samples from memory, or from a file by windows. */
#include "data/order.h"
#include "data/set_file.h"

#include "data/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Chunks [chunks.lo, chunks.hi) of the order of an epoch, in memory. */
typedef struct hq_slot {
    hq_order order;
    hq_range chunks;
    uint8_t *image;
} hq_slot;

struct hq_reader {
    const hq_dataset *set;
    int64_t window;   /* images, of the order */
    int64_t capacity; /* images in a slot: of a window, and of a chunk of any split */
    int slots;
    hq_slot *slot;
    uint8_t *images; /* of all slots */
};

/* ---- set up ---------------------------------------------------------------------------------------------------- */

hq_status hq_data_connect(const char *path, hq_dataset *dataset)
{
    dataset->path = path;
    dataset->file = dataset->info.stream ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (dataset->info.stream && dataset->file < 0)
        HQ_FAIL(HQ_ERR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    return HQ_OK;
}

void hq_data_disconnect(hq_dataset *dataset)
{
    if (dataset->path && dataset->file >= 0) close(dataset->file);
    dataset->path = NULL;
}

static int64_t capacity_of(const hq_data_info *info, int64_t window)
{
    for (int s = 0; s < HQ_SPLIT_COUNT; s++)
        if (window < info->chunk[s]) window = info->chunk[s];
    return window;
}

static hq_status take_windows(hq_reader *reader, int64_t window, int slots)
{
    const hq_data_info *info = &reader->set->info;
    reader->window = window > 0 ? window : info->chunk[HQ_SPLIT_TRAIN];
    reader->capacity = capacity_of(info, reader->window);
    reader->slots = slots;
    const size_t bytes = (size_t)reader->capacity * (size_t)hq_data_image_bytes(info);
    HQ_TRY(hq_alloc_array((size_t)slots, sizeof *reader->slot, "windows of images", &reader->slot));
    HQ_TRY(hq_alloc_array((size_t)slots, bytes, "windows of images", &reader->images));
    for (int i = 0; i < slots; i++) reader->slot[i].image = reader->images + (size_t)i * bytes;
    return HQ_OK;
}

hq_status hq_reader_create(const hq_dataset *set, int64_t window, int slots, hq_reader **out_reader)
{
    hq_reader *reader;
    *out_reader = NULL;
    HQ_TRY(hq_alloc(sizeof *reader, "reader of images", &reader));
    reader->set = set;
    const hq_status status = set->info.stream ? take_windows(reader, window, slots) : HQ_OK;
    if (status != HQ_OK) {
        hq_reader_destroy(reader);
        return status;
    }
    *out_reader = reader;
    return HQ_OK;
}

void hq_reader_destroy(hq_reader *reader)
{
    if (!reader) return;
    hq_free(reader->slot);
    hq_free(reader->images);
    hq_free(reader);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static bool same_order(const hq_order *a, const hq_order *b)
{
    return a->split == b->split && a->shuffle == b->shuffle && a->seed == b->seed && a->epoch == b->epoch;
}

/* The chunks that hold a run of positions. */
static hq_range chunks_of(const hq_data_info *info, hq_split split, hq_range positions)
{
    const int64_t size = info->chunk[split];
    return (hq_range){positions.lo / size, (positions.hi + size - 1) / size};
}

/* Asks the system to read on, so that the disk works while the network computes. */
static void announce(const hq_reader *reader, const hq_order *order, hq_range positions)
{
    const hq_data_info *info = &reader->set->info;
    const hq_range chunks = chunks_of(info, order->split, positions);
    const int64_t bytes = info->chunk[order->split] * (int64_t)hq_data_image_bytes(info);
    for (int64_t k = chunks.lo; k < chunks.hi; k++)
        posix_fadvise(reader->set->file,
                      (off_t)((int64_t)info->offset[order->split] + hq_order_chunk(info, order, k) * bytes),
                      (off_t)bytes, POSIX_FADV_WILLNEED);
}

/* Fills a slot with the window of a place. */
static hq_status fill_slot(const hq_reader *reader, hq_slot *slot, const hq_order *order, const hq_place *place)
{
    const hq_data_info *info = &reader->set->info;
    const hq_split split = order->split;
    const hq_range chunks = chunks_of(info, split, place->window);
    const size_t bytes = (size_t)info->chunk[split] * (size_t)hq_data_image_bytes(info);
    HQ_ASSERT((chunks.hi - chunks.lo) * info->chunk[split] <= reader->capacity);
    slot->chunks = (hq_range){0, 0};
    for (int64_t k = chunks.lo; k < chunks.hi; k++) {
        const int64_t chunk = hq_order_chunk(info, order, k);
        HQ_TRY(hq_set_file_chunk(reader->set->file, reader->set->path, info, split, chunk,
                                 reader->set->chunk[split][chunk], slot->image + (size_t)(k - chunks.lo) * bytes));
    }
    slot->order = *order;
    slot->chunks = chunks;
    if (place->window.hi < place->lane.hi)
        announce(reader, order, hq_order_window(info, reader->window, order, place->lane, place->window.hi));
    return HQ_OK;
}

/* The image at a place, which is in the slot afterwards. */
static hq_status find_image(const hq_reader *reader, hq_slot *slot, const hq_order *order, const hq_place *place,
                            const uint8_t **image)
{
    const hq_data_info *info = &reader->set->info;
    const int64_t size = info->chunk[order->split], chunk = place->position / size;
    if (!same_order(order, &slot->order) || chunk < slot->chunks.lo || chunk >= slot->chunks.hi)
        HQ_TRY(fill_slot(reader, slot, order, place));
    *image = slot->image + (size_t)(place->position - slot->chunks.lo * size) * (size_t)hq_data_image_bytes(info);
    return HQ_OK;
}

static hq_status load_streamed(const hq_reader *reader, const hq_order *order, const hq_piece *piece, hq_slot *slot,
                               const hq_augment *augment, int64_t *samples, hq_real *x)
{
    const hq_data_info *info = &reader->set->info;
    const size_t size = (size_t)hq_data_image_bytes(info);
    for (int i = 0; i < piece->n; i++) {
        const uint8_t *image;
        const hq_place place = hq_order_place(info, reader->window, order, piece, i);
        HQ_TRY(find_image(reader, slot, order, &place, &image));
        samples[i] = hq_order_sample(info, order, place.position);
        hq_data_convert(info, image, samples[i], augment, x + (size_t)i * size);
    }
    return HQ_OK;
}

hq_status hq_reader_load(hq_reader *reader, const hq_order *order, const hq_piece *piece, int slot,
                         const hq_augment *augment, int64_t *samples, hq_real *x)
{
    if (reader->set->info.stream) return load_streamed(reader, order, piece, &reader->slot[slot], augment, samples, x);
    for (int i = 0; i < piece->n; i++) samples[i] = hq_data_sample(&reader->set->info, 0, order, piece, i);
    hq_data_load(reader->set, order->split, samples, piece->n, augment, x);
    return HQ_OK;
}
