/* bf16_amx.c: 16-bit products with AMX tiles; src/CMakeLists.txt gives the compiler the instruction sets. */
#if defined(__x86_64__) && !defined(HQ_REAL_F64)
#include "nn/bf16_vector.h"

/* Eight tiles of 16 rows of 64 bytes. */
static void begin(void)
{
    static const struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config __attribute__((aligned(64))) = {
        .palette = 1, .bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&config);
}

static void end(void) { _tile_release(); }

/* Tiles 0..3 hold sums, 4 and 5 parts of a, 6 and 7 parts of b. */
static void clear(void)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

/* Two row tiles (or one twice: its copy is not stored) times two column tiles: sums 0 1 above 2 3. */
static void square(const hq_bf16_product *p)
{
    const size_t a_bytes = p->a_row * sizeof(hq_bf16), b_bytes = p->b_row * sizeof(hq_bf16),
                 c_bytes = p->c_row * sizeof(float);
    const hq_bf16 *b = p->b, *upper = p->a[0], *lower = p->a[p->row_tiles - 1];
    float *c0 = p->c[0], *c1 = p->c[p->row_tiles - 1];
    if (p->add) {
        _tile_loadd(0, c0, c_bytes);
        _tile_loadd(1, c0 + 16, c_bytes);
        _tile_loadd(2, c1, c_bytes);
        _tile_loadd(3, c1 + 16, c_bytes);
    }
    for (int i = 0; i < p->steps; i++, b += 16 * p->b_row) {
        _tile_loadd(6, b, b_bytes);
        _tile_loadd(4, upper + p->a_step[i], a_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b + 32, b_bytes);
        _tile_dpbf16ps(1, 4, 7);
        if (p->row_tiles == 1) continue;
        _tile_loadd(5, lower + p->a_step[i], a_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c0, c_bytes);
    _tile_stored(1, c0 + 16, c_bytes);
    if (p->row_tiles == 1) return;
    _tile_stored(2, c1, c_bytes);
    _tile_stored(3, c1 + 16, c_bytes);
}

/* Up to four row tiles times one column tile: sums 0..3. */
static void column(const hq_bf16_product *p)
{
    const size_t a_bytes = p->a_row * sizeof(hq_bf16), b_bytes = p->b_row * sizeof(hq_bf16),
                 c_bytes = p->c_row * sizeof(float);
    const int tiles = p->row_tiles;
    const hq_bf16 *b = p->b;
    if (p->add) {
        _tile_loadd(0, p->c[0], c_bytes);
        if (tiles > 1) _tile_loadd(1, p->c[1], c_bytes);
        if (tiles > 2) _tile_loadd(2, p->c[2], c_bytes);
        if (tiles > 3) _tile_loadd(3, p->c[3], c_bytes);
    }
    for (int i = 0; i < p->steps; i++, b += 16 * p->b_row) {
        _tile_loadd(6, b, b_bytes);
        _tile_loadd(4, p->a[0] + p->a_step[i], a_bytes);
        _tile_dpbf16ps(0, 4, 6);
        if (tiles > 1) {
            _tile_loadd(5, p->a[1] + p->a_step[i], a_bytes);
            _tile_dpbf16ps(1, 5, 6);
        }
        if (tiles > 2) {
            _tile_loadd(4, p->a[2] + p->a_step[i], a_bytes);
            _tile_dpbf16ps(2, 4, 6);
        }
        if (tiles > 3) {
            _tile_loadd(5, p->a[3] + p->a_step[i], a_bytes);
            _tile_dpbf16ps(3, 5, 6);
        }
    }
    _tile_stored(0, p->c[0], c_bytes);
    if (tiles > 1) _tile_stored(1, p->c[1], c_bytes);
    if (tiles > 2) _tile_stored(2, p->c[2], c_bytes);
    if (tiles > 3) _tile_stored(3, p->c[3], c_bytes);
}

static void product(const hq_bf16_product *p)
{
    if (!p->add) clear();
    if (p->col_tiles > 1)
        square(p);
    else
        column(p);
}

const hq_bf16_kernels hq_bf16_amx = {"AMX", begin, end, product, convert, add_bias, interleave, transpose};
#endif
