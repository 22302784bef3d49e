/* map.h: numbers by 64-bit keys that are hashes already. Private to sweep. */
#ifndef HQCNN_SWEEP_MAP_H
#define HQCNN_SWEEP_MAP_H

#include "hqcnn/base.h"

typedef struct hq_map {
    uint64_t *key;
    int64_t *value; /* -1: the place is free */
    size_t size, used;
} hq_map; /* starts as {0} */

/* The value of a key; -1: there is none. */
int64_t hq_map_find(const hq_map *map, uint64_t key);

/* Adds a key that is not there, with a value from 0. HQ_ERR_MEMORY. */
hq_status hq_map_add(hq_map *map, uint64_t key, int64_t value);

/* Another value for a key that is there. */
void hq_map_set(hq_map *map, uint64_t key, int64_t value);

void hq_map_free(hq_map *map);

#endif
