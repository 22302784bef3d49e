/* kernels_state.h: the kernels on states of any number of qubits. Included once by each kernels_<variant>.c, which
 * defines HQ_WIDTH: numbers in one register of its instruction set, 8, 4 or 2.
 *
 * Written with the compiler's vector types. A gate whose bits all lie above a vector works on whole vectors; one that
 * touches the lowest bits (one lane, wires at the end) mixes numbers inside of vectors by fixed shuffles.
 */
#include "quantum/kernels.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef double vec __attribute__((vector_size(8 * HQ_WIDTH), may_alias));
typedef long long ivec __attribute__((vector_size(8 * HQ_WIDTH)));

INLINE vec splat(double x) { return x - (vec){0}; }
INLINE vec *at(double *p) { return (vec *)p; }
INLINE const vec *from(const double *p) { return (const vec *)p; }
INLINE size_t flat_size(const hq_state *s) { return hq_state_size(s->qubits, s->lane_bits); }

/* Pairs in the flat index. */
INLINE hq_pairs flat_pairs(const hq_state *s, const hq_pairs *p)
{
    return (hq_pairs){p->value << s->lane_bits, p->fixed << s->lane_bits, p->flip << s->lane_bits};
}

/* Body sees `first`, the first flat index of a run of `run` consecutive ones that starts at pairs.value: all bits of
 * `fixed` and the lower bits of a run are fixed, the others take every value. */
#define FOR_RUNS(first, size, fixed_bits, value_bits, run)                                                             \
    for (size_t free_ = ((size)-1) & ~((fixed_bits) | ((run)-1)), h_ = 0, more_ = 1, first = (value_bits); more_;      \
         h_ = (h_ - free_) & free_, first = h_ | (value_bits), more_ = h_ != 0)

/* ---- one matrix, whole vectors ---- */

typedef struct coefficients {
    vec r[4], i[4];
} coefficients;

INLINE void pair_flip(vec *ar, vec *ai, vec *br, vec *bi)
{
    vec tr = *ar, ti = *ai;
    *ar = *br;
    *ai = *bi;
    *br = tr;
    *bi = ti;
}

INLINE void turn(vec *re, vec *im, vec r, vec i)
{
    vec x = *re, y = *im;
    *re = r * x - i * y;
    *im = r * y + i * x;
}

INLINE void pair_real(vec *ar, vec *ai, vec *br, vec *bi, const vec *r)
{
    vec xr = *ar, xi = *ai, yr = *br, yi = *bi;
    *ar = r[0] * xr + r[1] * yr;
    *ai = r[0] * xi + r[1] * yi;
    *br = r[2] * xr + r[3] * yr;
    *bi = r[2] * xi + r[3] * yi;
}

INLINE void pair_dense(vec *ar, vec *ai, vec *br, vec *bi, const vec *r, const vec *i)
{
    vec xr = *ar, xi = *ai, yr = *br, yi = *bi;
    *ar = r[0] * xr - i[0] * xi + r[1] * yr - i[1] * yi;
    *ai = r[0] * xi + i[0] * xr + r[1] * yi + i[1] * yr;
    *br = r[2] * xr - i[2] * xi + r[3] * yr - i[3] * yi;
    *bi = r[2] * xi + i[2] * xr + r[3] * yi + i[3] * yr;
}

INLINE void pair_apply(hq_form form, vec *ar, vec *ai, vec *br, vec *bi, const coefficients *m)
{
    switch (form) {
    case HQ_FORM_FLIP:
        pair_flip(ar, ai, br, bi);
        break;
    case HQ_FORM_DIAGONAL:
        turn(ar, ai, m->r[0], m->i[0]);
        turn(br, bi, m->r[3], m->i[3]);
        break;
    case HQ_FORM_PHASE:
        turn(br, bi, m->r[3], m->i[3]);
        break;
    case HQ_FORM_REAL:
        pair_real(ar, ai, br, bi, m->r);
        break;
    case HQ_FORM_DENSE:
        pair_dense(ar, ai, br, bi, m->r, m->i);
        break;
    }
}

