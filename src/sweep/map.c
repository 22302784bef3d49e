/* map.c: open addressing, at most half full. */
#include "sweep/map.h"

static size_t place_of(const hq_map *map, uint64_t key)
{
    size_t at = (size_t)(key ^ key >> 32) & (map->size - 1);
    while (map->value[at] >= 0 && map->key[at] != key) at = (at + 1) & (map->size - 1);
    return at;
}

int64_t hq_map_find(const hq_map *map, uint64_t key) { return map->size ? map->value[place_of(map, key)] : -1; }

static hq_status grow(hq_map *map)
{
    enum { LEAST = 64 };
    hq_map larger = {.size = map->size ? 2 * map->size : LEAST};
    hq_status status = hq_alloc_array(larger.size, sizeof *larger.key, "a table of trials", &larger.key);
    if (status == HQ_OK) status = hq_alloc_array(larger.size, sizeof *larger.value, "a table of trials", &larger.value);
    if (status != HQ_OK) {
        hq_map_free(&larger);
        return status;
    }
    for (size_t i = 0; i < larger.size; i++) larger.value[i] = -1;
    for (size_t i = 0; i < map->size; i++)
        if (map->value[i] >= 0) hq_map_add(&larger, map->key[i], map->value[i]);
    hq_map_free(map);
    *map = larger;
    return HQ_OK;
}

hq_status hq_map_add(hq_map *map, uint64_t key, int64_t value)
{
    if (2 * map->used >= map->size) HQ_TRY(grow(map));
    const size_t at = place_of(map, key);
    map->key[at] = key;
    map->value[at] = value;
    map->used++;
    return HQ_OK;
}

void hq_map_set(hq_map *map, uint64_t key, int64_t value) { map->value[place_of(map, key)] = value; }

void hq_map_free(hq_map *map)
{
    hq_free(map->key);
    hq_free(map->value);
    *map = (hq_map){0};
}
