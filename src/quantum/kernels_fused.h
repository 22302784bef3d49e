/* kernels_fused.h: the kernels of the fused path, HQ_VECTOR samples at a time. Included once by each
 * kernels_<variant>.c, after kernels_state.h.
 *
 * With y = U psi, lambda = sum_k g_k O_k y and v = Re(U^dagger lambda): the gradient of the encoded (real) state is
 * 2 v, and that of U is 2 lambda psi^T, summed over the batch.
 */

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
    for (size_t i = 0; i < n; i += HQ_VECTOR) {
        const vec a = *from(angle + i);
        cosine_sine_vector(a, at(cosine + i), at(sine + i));
        for (size_t l = i; l < i + HQ_VECTOR; l++)
            if (!(angle[l] <= ANGLE_MAX && angle[l] >= -ANGLE_MAX)) {
                cosine[l] = cos(angle[l]);
                sine[l] = sin(angle[l]);
            }
    }
}

/* ---- state ---- */

/* The product state, wire by wire; the states of the first i wires are left in prefix[i] when it is given. */
INLINE void encode(int n, const vec *c, const vec *s, vec *psi)
{
    psi[0] = splat(1);
    for (int i = 0; i < n; i++)
        for (size_t j = (size_t)1 << i; j-- > 0;) {
            const vec old = psi[j];
            psi[2 * j] = old * c[i];
            psi[2 * j + 1] = old * s[i];
        }
}

/* y[rows r .. r + count - 1], count at most 4 */
INLINE void some_rows(const hq_unitary *u, size_t r, size_t count, size_t dim, const vec *psi, vec *y_re, vec *y_im)
{
    const double *re = u->re + r * u->columns, *im = u->im + r * u->columns;
    vec sum_re[4] = {{0}}, sum_im[4] = {{0}};
    for (size_t c = 0; c < dim; c++) {
        const vec p = psi[c];
        for (size_t k = 0; k < count; k++) {
            sum_re[k] += re[k * u->columns + c] * p;
            sum_im[k] += im[k * u->columns + c] * p;
        }
    }
    for (size_t k = 0; k < count; k++) {
        y_re[r + k] = sum_re[k];
        y_im[r + k] = sum_im[k];
    }
}

INLINE void state_of(const hq_unitary *u, const hq_fused_block *b, int n)
{
    const size_t dim = (size_t)1 << n;
    vec *psi = at(b->psi), *y_re = at(b->y_re), *y_im = at(b->y_im);
    encode(n, from(b->cosine), from(b->sine), psi);
    if (n == 1) {
        some_rows(u, 0, 2, 2, psi, y_re, y_im);
        return;
    }
    for (size_t r = 0; r < dim; r += 4) some_rows(u, r, 4, dim, psi, y_re, y_im);
}

static void fused_state(const hq_unitary *u, const hq_fused_block *b)
{
    if (u->qubits == 4) /* with constant bounds */
        state_of(u, b, 4);
    else
        state_of(u, b, u->qubits);
}

/* ---- outputs ---- */

/* Diagonal: sum of sign |y_j|^2. Else pairs j, j ^ x share one product, entered twice. */
INLINE vec expectation(hq_pauli pauli, const double *sign, size_t dim, const vec *squares, const vec *re, const vec *im)
{
    vec sum = splat(0);
    if (pauli.x == 0) {
        for (size_t j = 0; j < dim; j++) sum += sign[j] * squares[j];
        return sum;
    }
    const size_t top = (size_t)1 << (31 - __builtin_clz(pauli.x));
    const bool imaginary = hq_pauli_imaginary(pauli);
    for (size_t high = 0; high < dim; high += 2 * top)
        for (size_t j = high; j < high + top; j++) {
            const size_t k = j ^ pauli.x;
            sum += sign[j] * (imaginary ? im[k] * re[j] - re[k] * im[j] : re[k] * re[j] + im[k] * im[j]);
        }
    return 2 * sum;
}

INLINE void measure_of(const hq_unitary *u, const hq_fused_block *b, size_t dim, double *q)
{
    const vec *re = from(b->y_re), *im = from(b->y_im);
    vec *squares = at(b->scratch);
    for (size_t j = 0; j < dim; j++) squares[j] = re[j] * re[j] + im[j] * im[j];
    for (int k = 0; k < u->n_observables; k++)
        at(q)[k] = expectation(u->observables[k], u->sign + (size_t)k * dim, dim, squares, re, im);
}