INLINE void apply_whole(hq_state *s, const hq_pairs *p, hq_form form, const hq_mat2 *matrix)
{
    coefficients m;
    size_t run = p->fixed & -p->fixed;
    for (int k = 0; k < 4; k++) {
        m.r[k] = splat(matrix->re[k]);
        m.i[k] = splat(matrix->im[k]);
    }
    FOR_RUNS(a, flat_size(s), p->fixed, p->value, run)
    {
        size_t b = a ^ p->flip;
        for (size_t k = 0; k < run; k += HQ_WIDTH)
            pair_apply(form, at(s->re + a + k), at(s->im + a + k), at(s->re + b + k), at(s->im + b + k), &m);
    }
}

/* ---- one matrix, with bits inside of a vector ---- */

#if HQ_WIDTH == 8
#define HQ_ORDER(b) 0 ^ (b), 1 ^ (b), 2 ^ (b), 3 ^ (b), 4 ^ (b), 5 ^ (b), 6 ^ (b), 7 ^ (b)
#elif HQ_WIDTH == 4
#define HQ_ORDER(b) 0 ^ (b), 1 ^ (b), 2 ^ (b), 3 ^ (b)
#else
#define HQ_ORDER(b) 0 ^ (b), 1 ^ (b)
#endif
#ifdef __clang__
#define HQ_SHUFFLE(v, b) __builtin_shufflevector(v, v, HQ_ORDER(b))
#else
#define HQ_SHUFFLE(v, b) __builtin_shuffle(v, (ivec){HQ_ORDER(b)})
#endif

/* Number l becomes number l ^ by; `by` is a constant wherever this is inlined. */
INLINE vec shuffled(vec v, int by)
{
    switch (by & (HQ_WIDTH - 1)) {
    case 1:
        return HQ_SHUFFLE(v, 1);
#if HQ_WIDTH > 2
    case 2:
        return HQ_SHUFFLE(v, 2);
    case 3:
        return HQ_SHUFFLE(v, 3);
#endif
#if HQ_WIDTH > 4
    case 4:
        return HQ_SHUFFLE(v, 4);
    case 5:
        return HQ_SHUFFLE(v, 5);
    case 6:
        return HQ_SHUFFLE(v, 6);
    case 7:
        return HQ_SHUFFLE(v, 7);
#endif
    default:
        return v;
    }
}

INLINE vec select(ivec which, vec yes, vec no) { return (vec)(((ivec)yes & which) | ((ivec)no & ~which)); }

/* Which numbers of a vector belong to first and to second elements of pairs, as far as their lowest bits say. */
INLINE ivec with_bits(size_t fixed, size_t value)
{
    ivec number;
    for (int l = 0; l < HQ_WIDTH; l++) number[l] = l;
    return (number & (long long)fixed) == (long long)value;
}

/* A vector's new value is own * itself + other * shuffled partner, with a coefficient for each of its numbers. */
typedef struct mixing {
    vec own_re, own_im, other_re, other_im;
} mixing;

INLINE void set_mixing(mixing *to, ivec which, const hq_mat2 *m, int own, int other)
{
    to->own_re = select(which, splat(m->re[own]), to->own_re);
    to->own_im = select(which, splat(m->im[own]), to->own_im);
    to->other_re = select(which, splat(m->re[other]), to->other_re);
    to->other_im = select(which, splat(m->im[other]), to->other_im);
}

