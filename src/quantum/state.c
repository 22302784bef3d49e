#include "quantum/state.h"

#include <string.h>

size_t hq_state_size(int qubits, int lane_bits)
{
    size_t size = (size_t)1 << (qubits + lane_bits);
    return size < HQ_VECTOR ? HQ_VECTOR : size;
}

hq_pairs hq_pairs_make(const hq_gate *gate, int block, int qubits, const int *wires)
{
    hq_pairs pairs = {0};
    for (int k = 0; k < hq_gate_wires(gate); k++) {
        size_t bit = (size_t)1 << (qubits - 1 - wires[k]);
        bool target = k >= gate->controls, last = k == hq_gate_wires(gate) - 1;
        pairs.fixed |= bit;
        if (target) pairs.flip |= bit;
        /* The first state of a pair has the controls set; of two targets it is |01>, in block 1 |00>. */
        if (!target || (gate->targets == 2 && last && block == 0)) pairs.value |= bit;
    }
    return pairs;
}

static size_t bytes_of(const hq_state *state)
{
    return hq_state_size(state->qubits, state->lane_bits) * sizeof(double);
}

void hq_state_clear(hq_state *state)
{
    memset(state->re, 0, bytes_of(state));
    memset(state->im, 0, bytes_of(state));
}

void hq_state_reset(hq_state *state)
{
    hq_state_clear(state);
    for (int l = 0; l < 1 << state->lane_bits; l++) state->re[l] = 1;
}

void hq_state_copy(hq_state *state, const hq_state *from)
{
    HQ_ASSERT(state->qubits == from->qubits && state->lane_bits == from->lane_bits);
    memcpy(state->re, from->re, bytes_of(state));
    memcpy(state->im, from->im, bytes_of(state));
}

void hq_state_take(hq_state *state, int qubits, int lane_bits, hq_arena *arena)
{
    size_t size = hq_state_size(qubits, lane_bits);
    state->qubits = qubits;
    state->lane_bits = lane_bits;
    state->re = hq_arena_take(arena, size, sizeof(double));
    state->im = hq_arena_take(arena, size, sizeof(double));
}
