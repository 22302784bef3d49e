#include "data/order.h"

#include "data/layout.h"

#define WINDOWS_BYTES 256e6 /* of all lanes of a batch together */
#define LEAST_PIECES 4      /* micro-batches in a window */

int64_t hq_data_window(const hq_config *config, const hq_data_info *info, int64_t lanes, int microbatch)
{
    if (!info->stream) return 0;
    const int64_t chunk = info->chunk[HQ_SPLIT_TRAIN], lane = info->count[HQ_SPLIT_TRAIN] / lanes;
    int64_t images = config->data_window;
    if (images == 0) {
        images = (int64_t)(WINDOWS_BYTES / ((double)lanes * (double)hq_data_image_bytes(info)));
        if (images < LEAST_PIECES * microbatch) images = LEAST_PIECES * microbatch;
    }
    if (images > lane) images = lane; /* more would never be used */
    return images < chunk ? chunk : images - images % chunk;
}

/* The lane of a piece, and the position in it at which the piece begins, before windows are permuted. In full steps
 * piece by piece; the last, short step is read as it comes, and so is all that is not shuffled. */
static hq_range lane_of(const hq_data_info *info, const hq_order *order, const hq_piece *piece, int64_t *begin)
{
    const int64_t n = info->count[order->split];
    *begin = piece->first + piece->start;
    if (!order->shuffle) return (hq_range){0, n};
    if (piece->count < order->batch) return (hq_range){*begin, *begin + piece->n};
    const int64_t steps = n / order->batch, lo = steps * piece->start;
    *begin = lo + piece->first / order->batch * piece->n;
    return (hq_range){lo, lo + steps * piece->n};
}

hq_range hq_order_window(const hq_data_info *info, int64_t window, const hq_order *order, hq_range lane,
                         int64_t position)
{
    const int64_t size = order->shuffle ? window : info->chunk[order->split];
    const int64_t lo = position / size * size, hi = lo + size;
    return (hq_range){lo > lane.lo ? lo : lane.lo, hi < lane.hi ? hi : lane.hi};
}

/* The position whose sample comes at `position`: permuted within the window. */
static int64_t permute(const hq_order *order, hq_range window, int64_t position)
{
    if (!order->shuffle) return position;
    const uint64_t seed = hq_hash(&window.lo, sizeof window.lo, order->seed);
    return window.lo + hq_data_shuffle(seed, order->epoch, window.hi - window.lo, position - window.lo);
}

hq_place hq_order_place(const hq_data_info *info, int64_t window, const hq_order *order, const hq_piece *piece, int i)
{
    int64_t begin;
    hq_place place = {.lane = lane_of(info, order, piece, &begin)};
    place.window = hq_order_window(info, window, order, place.lane, begin + i);
    place.position = permute(order, place.window, begin + i);
    return place;
}

int64_t hq_order_chunk(const hq_data_info *info, const hq_order *order, int64_t k)
{
    const int64_t full = info->count[order->split] / info->chunk[order->split];
    return order->shuffle && k < full ? hq_data_shuffle(order->seed, order->epoch, full, k) : k;
}

int64_t hq_order_sample(const hq_data_info *info, const hq_order *order, int64_t position)
{
    const int64_t size = info->chunk[order->split];
    return hq_order_chunk(info, order, position / size) * size + position % size;
}

int64_t hq_data_sample(const hq_data_info *info, int64_t window, const hq_order *order, const hq_piece *piece, int i)
{
    if (info->stream) return hq_order_sample(info, order, hq_order_place(info, window, order, piece, i).position);
    const int64_t position = piece->first + piece->start + i;
    return order->shuffle ? hq_data_shuffle(order->seed, order->epoch, info->count[order->split], position) : position;
}
