#include "quantum/basis.h"

void hq_bases_take(hq_bases *bases, const hq_circuit *circuit, hq_arena *arena)
{
    const size_t o = (size_t)circuit->n_observables;
    *bases = (hq_bases){.circuit = circuit};
    bases->basis = hq_arena_take(arena, o, sizeof *bases->basis);
    bases->order = hq_arena_take(arena, o, sizeof *bases->order);
    bases->basis_of = hq_arena_take(arena, o, sizeof *bases->basis_of);
}

/* Whether two strings have the same letter on every wire that both use. */
static bool agree(hq_pauli a, hq_pauli b)
{
    const uint32_t both = hq_pauli_support(a) & hq_pauli_support(b);
    return (((a.x ^ b.x) | (a.z ^ b.z)) & both) == 0;
}

static int join(hq_bases *bases, hq_pauli pauli)
{
    int g = 0;
    while (g < bases->n && !agree(bases->basis[g].letters, pauli)) g++;
    if (g == bases->n) bases->basis[bases->n++] = (hq_basis){0};
    hq_basis *basis = &bases->basis[g];
    basis->letters.x |= pauli.x;
    basis->letters.z |= pauli.z;
    basis->count++;
    return g;
}

void hq_bases_start(hq_bases *bases)
{
    const hq_circuit *c = bases->circuit;
    int next = 0;
    bases->n = 0;
    for (int k = 0; k < c->n_observables; k++) bases->basis_of[k] = join(bases, c->observables[k]);
    for (int g = 0; g < bases->n; g++) {
        bases->basis[g].first = next;
        for (int k = 0; k < c->n_observables; k++)
            if (bases->basis_of[k] == g) bases->order[next++] = k;
    }
}

char hq_basis_letter(const hq_basis *basis, int qubits, int wire)
{
    const uint32_t bit = 1u << (qubits - 1 - wire);
    if (!(basis->letters.x & bit)) return 'Z';
    return basis->letters.z & bit ? 'Y' : 'X';
}

static void apply(const hq_kernels *kernels, hq_gate_id id, int wire, hq_state *state)
{
    const hq_gate *gate = &hq_gate_table[id];
    const hq_pairs pairs = hq_pairs_make(gate, 0, state->qubits, &wire);
    hq_mat2 m;
    gate->matrix(NULL, &m);
    kernels->apply(state, &pairs, gate->form, &m);
}

void hq_basis_turn(const hq_basis *basis, const hq_kernels *kernels, int qubits, hq_state *state)
{
    HQ_ASSERT(state->qubits == qubits || state->qubits == 2 * qubits);
    for (int wire = 0; wire < qubits; wire++) {
        const char letter = hq_basis_letter(basis, qubits, wire);
        if (letter == 'Y') apply(kernels, HQ_GATE_SDG, wire, state);
        if (letter != 'Z') apply(kernels, HQ_GATE_H, wire, state);
        if (state->qubits == qubits) continue;
        if (letter == 'Y') apply(kernels, HQ_GATE_S, qubits + wire, state); /* columns: the complex conjugates */
        if (letter != 'Z') apply(kernels, HQ_GATE_H, qubits + wire, state);
    }
}

/* Walsh-Hadamard transform: entry m becomes the sum over j of (-1)^popcount(j & m) times entry j. */
void hq_basis_signs(int qubits, double *p)
{
    const size_t size = (size_t)1 << qubits;
    for (size_t bit = 1; bit < size; bit <<= 1)
        for (size_t first = 0; first < size; first += 2 * bit)
            for (size_t i = first; i < first + bit; i++) {
                const double sum = p[i] + p[i + bit], difference = p[i] - p[i + bit];
                p[i] = sum;
                p[i + bit] = difference;
            }
}