/* Mixing of the vector with first elements and of its partner. Numbers that belong to no pair keep their value. */
INLINE void make_mixing(const hq_pairs *p, const hq_mat2 *m, mixing mix[2])
{
    const size_t low = HQ_WIDTH - 1, inside = p->flip & low, value = p->value & low, fixed = p->fixed & low;
    const ivec first = with_bits(fixed, value), second = with_bits(fixed, value ^ inside);
    mix[0] = mix[1] = (mixing){.own_re = splat(1)};
    if ((p->flip & ~low) == 0) set_mixing(&mix[0], second, m, 3, 2);
    set_mixing(&mix[0], first, m, 0, 1);
    set_mixing(&mix[1], second, m, 3, 2);
}

/* How a form mixes: by exchange, with one real factor, with a complex one, with two real ones, or with two complex
 * ones. */
typedef enum mixture { MIX_FLIP, MIX_SCALE, MIX_TURN, MIX_REAL, MIX_DENSE } mixture;

INLINE void mix_vectors(mixture kind, vec *re, vec *im, vec partner_re, vec partner_im, const mixing *m)
{
    const vec r = *re, i = *im;
    switch (kind) {
    case MIX_FLIP:
        *re = select(m->other_re != 0, partner_re, r);
        *im = select(m->other_re != 0, partner_im, i);
        break;
    case MIX_SCALE:
        *re = m->own_re * r;
        *im = m->own_re * i;
        break;
    case MIX_TURN:
        *re = m->own_re * r - m->own_im * i;
        *im = m->own_re * i + m->own_im * r;
        break;
    case MIX_REAL:
        *re = m->own_re * r + m->other_re * partner_re;
        *im = m->own_re * i + m->other_re * partner_im;
        break;
    case MIX_DENSE:
        *re = m->own_re * r - m->own_im * i + m->other_re * partner_re - m->other_im * partner_im;
        *im = m->own_re * i + m->own_im * r + m->other_re * partner_im + m->other_im * partner_re;
        break;
    }
}

/* Every vector that holds first elements, mixed with itself or with its partner. */
INLINE void apply_mixed(hq_state *s, const hq_pairs *p, const mixing mix[2], int inside, bool across, mixture kind)
{
    const size_t low = HQ_WIDTH - 1;
    const mixing first = mix[0], second = mix[1]; /* in registers */
    double *restrict re = s->re, *restrict im = s->im;
    FOR_RUNS(a, flat_size(s), p->fixed & ~low, p->value & ~low, (size_t)HQ_WIDTH)
    {
        vec ar = *from(re + a), ai = *from(im + a);
        if (!across) {
            mix_vectors(kind, &ar, &ai, shuffled(ar, inside), shuffled(ai, inside), &first);
        } else {
            const size_t b = a ^ (p->flip & ~low);
            vec br = *from(re + b), bi = *from(im + b);
            const vec partner_re = shuffled(br, inside), partner_im = shuffled(bi, inside);
            mix_vectors(kind, &br, &bi, shuffled(ar, inside), shuffled(ai, inside), &second);
            mix_vectors(kind, &ar, &ai, partner_re, partner_im, &first);
            *at(re + b) = br;
            *at(im + b) = bi;
        }
        *at(re + a) = ar;
        *at(im + a) = ai;
    }
}

/* Calls a macro with the number of the shuffle as a constant. */
#define WITH_SHUFFLE(by, CALL)                                                                                         \
    switch (by) {                                                                                                      \
    case 0:                                                                                                            \
        CALL(0);                                                                                                       \
        break;                                                                                                         \
    case 1:                                                                                                            \
        CALL(1);                                                                                                       \
        break;                                                                                                         \
    case 2:                                                                                                            \
        CALL(2);                                                                                                       \
        break;                                                                                                         \
    case 3:                                                                                                            \
        CALL(3);                                                                                                       \
        break;                                                                                                         \
    case 4:                                                                                                            \
        CALL(4);                                                                                                       \
        break;                                                                                                         \
    case 5:                                                                                                            \
        CALL(5);                                                                                                       \
        break;                                                                                                         \
    case 6:                                                                                                            \
        CALL(6);                                                                                                       \
        break;                                                                                                         \
    default:                                                                                                           \
        CALL(7);                                                                                                       \
        break;                                                                                                         \
    }