static void fused_measure(const hq_unitary *u, const hq_fused_block *b, double *q)
{
    if (u->qubits == 4)
        measure_of(u, b, 16, q);
    else
        measure_of(u, b, (size_t)1 << u->qubits, q);
}

/* ---- gradients ---- */

/* lambda += g P y for a Pauli string that moves basis states. */
INLINE void add_moved(hq_pauli pauli, const double *sign, size_t dim, vec g, const vec *re, const vec *im, vec *to_re,
                      vec *to_im)
{
    const bool imaginary = hq_pauli_imaginary(pauli);
    for (size_t j = 0; j < dim; j++) {
        const size_t k = j ^ pauli.x;
        const vec f = sign[j] * g;
        if (imaginary) {
            to_re[k] -= f * im[j];
            to_im[k] += f * re[j];
        } else {
            to_re[k] += f * re[j];
            to_im[k] += f * im[j];
        }
    }
}

INLINE void seed_lambda(const hq_unitary *u, const hq_fused_block *b, size_t dim, const vec *dq)
{
    const vec *re = from(b->y_re), *im = from(b->y_im);
    vec *to_re = at(b->lambda_re), *to_im = at(b->lambda_im), *diagonal = at(b->scratch);
    memset(diagonal, 0, dim * sizeof(vec));
    for (int k = 0; k < u->n_observables; k++) {
        if (u->observables[k].x) continue;
        for (size_t j = 0; j < dim; j++) diagonal[j] += u->sign[(size_t)k * dim + j] * dq[k];
    }
    for (size_t j = 0; j < dim; j++) {
        to_re[j] = diagonal[j] * re[j];
        to_im[j] = diagonal[j] * im[j];
    }
    for (int k = 0; k < u->n_observables; k++)
        if (u->observables[k].x)
            add_moved(u->observables[k], u->sign + (size_t)k * dim, dim, dq[k], re, im, to_re, to_im);
}

/* v[columns c .. c + width) = Re(U^dagger lambda) */
INLINE void some_columns(const hq_unitary *u, size_t c, size_t width, size_t dim, const vec *re, const vec *im, vec *v)
{
    vec sum[HQ_VECTOR] = {{0}};
    for (size_t r = 0; r < dim; r++) {
        const double *row_re = u->re + r * u->columns + c, *row_im = u->im + r * u->columns + c;
        const vec a = re[r], b = im[r];
        for (size_t k = 0; k < width; k++) sum[k] += row_re[k] * a + row_im[k] * b;
    }
    for (size_t k = 0; k < width; k++) v[c + k] = sum[k];
}

/* dangle[i] from v = (gradient of psi) / 2: psi is a product, so wire by wire from the last one v is contracted with
 * the factor of the wire, and the states of the wires before it give the rest. */
INLINE void angle_gradients(int n, const vec *c, const vec *s, vec *v, vec *prefix, vec *dangle)
{
    for (int i = n - 1; i >= 0; i--) {
        const size_t half = (size_t)1 << i;
        vec sum = splat(0);
        encode(i, c, s, prefix);
        for (size_t j = 0; j < half; j++) {
            const vec even = v[2 * j], odd = v[2 * j + 1];
            sum += prefix[j] * (c[i] * odd - s[i] * even);
            v[j] = c[i] * even + s[i] * odd;
        }
        dangle[i] = sum; /* twice v, times the half of the half angle */
    }
}

INLINE void backward_of(const hq_unitary *u, const hq_fused_block *b, int n, const double *dq, double *dangle)
{
    const size_t dim = (size_t)1 << n;
    vec *v = at(b->scratch), *prefix = v + dim;
    seed_lambda(u, b, dim, from(dq));
    size_t c = 0;
    for (; c + HQ_VECTOR <= dim; c += HQ_VECTOR)
        some_columns(u, c, HQ_VECTOR, dim, from(b->lambda_re), from(b->lambda_im), v);
    if (c < dim) some_columns(u, c, dim - c, dim, from(b->lambda_re), from(b->lambda_im), v);
    angle_gradients(n, from(b->cosine), from(b->sine), v, prefix, at(dangle));
}

static void fused_backward(const hq_unitary *u, const hq_fused_block *b, const double *dq, double *dangle)
{
    if (u->qubits == 4)
        backward_of(u, b, 4, dq, dangle);
    else
        backward_of(u, b, u->qubits, dq, dangle);
}

/* ---- lambda psi^T ---- */

