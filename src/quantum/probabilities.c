/* probabilities.c: how likely each basis state is. */
#include "hqcnn/config.h"
#include "quantum/sweep.h"

static void take_all(hq_sweep *sweep, const hq_circuit *circuit, hq_arena *arena)
{
    hq_sweep_take(sweep, circuit, hq_kernels_best(), 0, arena);
}

hq_status hq_circuit_probabilities(const hq_circuit *circuit, const double *x, const double *w, double *p)
{
    hq_sweep sweep;
    hq_arena arena = {0};
    take_all(&sweep, circuit, &arena); /* measures */
    HQ_TRY(hq_arena_create(arena.used, "a state", &arena));
    take_all(&sweep, circuit, &arena);
    hq_sweep_start(&sweep);
    hq_sweep_bind_weights(&sweep, w);
    hq_sweep_bind_inputs(&sweep, 1, x);
    hq_sweep_prepare(&sweep);
    for (size_t i = 0; i < (size_t)1 << circuit->qubits; i++)
        p[i] = sweep.psi.re[i] * sweep.psi.re[i] + sweep.psi.im[i] * sweep.psi.im[i];
    hq_arena_destroy(&arena);
    return HQ_OK;
}