INLINE void apply_mixture(hq_state *s, const hq_pairs *p, const mixing mix[2], mixture kind)
{
    const bool across = (p->flip & ~(size_t)(HQ_WIDTH - 1)) != 0;
#define APPLY_BY(by)                                                                                                   \
    if (across)                                                                                                        \
        apply_mixed(s, p, mix, by, true, kind);                                                                        \
    else                                                                                                               \
        apply_mixed(s, p, mix, by, false, kind)
    if (kind == MIX_TURN || kind == MIX_SCALE) { /* need no partner */
        APPLY_BY(0);
        return;
    }
    WITH_SHUFFLE(p->flip & (HQ_WIDTH - 1), APPLY_BY)
#undef APPLY_BY
}

static void apply_inside(hq_state *s, const hq_pairs *p, hq_form form, const hq_mat2 *m)
{
    mixing mix[2];
    make_mixing(p, m, mix);
    switch (form) {
    case HQ_FORM_FLIP:
        apply_mixture(s, p, mix, MIX_FLIP);
        break;
    case HQ_FORM_PHASE:
    case HQ_FORM_DIAGONAL:
        if (m->im[0] == 0 && m->im[3] == 0)
            apply_mixture(s, p, mix, MIX_SCALE);
        else
            apply_mixture(s, p, mix, MIX_TURN);
        break;
    case HQ_FORM_REAL:
        apply_mixture(s, p, mix, MIX_REAL);
        break;
    case HQ_FORM_DENSE:
        apply_mixture(s, p, mix, MIX_DENSE);
        break;
    }
}

static void apply(hq_state *s, const hq_pairs *pairs, hq_form form, const hq_mat2 *m)
{
    const hq_pairs p = flat_pairs(s, pairs);
    if (p.fixed & (HQ_WIDTH - 1)) {
        apply_inside(s, &p, form, m);
        return;
    }
    switch (form) { /* each call is a loop of its own */
    case HQ_FORM_FLIP:
        apply_whole(s, &p, HQ_FORM_FLIP, m);
        break;
    case HQ_FORM_PHASE:
        apply_whole(s, &p, HQ_FORM_PHASE, m);
        break;
    case HQ_FORM_DIAGONAL:
        apply_whole(s, &p, HQ_FORM_DIAGONAL, m);
        break;
    case HQ_FORM_REAL:
        apply_whole(s, &p, HQ_FORM_REAL, m);
        break;
    case HQ_FORM_DENSE:
        apply_whole(s, &p, HQ_FORM_DENSE, m);
        break;
    }
}

/* ---- a matrix for each lane ---- */

INLINE void apply_lanes_form(hq_state *s, const hq_pairs *p, hq_form form, const hq_lane_matrix *matrix, bool inverse)
{
    static const int transposed[4] = {0, 2, 1, 3};
    const size_t lanes = (size_t)1 << s->lane_bits, run = p->fixed & -p->fixed;
    for (size_t l = 0; l < lanes; l += HQ_WIDTH) {
        coefficients m;
        for (int k = 0; k < 4; k++) {
            size_t entry = (size_t)(inverse ? transposed[k] : k) * lanes + l;
            m.r[k] = *from(matrix->re + entry);
            m.i[k] = inverse ? -*from(matrix->im + entry) : *from(matrix->im + entry);
        }
        FOR_RUNS(first, flat_size(s), p->fixed, p->value, run)
        {
            for (size_t k = l; k < run; k += lanes) {
                size_t a = first + k, b = a ^ p->flip;
                pair_apply(form, at(s->re + a), at(s->im + a), at(s->re + b), at(s->im + b), &m);
            }
        }
    }
}