INLINE vec blend(vec a, vec b, ivec which)
{
#ifdef __clang__
    vec out;
    for (int l = 0; l < HQ_VECTOR; l++) out[l] = which[l] < HQ_VECTOR ? a[which[l]] : b[which[l] - HQ_VECTOR];
    return out;
#else
    return __builtin_shuffle(a, b, which);
#endif
}

/* Eight vectors (entries of eight samples) to eight samples of eight entries each, `stride` numbers apart. */
INLINE void transpose(const vec *in, double *out, size_t stride)
{
    const ivec low1 = {0, 8, 2, 10, 4, 12, 6, 14}, high1 = {1, 9, 3, 11, 5, 13, 7, 15};
    const ivec low2 = {0, 1, 8, 9, 4, 5, 12, 13}, high2 = {2, 3, 10, 11, 6, 7, 14, 15};
    const ivec low4 = {0, 1, 2, 3, 8, 9, 10, 11}, high4 = {4, 5, 6, 7, 12, 13, 14, 15};
    vec a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = blend(in[i], in[i + 1], low1);
        a[i + 1] = blend(in[i], in[i + 1], high1);
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

/* dim vectors of eight samples to rows of the panel; fewer than eight entries are filled up with zeros. */
INLINE void to_rows(const double *vectors, size_t dim, double *panel, size_t stride)
{
    if (dim >= HQ_VECTOR) {
        for (size_t j = 0; j < dim; j += HQ_VECTOR) transpose(from(vectors) + j, panel + j, stride);
        return;
    }
    vec filled[HQ_VECTOR] = {{0}};
    for (size_t j = 0; j < dim; j++) filled[j] = from(vectors)[j];
    transpose(filled, panel, stride);
}

/* rows r .. r + 7 of the sum, two vectors of columns: += sum over samples of lambda_r psi_c. */
INLINE void outer_tile(size_t samples, size_t stride, const double *lambda, const double *psi, size_t columns,
                       size_t width, size_t rows, double *sum)
{
    vec tile[HQ_VECTOR][2];
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < width; k++) tile[r][k] = *from(sum + r * columns + k * HQ_VECTOR);
    for (size_t b = 0; b < samples; b++, lambda += stride, psi += stride)
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < width; k++) tile[r][k] += lambda[r] * *from(psi + k * HQ_VECTOR);
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < width; k++) *at(sum + r * columns + k * HQ_VECTOR) = tile[r][k];
}

INLINE void outer_part(size_t samples, size_t stride, const double *lambda, const double *psi, size_t dim,
                       size_t columns, double *sum)
{
    for (size_t r = 0; r < dim; r += HQ_VECTOR)
        for (size_t c = 0; c < columns; c += 2 * HQ_VECTOR) {
            double *to = sum + r * columns + c;
            if (columns >= 2 * HQ_VECTOR)
                outer_tile(samples, stride, lambda + r, psi + c, columns, 2, HQ_VECTOR, to);
            else if (dim >= HQ_VECTOR)
                outer_tile(samples, stride, lambda + r, psi + c, columns, 1, HQ_VECTOR, to);
            else
                outer_tile(samples, stride, lambda + r, psi + c, columns, 1, dim, to);
        }
}

static void fused_outer(const hq_unitary *u, int n_blocks, const double *psi, const double *lambda_re,
                        const double *lambda_im, double *panel, double *sum_re, double *sum_im)
{
    const size_t dim = (size_t)1 << u->qubits, columns = u->columns, stride = 3 * columns;
    for (int block = 0; block < n_blocks; block++) {
        double *rows = panel + (size_t)block * HQ_VECTOR * stride;
        const size_t skip = (size_t)block * dim * HQ_VECTOR;
        to_rows(psi + skip, dim, rows, stride);
        to_rows(lambda_re + skip, dim, rows + columns, stride);
        to_rows(lambda_im + skip, dim, rows + 2 * columns, stride);
    }
    const size_t samples = (size_t)n_blocks * HQ_VECTOR;
    outer_part(samples, stride, panel + columns, panel, dim, columns, sum_re);
    outer_part(samples, stride, panel + 2 * columns, panel, dim, columns, sum_im);
}

/* ---- the table ---- */

#define HQ_DEFINE_KERNELS(variant, text)                                                                               \
    extern const hq_kernels variant;                                                                                   \
    const hq_kernels variant = {text,       cosine_sine, apply,         apply_lanes,    overlap,    expect,            \
                                accumulate, fused_state, fused_measure, fused_backward, fused_outer}
