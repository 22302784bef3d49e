/* kernels_fused.h: the kernels of the fused path, HQ_VECTOR samples at a time. Included once by each
 * kernels_<variant>.c, after kernels_state.h.
 *
 * With y = U psi, lambda = sum_k g_k O_k y and v = Re(U^dagger lambda): the gradient of the encoded (real) state is
 * 2 v, and that of U is 2 lambda psi^T, summed over the batch. Arrays of a block hold HQ_VECTOR numbers, one for each
 * sample, in each of their entries; a kernel goes through them HQ_WIDTH samples at a time.
 */

/* Entry j of an array of a block; the pointer has been moved to the samples at hand. */
INLINE vec *entry(double *array, size_t j) { return at(array + j * HQ_VECTOR); }
INLINE vec value(const double *array, size_t j) { return *from(array + j * HQ_VECTOR); }

/* A block whose arrays start at sample `first`. */
INLINE hq_fused_block shifted(const hq_fused_block *b, size_t first)
{
    return (hq_fused_block){b->cosine + first, b->sine + first,      b->psi + first,       b->y_re + first,
                            b->y_im + first,   b->lambda_re + first, b->lambda_im + first, b->scratch + first};
}

/* ---- cosine and sine ---- */

/* Reduced by multiples of pi/2 in three parts (Cody and Waite), then the Taylor-like minimax polynomials of fdlibm's
 * __kernel_sin and __kernel_cos on [-pi/4, pi/4]: below 1 ulp. */