static void apply_lanes(hq_state *s, const hq_pairs *pairs, hq_form form, const hq_lane_matrix *m, bool inverse)
{
    const hq_pairs p = flat_pairs(s, pairs);
    switch (form) {
    case HQ_FORM_FLIP: /* has no parameter */
        break;
    case HQ_FORM_PHASE:
        apply_lanes_form(s, &p, HQ_FORM_PHASE, m, inverse);
        break;
    case HQ_FORM_DIAGONAL:
        apply_lanes_form(s, &p, HQ_FORM_DIAGONAL, m, inverse);
        break;
    case HQ_FORM_REAL:
        apply_lanes_form(s, &p, HQ_FORM_REAL, m, inverse);
        break;
    case HQ_FORM_DENSE:
        apply_lanes_form(s, &p, HQ_FORM_DENSE, m, inverse);
        break;
    }
}

INLINE void load_factor(const hq_lane_factor *f, size_t lanes, size_t l, coefficients *m)
{
    for (size_t k = 0; k < 4; k++) {
        m->r[k] = f->laned ? *from(f->re + k * lanes + l) : splat(f->re[k]);
        m->i[k] = f->laned ? *from(f->im + k * lanes + l) : splat(f->im[k]);
    }
}

static void multiply_lanes(size_t lanes, const hq_lane_factor *left, const hq_lane_factor *right, hq_lane_matrix *out)
{
    for (size_t l = 0; l < lanes; l += HQ_WIDTH) {
        coefficients a, b;
        load_factor(left, lanes, l, &a);
        load_factor(right, lanes, l, &b);
        for (size_t k = 0; k < 4; k++) {
            const size_t r = k & 2, c = k & 1;
            *at(out->re + k * lanes + l) =
                a.r[r] * b.r[c] - a.i[r] * b.i[c] + a.r[r + 1] * b.r[2 + c] - a.i[r + 1] * b.i[2 + c];
            *at(out->im + k * lanes + l) =
                a.r[r] * b.i[c] + a.i[r] * b.r[c] + a.r[r + 1] * b.i[2 + c] + a.i[r + 1] * b.r[2 + c];
        }
    }
}

/* ---- overlap ---- */

/* re + i im += conj(bra) ket */
INLINE void add_product(vec br, vec bi, vec kr, vec ki, vec *re, vec *im)
{
    *re += br * kr + bi * ki;
    *im += br * ki - bi * kr;
}

INLINE bool wanted(hq_form form, int k)
{
    if (form == HQ_FORM_PHASE) return k == 3;
    return form == HQ_FORM_DIAGONAL ? k == 0 || k == 3 : true;
}

INLINE void overlap_pair(const hq_state *bra, const hq_state *ket, const size_t i[2], hq_form form, coefficients *sum)
{
    for (int k = 0; k < 4; k++)
        if (wanted(form, k))
            add_product(*from(bra->re + i[k >> 1]), *from(bra->im + i[k >> 1]), *from(ket->re + i[k & 1]),
                        *from(ket->im + i[k & 1]), &sum->r[k], &sum->i[k]);
}

INLINE void overlap_lanes(const hq_state *bra, const hq_state *ket, const hq_pairs *p, hq_form form, size_t step,
                          size_t l, coefficients *sum)
{
    const size_t run = p->fixed & -p->fixed;
    memset(sum, 0, sizeof *sum);
    FOR_RUNS(first, flat_size(ket), p->fixed, p->value, run)
    {
        for (size_t k = l; k < run; k += step)
            overlap_pair(bra, ket, (size_t[]){first + k, (first + k) ^ p->flip}, form, sum);
    }
}

INLINE double vector_sum(vec v)
{
    for (int by = HQ_WIDTH / 2; by > 0; by /= 2) v += shuffled(v, by);
    return v[0];
}

