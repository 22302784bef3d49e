/* The order of an epoch when the images are streamed: every sample once, in file order when asked, windows that hold
 * what they must, whatever the sizes. */
#include "data/order.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static hq_data_info make_info(int64_t n, int64_t chunk)
{
    return (hq_data_info){
        .depth = 1, .height = 4, .width = 4, .channels = 1, .stream = true, .count = {n, 1, 1}, .chunk = {chunk, 1, 1}};
}

/* Calls for every piece of an epoch, as the training step cuts it. */
typedef void (*hq_visit_piece)(void *ctx, const hq_piece *piece, int64_t micro);
static void each_piece(int64_t n, int64_t batch, int64_t microbatch, hq_visit_piece visit, void *ctx)
{
    for (int64_t first = 0; first < n; first += batch) {
        const int64_t count = n - first < batch ? n - first : batch, micro = (count + microbatch - 1) / microbatch;
        for (int64_t m = 0; m < micro; m++) {
            const int64_t start = m * count / micro;
            const hq_piece piece = {first, count, start, (int)((m + 1) * count / micro - start)};
            visit(ctx, &piece, m);
        }
    }
}

typedef struct epoch {
    hq_data_info info;
    hq_order order;
    int64_t window;
    int64_t *sample; /* in the order of the epoch */
    int64_t seen, outside;
} epoch;

static void note_samples(void *ctx, const hq_piece *piece, int64_t micro)
{
    epoch *e = ctx;
    (void)micro;
    for (int i = 0; i < piece->n; i++) {
        const hq_place at = hq_order_place(&e->info, e->window, &e->order, piece, i);
        e->outside += at.position < at.window.lo || at.position >= at.window.hi || at.window.lo < at.lane.lo ||
                      at.window.hi > at.lane.hi || at.window.hi - at.window.lo > e->window;
        e->sample[e->seen++] = hq_data_sample(&e->info, e->window, &e->order, piece, i);
    }
}

static epoch run_epoch(int64_t n, int64_t batch, int64_t microbatch, int64_t chunk, int64_t window, bool shuffle,
                       uint32_t number)
{
    epoch e = {.info = make_info(n, chunk), .window = window};
    e.order = (hq_order){HQ_SPLIT_TRAIN, shuffle, 5, number, batch};
    e.sample = calloc((size_t)n, sizeof *e.sample);
    each_piece(n, batch, microbatch, note_samples, &e);
    return e;
}

static void check_epoch(const epoch *e, const char *what)
{
    const int64_t n = e->info.count[HQ_SPLIT_TRAIN];
    unsigned char *seen = calloc((size_t)n, 1);
    int64_t bad = e->seen != n;
    for (int64_t i = 0; i < e->seen; i++)
        if (e->sample[i] < 0 || e->sample[i] >= n || seen[e->sample[i]]++) bad++;
    CHECK_MSG(bad == 0 && e->outside == 0,
              "%s, n %lld, batch %lld, chunk %lld, window %lld: %lld samples out of range or double, %lld outside",
              what, (long long)n, (long long)e->order.batch, (long long)e->info.chunk[0], (long long)e->window,
              (long long)bad, (long long)e->outside);
    free(seen);
}

static void test_every_sample_once(void)
{
    static const int64_t sizes[] = {1, 2, 7, 63, 64, 65, 500, 1000, 1001}, batches[] = {1, 3, 16, 25, 64, 2000};
    static const int64_t micros[] = {1, 7, 16}, chunks[] = {1, 3, 10, 64, 700}, windows[] = {1, 2, 5};
    for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++)
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
            for (size_t c = 0; c < sizeof micros / sizeof *micros; c++)
                for (size_t d = 0; d < sizeof chunks / sizeof *chunks; d++)
                    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
                        const int64_t chunk = chunks[d] < sizes[a] ? chunks[d] : sizes[a];
                        epoch e = run_epoch(sizes[a], batches[b], micros[c], chunk, windows[w] * chunk, true, 3);
                        check_epoch(&e, "shuffled");
                        free(e.sample);
                    }
}

static void test_file_order(void)
{
    epoch e = run_epoch(1001, 64, 16, 10, 30, false, 3);
    int64_t wrong = 0;
    for (int64_t i = 0; i < e.seen; i++) wrong += e.sample[i] != i;
    CHECK_INT(e.seen, 1001);
    CHECK_INT(wrong, 0);
    free(e.sample);
}

/* In memory the order is that of hq_data_shuffle, whatever the pieces. */
static void test_in_memory(void)
{
    hq_data_info info = make_info(100, 10);
    info.stream = false;
    const hq_order order = {HQ_SPLIT_TRAIN, true, 5, 2, 30}, plain = {HQ_SPLIT_TRAIN, false, 5, 2, 30};
    const hq_piece piece = {60, 30, 10, 10};
    for (int i = 0; i < piece.n; i++) {
        CHECK_INT(hq_data_sample(&info, 0, &order, &piece, i), hq_data_shuffle(5, 2, 100, 70 + i));
        CHECK_INT(hq_data_sample(&info, 0, &plain, &piece, i), 70 + i);
    }
}

/* Epochs differ; within one, neighbours of the file do not stay together beyond chance. */
static void test_mixing(void)
{
    enum { N = 5000 };
    epoch a = run_epoch(N, 50, 10, 20, 200, true, 0), b = run_epoch(N, 50, 10, 20, 200, true, 1);
    int same = 0, neighbours = 0, batches = 0;
    for (int i = 0; i < N; i++) same += a.sample[i] == b.sample[i];
    for (int i = 1; i < N; i++) neighbours += a.sample[i] == a.sample[i - 1] + 1;
    for (int i = 0; i < 50; i++) batches |= 1 << (a.sample[i] / 1250); /* the first step draws from everywhere */
    CHECK(same < 20);
    CHECK(neighbours < N / 40);
    CHECK_INT(batches, 15);
    free(a.sample);
    free(b.sample);
}

/* data.window and its default: whole chunks, of configuration and data alone. */
static void test_window(void)
{
    hq_config config;
    hq_config_defaults(&config);
    hq_data_info info = make_info(100000000, 1000);
    CHECK_INT(hq_data_window(&config, &info, 8, 16), 256000000 / (8 * 16) / 1000 * 1000);
    CHECK_INT(hq_data_window(&config, &info, 1000000, 16), 1000); /* lanes of 100 images: a chunk all the same */
    info.height = info.width = 1000;
    CHECK_INT(hq_data_window(&config, &info, 256, 600), 2000); /* four micro-batches, in whole chunks */
    config.data_window = 5500;
    CHECK_INT(hq_data_window(&config, &info, 8, 16), 5000);
    config.data_window = 1;
    CHECK_INT(hq_data_window(&config, &info, 8, 16), 1000);
    info.stream = false;
    CHECK_INT(hq_data_window(&config, &info, 8, 16), 0);
}

static void test_way_back(void)
{
    for (int64_t n = 1; n <= 300; n += 7)
        for (int64_t i = 0; i < n; i++) CHECK_INT(hq_data_unshuffle(9, 2, n, hq_data_shuffle(9, 2, n, i)), i);
    const int64_t large = ((int64_t)1 << 40) + 12345;
    CHECK_INT(hq_data_unshuffle(1, 0, large, hq_data_shuffle(1, 0, large, 77)), 77);
}

int main(void)
{
    HQ_RUN(test_every_sample_once);
    HQ_RUN(test_file_order);
    HQ_RUN(test_in_memory);
    HQ_RUN(test_mixing);
    HQ_RUN(test_window);
    HQ_RUN(test_way_back);
    return hq_check_result();
}
