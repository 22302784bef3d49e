/* fused.h: the fused path: circuits whose data enters once, at the start, by one rotation on each wire.
 *
 * The encoded state is then a real product state psi(x), and everything after it one unitary U(w) for the whole batch:
 * y = U psi. Outputs, input gradients and the sum of lambda psi^T over the batch cost a few products with U per sample;
 * the gradient of the weights is one backward sweep over the columns of U for the whole batch.
 */
#ifndef QUANTUM_FUSED_H
#define QUANTUM_FUSED_H

#include "quantum/sweep.h"

#define HQ_FUSED_GROUP 4 /* blocks of HQ_VECTOR samples between two updates of the sum of lambda psi^T */

/* How data enters on a wire: RY(scale x[input] + offset), or not at all (input -1). */
typedef struct hq_encoder {
    int input;
    double scale, offset;
} hq_encoder;

typedef struct hq_fused {
    const hq_circuit *circuit;
    hq_encoder encoder[HQ_FUSED_QUBITS_MAX];
    hq_circuit *rest; /* what follows the encoding; owned */
    int *wire_of;     /* [entries]: the wire an entry encodes, or -1 */
    int *rest_entry;  /* [entries]: the same entry in rest, or -1 */
    hq_sweep sweep;   /* of rest; lanes are columns */
    hq_unitary u;
    double *u_re, *u_im, *sign; /* what u points to */
    double *bound;              /* [P]: weights that u belongs to */
    bool is_bound;
    hq_fused_block block; /* of the first block of a group */
    double *angle;        /* [n] vectors */
    double *q, *dangle;   /* vectors */
    double *sum_re, *sum_im, *panel;
} hq_fused;

/* Whether the path serves a circuit. */
bool hq_fused_possible(const hq_circuit *circuit);

/* Splits a circuit for which the path is possible; takes all memory from the arena (over an empty arena: measures).
 * hq_fused_free: what is not in the arena. */
hq_status hq_fused_split(hq_fused *fused, const hq_circuit *circuit);
void hq_fused_take(hq_fused *fused, const hq_kernels *kernels, hq_arena *arena);
void hq_fused_start(hq_fused *fused);
void hq_fused_free(hq_fused *fused);

/* The unitary for weights w[P]; kept while they stay the same. */
void hq_fused_bind(hq_fused *fused, const double *w);

/* Binds the unitary with `shift` added at an entry, until the next bind; an entry of the encoding leaves it and is told
 * to hq_fused_outputs as wire and shift. */
void hq_fused_bind_shifted(hq_fused *fused, int entry, double shift);

/* q[n][O] for x[n][Q], with `shift` added to the angle of `wire` (-1: of none); rows of q are `stride` numbers apart.
 */
void hq_fused_outputs(hq_fused *fused, int64_t n, const double *x, int wire, double shift, double *q, int64_t stride);

/* dx[n][Q] and dw[P] for dq[n][O]; written. */
void hq_fused_gradient(hq_fused *fused, int64_t n, const double *x, const double *dq, double *dx, double *dw);

#endif