static void overlap_form(const hq_state *bra, const hq_state *ket, const hq_pairs *p, hq_form form, hq_lane_matrix *out)
{
    const size_t lanes = (size_t)1 << ket->lane_bits;
    coefficients sum;
    if (lanes == 1) {
        overlap_lanes(bra, ket, p, form, HQ_WIDTH, 0, &sum);
        for (int k = 0; k < 4; k++) {
            out->re[k] = vector_sum(sum.r[k]);
            out->im[k] = vector_sum(sum.i[k]);
        }
        return;
    }
    for (size_t l = 0; l < lanes; l += HQ_WIDTH) {
        overlap_lanes(bra, ket, p, form, lanes, l, &sum);
        for (size_t k = 0; k < 4; k++) {
            *at(out->re + k * lanes + l) = sum.r[k];
            *at(out->im + k * lanes + l) = sum.i[k];
        }
    }
}

/* Products of every vector with itself and with the (shuffled) partner; sorted into the four entries at the end. */
INLINE void overlap_mixed(const hq_state *bra, const hq_state *ket, const hq_pairs *p, int inside, bool across,
                          coefficients *sum)
{
    const size_t low = HQ_WIDTH - 1;
    memset(sum, 0, sizeof *sum);
    FOR_RUNS(a, flat_size(ket), p->fixed & ~low, p->value & ~low, (size_t)HQ_WIDTH)
    {
        const size_t b = across ? a ^ (p->flip & ~low) : a;
        const vec ar = *from(bra->re + a), ai = *from(bra->im + a), br = *from(bra->re + b), bi = *from(bra->im + b);
        const vec xr = *from(ket->re + a), xi = *from(ket->im + a), yr = *from(ket->re + b), yi = *from(ket->im + b);
        add_product(ar, ai, xr, xi, &sum->r[0], &sum->i[0]);
        add_product(ar, ai, shuffled(yr, inside), shuffled(yi, inside), &sum->r[1], &sum->i[1]);
        if (!across) continue;
        add_product(br, bi, shuffled(xr, inside), shuffled(xi, inside), &sum->r[2], &sum->i[2]);
        add_product(br, bi, yr, yi, &sum->r[3], &sum->i[3]);
    }
}

static void overlap_inside(const hq_state *bra, const hq_state *ket, const hq_pairs *p, hq_form form,
                           hq_lane_matrix *out)
{
    const size_t low = HQ_WIDTH - 1, value = p->value & low, fixed = p->fixed & low;
    const bool across = (p->flip & ~low) != 0;
    coefficients sum;
#define OVERLAP_BY(by)                                                                                                 \
    if (across)                                                                                                        \
        overlap_mixed(bra, ket, p, by, true, &sum);                                                                    \
    else                                                                                                               \
        overlap_mixed(bra, ket, p, by, false, &sum)
    WITH_SHUFFLE(p->flip & low, OVERLAP_BY)
#undef OVERLAP_BY
    const ivec rows[2] = {with_bits(fixed, value), with_bits(fixed, value ^ (p->flip & low))};
    for (int k = 0; k < 4; k++) {
        const int from_sum = across ? k : (k == 0 || k == 3 ? 0 : 1);
        out->re[k] = wanted(form, k) ? vector_sum(select(rows[k >> 1], sum.r[from_sum], splat(0))) : 0;
        out->im[k] = wanted(form, k) ? vector_sum(select(rows[k >> 1], sum.i[from_sum], splat(0))) : 0;
    }
}

static void overlap(const hq_state *bra, const hq_state *ket, const hq_pairs *pairs, hq_form form, hq_lane_matrix *out)
{
    const hq_pairs p = flat_pairs(ket, pairs);
    if (p.fixed & (HQ_WIDTH - 1))
        overlap_inside(bra, ket, &p, form, out);
    else if (form == HQ_FORM_PHASE)
        overlap_form(bra, ket, &p, HQ_FORM_PHASE, out);
    else if (form == HQ_FORM_DIAGONAL)
        overlap_form(bra, ket, &p, HQ_FORM_DIAGONAL, out);
    else
        overlap_form(bra, ket, &p, HQ_FORM_DENSE, out);
}

