/* order.h: where the samples of an epoch lie when a set is streamed: decision 15.
 *
 * Positions 0..count-1 go over the chunks of the file, which the shuffle permutes (a short last chunk stays last).
 */
#ifndef HQ_DATA_ORDER_H
#define HQ_DATA_ORDER_H

#include "hqcnn/data.h"

/* A run of positions. */
typedef struct hq_range {
    int64_t lo, hi;
} hq_range;

/* The part of a lane that is in memory when `position` is needed. */
hq_range hq_order_window(const hq_data_info *info, int64_t window, const hq_order *order, hq_range lane,
                         int64_t position);

/* Where the i-th sample of a piece is. */
typedef struct hq_place {
    hq_range lane;    /* that the piece reads from */
    hq_range window;  /* of the lane, in memory */
    int64_t position; /* in the window, which is permuted */
} hq_place;
hq_place hq_order_place(const hq_data_info *info, int64_t window, const hq_order *order, const hq_piece *piece, int i);

/* The chunk of the file that is the k-th of the order. */
int64_t hq_order_chunk(const hq_data_info *info, const hq_order *order, int64_t k);

/* The sample at the position of a place. */
int64_t hq_order_sample(const hq_data_info *info, const hq_order *order, int64_t position);

#endif
