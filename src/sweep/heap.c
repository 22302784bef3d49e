/* heap.c: a binary heap of trials. */
#include "sweep/private.h"

bool hq_ranked_better(hq_ranked a, hq_ranked b) { return a.merit != b.merit ? a.merit > b.merit : a.trial < b.trial; }

static bool before(const hq_heap *heap, int i, int j)
{
    return hq_ranked_better(heap->item[heap->worst ? j : i], heap->item[heap->worst ? i : j]);
}

static void swap(hq_heap *heap, int i, int j)
{
    const hq_ranked kept = heap->item[i];
    heap->item[i] = heap->item[j];
    heap->item[j] = kept;
}

hq_status hq_heap_push(hq_heap *heap, hq_ranked item)
{
    HQ_TRY(hq_alloc_more(&heap->item, heap->n, &heap->room, sizeof *heap->item, "trials in their order"));
    int at = heap->n++;
    heap->item[at] = item;
    for (; at > 0 && before(heap, at, (at - 1) / 2); at = (at - 1) / 2) swap(heap, at, (at - 1) / 2);
    return HQ_OK;
}

hq_ranked hq_heap_pop(hq_heap *heap)
{
    const hq_ranked first = heap->item[0];
    heap->item[0] = heap->item[--heap->n];
    for (int at = 0, child; (child = 2 * at + 1) < heap->n; at = child) {
        if (child + 1 < heap->n && before(heap, child + 1, child)) child++;
        if (!before(heap, child, at)) break;
        swap(heap, at, child);
    }
    return first;
}