/* ---- observables ---- */

/* Signs of the basis states inside a vector: of one lane, those of its numbers; else the same for all. */
INLINE vec inner_signs(const hq_state *s, hq_pauli pauli)
{
    vec signs = splat(1);
    if (s->lane_bits == 0)
        for (size_t l = 0; l < HQ_WIDTH; l++) signs[l] = __builtin_popcountll(l & pauli.z) & 1 ? -1 : 1;
    return signs;
}

INLINE void expect_by(const hq_state *s, hq_pauli pauli, int inside, double *out)
{
    const size_t lanes = (size_t)1 << s->lane_bits, step = lanes < HQ_WIDTH ? HQ_WIDTH : lanes;
    const size_t size = flat_size(s), flip = ((size_t)pauli.x << s->lane_bits) & ~(size_t)(HQ_WIDTH - 1);
    const bool imaginary = hq_pauli_imaginary(pauli);
    const vec inner = inner_signs(s, pauli);
    for (size_t l = 0; l < lanes; l += HQ_WIDTH) {
        vec sum = splat(0);
        for (size_t i = l; i < size; i += step) {
            const vec re = *from(s->re + i), im = *from(s->im + i);
            const vec tr = shuffled(*from(s->re + (i ^ flip)), inside),
                      ti = shuffled(*from(s->im + (i ^ flip)), inside);
            const double sign = hq_pauli_sign(pauli, (i & ~(size_t)(HQ_WIDTH - 1)) >> s->lane_bits);
            sum += sign * (imaginary ? ti * re - tr * im : tr * re + ti * im);
        }
        sum *= inner;
        if (lanes == 1)
            out[0] = vector_sum(sum);
        else
            *at(out + l) = sum;
    }
}

static void expect(const hq_state *s, hq_pauli pauli, double *out){
#define EXPECT_BY(by) expect_by(s, pauli, by, out)
    WITH_SHUFFLE(((size_t)pauli.x << s->lane_bits) & (HQ_WIDTH - 1), EXPECT_BY)
#undef EXPECT_BY
}

INLINE void accumulate_by(const hq_state *s, hq_pauli pauli, int inside, const double *factor, hq_state *out)
{
    const size_t lanes = (size_t)1 << s->lane_bits, step = lanes < HQ_WIDTH ? HQ_WIDTH : lanes;
    const size_t size = flat_size(s), flip = ((size_t)pauli.x << s->lane_bits) & ~(size_t)(HQ_WIDTH - 1);
    const bool imaginary = hq_pauli_imaginary(pauli);
    const vec inner = inner_signs(s, pauli);
    for (size_t l = 0; l < lanes; l += HQ_WIDTH) {
        const vec scale = inner * (lanes == 1 ? splat(factor[0]) : *from(factor + l));
        for (size_t i = l; i < size; i += step) {
            const double sign = hq_pauli_sign(pauli, (i & ~(size_t)(HQ_WIDTH - 1)) >> s->lane_bits);
            const vec re = shuffled(sign * scale * *from(s->re + i), inside);
            const vec im = shuffled(sign * scale * *from(s->im + i), inside);
            vec *to_re = at(out->re + (i ^ flip)), *to_im = at(out->im + (i ^ flip));
            *to_re = imaginary ? *to_re - im : *to_re + re;
            *to_im = imaginary ? *to_im + re : *to_im + im;
        }
    }
}

static void accumulate(const hq_state *s, hq_pauli pauli, const double *factor, hq_state *out)
{
#define ACCUMULATE_BY(by) accumulate_by(s, pauli, by, factor, out)
    WITH_SHUFFLE(((size_t)pauli.x << s->lane_bits) & (HQ_WIDTH - 1), ACCUMULATE_BY)
#undef ACCUMULATE_BY
}
