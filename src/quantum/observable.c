#include "quantum/observable.h"

/* P |j> = i^(number of Y) (-1)^popcount(j & z) |j ^ x>. A power of i that is imaginary pairs real parts with imaginary
 * ones; the two signs below say with which sign the real and the imaginary part of amplitude j enter. */
typedef struct pauli_term {
    size_t to; /* j ^ x */
    double sign_re, sign_im;
} pauli_term;

static inline bool is_imaginary(hq_pauli pauli) { return __builtin_popcount(pauli.x & pauli.z) & 1; }

static inline pauli_term term_of(hq_pauli pauli, size_t j)
{
    int quarter_turns = __builtin_popcount(pauli.x & pauli.z);
    int negative = ((quarter_turns >> 1) ^ __builtin_popcount((uint32_t)j & pauli.z)) & 1;
    double sign = negative ? -1 : 1;
    return (pauli_term){j ^ pauli.x, sign, quarter_turns & 1 ? -sign : sign};
}

void hq_pauli_expect(const hq_state *state, hq_pauli pauli, double *out)
{
    size_t lanes = (size_t)state->lanes, n = (size_t)1 << state->qubits;
    const double *with_re = is_imaginary(pauli) ? state->im : state->re;
    const double *with_im = is_imaginary(pauli) ? state->re : state->im;
    double sum[HQ_LANES_MAX] = {0};
    for (size_t j = 0; j < n; j++) {
        pauli_term term = term_of(pauli, j);
        const double *re = state->re + j * lanes, *im = state->im + j * lanes;
        const double *u = with_re + term.to * lanes, *v = with_im + term.to * lanes;
        for (size_t l = 0; l < lanes; l++) sum[l] += term.sign_re * u[l] * re[l] + term.sign_im * v[l] * im[l];
    }
    for (size_t l = 0; l < lanes; l++) out[l] = sum[l];
}

void hq_pauli_accumulate(const hq_state *state, hq_pauli pauli, const double *factor, hq_state *out)
{
    size_t lanes = (size_t)state->lanes, n = (size_t)1 << state->qubits;
    double *from_re = is_imaginary(pauli) ? out->im : out->re;
    double *from_im = is_imaginary(pauli) ? out->re : out->im;
    for (size_t j = 0; j < n; j++) {
        pauli_term term = term_of(pauli, j);
        const double *restrict re = state->re + j * lanes, *restrict im = state->im + j * lanes;
        double *restrict u = from_re + term.to * lanes, *restrict v = from_im + term.to * lanes;
        for (size_t l = 0; l < lanes; l++) {
            u[l] += term.sign_re * factor[l] * re[l];
            v[l] += term.sign_im * factor[l] * im[l];
        }
    }
}