INLINE void cosine_sine_vector(vec angle, vec *cosine, vec *sine)
{
    const double round_by = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    const vec turns = angle * 0.63661977236758134308 + round_by;
    const ivec quadrant = (ivec)turns;
    const vec n = turns - round_by;
    const vec r =
        ((angle - n * 1.57079632673412561417e+00) - n * 6.07710050630396597660e-11) - n * 2.02226624879595063154e-21;
    const vec z = r * r;
    const vec s = r + r * z *
                          (-1.66666666666666324348e-01 +
                           z * (8.33333333332248946124e-03 +
                                z * (-1.98412698298579493134e-04 +
                                     z * (2.75573137070700676789e-06 +
                                          z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
    const vec c = 1.0 - 0.5 * z +
                  z * z *
                      (4.16666666666666019037e-02 +
                       z * (-1.38888888888741095749e-03 +
                            z * (2.48015872894767294178e-05 +
                                 z * (-2.75573143513906633035e-07 +
                                      z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
    const ivec swap = -(quadrant & 1); /* all bits set where sine and cosine change places */
    const ivec sine_sign = (quadrant & 2) << 62, cosine_sign = ((quadrant + 1) & 2) << 62;
    *sine = (vec)((((ivec)s & ~swap) | ((ivec)c & swap)) ^ sine_sign);
    *cosine = (vec)((((ivec)c & ~swap) | ((ivec)s & swap)) ^ cosine_sign);
}

/* Beyond this the reduction loses digits, and the C library's functions take over. */
#define ANGLE_MAX 1e5

static void cosine_sine(size_t n, const double *angle, double *cosine, double *sine)
{
    vec largest = splat(0);
    for (size_t i = 0; i < n; i += HQ_WIDTH) {
        const vec a = *from(angle + i), size = select(a < 0, -a, a);
        cosine_sine_vector(a, at(cosine + i), at(sine + i));
        largest = select(size > largest, size, largest);
    }
    for (size_t l = 0; l < HQ_WIDTH; l++)
        if (largest[l] > ANGLE_MAX)
            for (size_t i = l; i < n; i += HQ_WIDTH) { /* others keep the bits they would have without it */
                if (angle[i] <= ANGLE_MAX && angle[i] >= -ANGLE_MAX) continue;
                cosine[i] = cos(angle[i]);
                sine[i] = sin(angle[i]);
            }
}

/* ---- state ---- */

#define HQ_ROWS (HQ_WIDTH == 8 ? 8 : 4) /* rows of U at a time: twice as many sums, in registers */

/* The product state of the first n wires. */
INLINE void encode(int n, const hq_fused_block *b, double *psi)
{
    *entry(psi, 0) = splat(1);
    for (int i = 0; i < n; i++) {
        const vec c = value(b->cosine, (size_t)i), s = value(b->sine, (size_t)i);
        for (size_t j = (size_t)1 << i; j-- > 0;) {
            const vec old = value(psi, j);
            *entry(psi, 2 * j) = old * c;
            *entry(psi, 2 * j + 1) = old * s;
        }
    }
}

/* y[rows r .. r + count - 1], count at most HQ_ROWS; psi stands in `held`, which may be registers */
INLINE void some_rows(const hq_unitary *u, size_t r, size_t count, size_t dim, const vec *held, const hq_fused_block *b)
{
    const double *re = u->re + r * u->columns, *im = u->im + r * u->columns;
    vec sum_re[HQ_ROWS] = {{0}}, sum_im[HQ_ROWS] = {{0}};
#pragma GCC unroll 16
    for (size_t c = 0; c < dim; c++)
        for (size_t k = 0; k < count; k++) {
            sum_re[k] += re[k * u->columns + c] * held[c];
            sum_im[k] += im[k * u->columns + c] * held[c];
        }
    for (size_t k = 0; k < count; k++) {
        *entry(b->y_re, r + k) = sum_re[k];
        *entry(b->y_im, r + k) = sum_im[k];
    }
}

INLINE void state_of(const hq_unitary *u, const hq_fused_block *whole, int n)
{
    const size_t dim = (size_t)1 << n;
    for (size_t first = 0; first < HQ_VECTOR; first += HQ_WIDTH) {
        const hq_fused_block b = shifted(whole, first);
        vec held[HQ_FUSED_DIM_MAX];
        encode(n, &b, b.psi);
        for (size_t c = 0; c < dim; c++) held[c] = value(b.psi, c);
        if (n == 1) {
            some_rows(u, 0, 2, 2, held, &b);
        } else if (n == 2) {
            some_rows(u, 0, 4, 4, held, &b);
        } else {
            for (size_t r = 0; r < dim; r += HQ_ROWS) some_rows(u, r, HQ_ROWS, dim, held, &b);
        }
    }
}

static void fused_state(const hq_unitary *u, const hq_fused_block *b)
{
    if (u->qubits == 4) /* with constant bounds */
        state_of(u, b, 4);
    else
        state_of(u, b, u->qubits);
}

/* ---- outputs ---- */

/* The term of basis state j in <y| P |y>, without its sign. */
INLINE vec term(hq_pauli pauli, size_t j, const hq_fused_block *b)
{
    const size_t k = j ^ pauli.x;
    const vec re = value(b->y_re, j), im = value(b->y_im, j), re_k = value(b->y_re, k), im_k = value(b->y_im, k);
    return hq_pauli_imaginary(pauli) ? im_k * re - re_k * im : re_k * re + im_k * im;
}

/* Diagonal: sum of sign |y_j|^2. Else pairs j, j ^ x share one product, entered twice. Two sums, so that additions need
 * not wait for each other. */
INLINE vec expectation(hq_pauli pauli, const double *sign, size_t dim, const hq_fused_block *b)
{
    vec even = splat(0), odd = splat(0);
    if (pauli.x == 0) {
        for (size_t j = 0; j < dim; j += 2) {
            even += sign[j] * value(b->scratch, j);
            odd += sign[j + 1] * value(b->scratch, j + 1);
        }
        return even + odd;
    }
    const size_t top = (size_t)1 << (31 - __builtin_clz(pauli.x)), low = top - 1;
    for (size_t p = 0; p < dim / 2; p += 2) { /* basis states with that bit 0 */
        const size_t j = (p & ~low) << 1 | (p & low), next = ((p + 1) & ~low) << 1 | ((p + 1) & low);
        even += sign[j] * term(pauli, j, b);
        if (next < dim) odd += sign[next] * term(pauli, next, b); /* one qubit has a single pair */
    }
    return 2 * (even + odd);
}

INLINE void measure_of(const hq_unitary *u, const hq_fused_block *whole, size_t dim, double *q)
{
    for (size_t first = 0; first < HQ_VECTOR; first += HQ_WIDTH) {
        const hq_fused_block b = shifted(whole, first);
        for (size_t j = 0; j < dim; j++) {
            const vec re = value(b.y_re, j), im = value(b.y_im, j);
            *entry(b.scratch, j) = re * re + im * im;
        }
        for (size_t k = 0; k < (size_t)u->n_observables; k++)
            *entry(q + first, k) = expectation(u->observables[k], u->sign + k * dim, dim, &b);
    }
}

static void fused_measure(const hq_unitary *u, const hq_fused_block *b, double *q)
{
    if (u->qubits == 4)
        measure_of(u, b, 16, q);
    else
        measure_of(u, b, (size_t)1 << u->qubits, q);
}

/* ---- gradients ---- */

/* What P y has at basis state `to`, times g; added to re + i im. */
INLINE void add_image(hq_pauli pauli, const double *sign, size_t to, vec g, const hq_fused_block *b, vec *re, vec *im)
{
    const size_t j = to ^ pauli.x;
    const vec f = sign[j] * g, y_re = value(b->y_re, j), y_im = value(b->y_im, j);
    if (hq_pauli_imaginary(pauli)) {
        *re -= f * y_im;
        *im += f * y_re;
    } else {
        *re += f * y_re;
        *im += f * y_im;
    }
}

INLINE void seed_lambda(const hq_unitary *u, const hq_fused_block *b, size_t dim, const double *dq)
{
    for (size_t j = 0; j < dim; j++) {
        vec diagonal = splat(0), re = splat(0), im = splat(0);
        for (size_t k = 0; k < (size_t)u->n_observables; k++) {
            const double *sign = u->sign + k * dim;
            if (u->observables[k].x == 0)
                diagonal += sign[j] * value(dq, k);
            else
                add_image(u->observables[k], sign, j, value(dq, k), b, &re, &im);
        }
        *entry(b->lambda_re, j) = re + diagonal * value(b->y_re, j);
        *entry(b->lambda_im, j) = im + diagonal * value(b->y_im, j);
    }
}

/* v[columns c .. c + width) = Re(U^dagger lambda), in scratch */
INLINE void some_columns(const hq_unitary *u, size_t c, size_t width, size_t dim, const hq_fused_block *b)
{
    vec sum[8] = {{0}};
    for (size_t r = 0; r < dim; r++) {
        const double *row_re = u->re + r * u->columns + c, *row_im = u->im + r * u->columns + c;
        const vec re = value(b->lambda_re, r), im = value(b->lambda_im, r);
        for (size_t k = 0; k < width; k++) sum[k] += row_re[k] * re + row_im[k] * im;
    }
    for (size_t k = 0; k < width; k++) *entry(b->scratch, c + k) = sum[k];
}

/* dangle[i] from v = (gradient of psi) / 2: psi is a product, so wire by wire from the last one v is contracted with
 * the factor of the wire, and the state of the wires before it gives the rest. */
INLINE void angle_gradients(int n, const hq_fused_block *b, double *dangle)
{
    double *v = b->scratch, *prefix = v + ((size_t)HQ_VECTOR << n);
    for (size_t i = (size_t)n; i-- > 0;) {
        const vec c = value(b->cosine, i), s = value(b->sine, i);
        vec sum = splat(0);
        encode((int)i, b, prefix);
        for (size_t j = 0; j < (size_t)1 << i; j++) {
            const vec even = value(v, 2 * j), odd = value(v, 2 * j + 1);
            sum += value(prefix, j) * (c * odd - s * even);
            *entry(v, j) = c * even + s * odd;
        }
        *entry(dangle, i) = sum; /* twice v, times the half of the half angle */
    }
}

INLINE void backward_of(const hq_unitary *u, const hq_fused_block *whole, int n, const double *dq, double *dangle)
{
    const size_t dim = (size_t)1 << n;
    for (size_t first = 0; first < HQ_VECTOR; first += HQ_WIDTH) {
        const hq_fused_block b = shifted(whole, first);
        seed_lambda(u, &b, dim, dq + first);
        if (n == 1)
            some_columns(u, 0, 2, 2, &b);
        else if (n == 2)
            some_columns(u, 0, 4, 4, &b);
        else
            for (size_t c = 0; c < dim; c += 8) some_columns(u, c, 8, dim, &b);
        angle_gradients(n, &b, dangle + first);
    }
}

static void fused_backward(const hq_unitary *u, const hq_fused_block *b, const double *dq, double *dangle)
{
    if (u->qubits == 4)
        backward_of(u, b, 4, dq, dangle);
    else
        backward_of(u, b, u->qubits, dq, dangle);
}

/* ---- lambda psi^T ---- */

#if HQ_WIDTH == 8
INLINE vec blend(vec a, vec b, ivec which)
{
#ifdef __clang__
    vec out;
    for (int l = 0; l < 8; l++) out[l] = which[l] < 8 ? a[which[l]] : b[which[l] - 8];
    return out;
#else
    return __builtin_shuffle(a, b, which);
#endif
}

/* Entries j .. j + 7 of eight samples to eight rows of eight numbers each, `stride` numbers apart. */
INLINE void transpose(const double *in, double *out, size_t stride)
{
    const ivec low1 = {0, 8, 2, 10, 4, 12, 6, 14}, high1 = {1, 9, 3, 11, 5, 13, 7, 15};
    const ivec low2 = {0, 1, 8, 9, 4, 5, 12, 13}, high2 = {2, 3, 10, 11, 6, 7, 14, 15};
    const ivec low4 = {0, 1, 2, 3, 8, 9, 10, 11}, high4 = {4, 5, 6, 7, 12, 13, 14, 15};
    vec a[8], b[8];
    for (size_t i = 0; i < 8; i += 2) {
        a[i] = blend(value(in, i), value(in, i + 1), low1);
        a[i + 1] = blend(value(in, i), value(in, i + 1), high1);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; k++) {
            b[i + k] = blend(a[i + k], a[i + k + 2], low2);
            b[i + k + 2] = blend(a[i + k], a[i + k + 2], high2);
        }
    for (int k = 0; k < 4; k++) {
        *at(out + (size_t)k * stride) = blend(b[k], b[k + 4], low4);
        *at(out + (size_t)(k + 4) * stride) = blend(b[k], b[k + 4], high4);
    }
}
#endif

/* The entries of eight samples as rows of the panel, one for each sample. */
INLINE void to_rows(const double *entries, size_t dim, double *panel, size_t stride)
{
    size_t j = 0;
#if HQ_WIDTH == 8
    for (; j + 8 <= dim; j += 8) transpose(entries + j * HQ_VECTOR, panel + j, stride);
#endif
    for (; j < dim; j++)
        for (size_t l = 0; l < HQ_VECTOR; l++) panel[l * stride + j] = entries[j * HQ_VECTOR + l];
}

/* `rows` rows of the sum, `width` vectors of columns: += sum over samples of lambda_r psi_c. */
INLINE void outer_tile(size_t samples, size_t stride, const double *lambda, const double *psi, size_t columns,
                       size_t width, size_t rows, double *sum)
{
    vec tile[8][2];
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < width; k++) tile[r][k] = *from(sum + r * columns + k * HQ_WIDTH);
    for (size_t b = 0; b < samples; b++, lambda += stride, psi += stride)
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < width; k++) tile[r][k] += lambda[r] * *from(psi + k * HQ_WIDTH);
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < width; k++) *at(sum + r * columns + k * HQ_WIDTH) = tile[r][k];
}

/* Columns are at least HQ_VECTOR, so there are two vectors of them but with the widest registers; rows are 2, 4 or a
 * multiple of 8. */
INLINE void outer_part(size_t samples, size_t stride, const double *lambda, const double *psi, size_t dim,
                       size_t columns, double *sum)
{
    const size_t rows = dim < 4 ? 2 : HQ_WIDTH == 8 && dim >= 8 ? 8 : 4, width = columns >= 2 * HQ_WIDTH ? 2 : 1;
    for (size_t r = 0; r < dim; r += rows)
        for (size_t c = 0; c < columns; c += width * HQ_WIDTH) {
            double *to = sum + r * columns + c;
            if (rows == 2)
                outer_tile(samples, stride, lambda + r, psi + c, columns, 1, 2, to);
            else if (rows == 4)
                outer_tile(samples, stride, lambda + r, psi + c, columns, width, 4, to);
            else
                outer_tile(samples, stride, lambda + r, psi + c, columns, width, 8, to);
        }
}

static void fused_outer(const hq_unitary *u, int n_blocks, const double *psi, const double *lambda_re,
                        const double *lambda_im, double *panel, double *sum_re, double *sum_im)
{
    const size_t dim = (size_t)1 << u->qubits, columns = u->columns, stride = 3 * columns;
    for (size_t block = 0; block < (size_t)n_blocks; block++) {
        double *rows = panel + block * HQ_VECTOR * stride;
        const size_t skip = block * dim * HQ_VECTOR;
        to_rows(psi + skip, dim, rows, stride);
        to_rows(lambda_re + skip, dim, rows + columns, stride);
        to_rows(lambda_im + skip, dim, rows + 2 * columns, stride);
    }
    const size_t samples = (size_t)n_blocks * HQ_VECTOR;
    outer_part(samples, stride, panel + columns, panel, dim, columns, sum_re);
    outer_part(samples, stride, panel + 2 * columns, panel, dim, columns, sum_im);
}

/* ---- bounds ---- */

static double multiply_add(size_t n, double factor)
{
    vec sum[HQ_PEAK_VECTORS];
    const vec f = splat(factor);
    for (int k = 0; k < HQ_PEAK_VECTORS; k++) sum[k] = splat(k);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < HQ_PEAK_VECTORS; k++) sum[k] = sum[k] * f + f;
    for (int k = 1; k < HQ_PEAK_VECTORS; k++) sum[0] += sum[k];
    return vector_sum(sum[0]);
}

static void rescale(hq_state *s, double factor)
{
    const size_t half = flat_size(s) / 2;
    const vec f = splat(factor);
    if (half < HQ_WIDTH) { /* a state of one register has no pairs */
        *at(s->re) = f * *from(s->re);
        *at(s->im) = f * *from(s->im);
        return;
    }
    for (size_t i = 0; i < half; i += HQ_WIDTH) { /* as gates do: pairs of real and imaginary parts */
        const vec ar = *from(s->re + i), ai = *from(s->im + i), br = *from(s->re + half + i),
                  bi = *from(s->im + half + i);
        *at(s->re + i) = f * ar;
        *at(s->im + i) = f * ai;
        *at(s->re + half + i) = f * br;
        *at(s->im + half + i) = f * bi;
    }
}

/* ---- the table ---- */

#define HQ_DEFINE_KERNELS(variant, text)                                                                               \
    extern const hq_kernels variant;                                                                                   \
    const hq_kernels variant = {.name = text,                                                                          \
                                .width = HQ_WIDTH,                                                                     \
                                .cosine_sine = cosine_sine,                                                            \
                                .apply = apply,                                                                        \
                                .apply_lanes = apply_lanes,                                                            \
                                .multiply_lanes = multiply_lanes,                                                      \
                                .overlap = overlap,                                                                    \
                                .expect = expect,                                                                      \
                                .accumulate = accumulate,                                                              \
                                .fused_state = fused_state,                                                            \
                                .fused_measure = fused_measure,                                                        \
                                .fused_backward = fused_backward,                                                      \
                                .fused_outer = fused_outer,                                                            \
                                .multiply_add = multiply_add,                                                          \
                                .rescale = rescale}
