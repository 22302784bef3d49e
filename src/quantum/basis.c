#include "quantum/basis.h"

/* Whether two strings have the same letter on every wire that both use. */
static bool agree(hq_pauli a, hq_pauli b)
{
    const uint32_t both = hq_pauli_support(a) & hq_pauli_support(b);
    return (((a.x ^ b.x) | (a.z ^ b.z)) & both) == 0;
}

/* The first basis that agrees with a string, or their number. A string that has joined a basis is found there again,
 * however many have joined since. */
static int find(const hq_bases *bases, hq_pauli pauli)
{
    int g = 0;
    while (g < bases->n && !agree(bases->basis[g].letters, pauli)) g++;
    return g;
}

/* False when there is no room for all bases. */
static bool find_bases(hq_bases *bases, const hq_circuit *circuit)
{
    *bases = (hq_bases){.circuit = circuit};
    for (int k = 0; k < circuit->n_observables; k++) {
        const hq_pauli pauli = circuit->observables[k];
        const int g = find(bases, pauli);
        if (g == HQ_BASES_MAX) return false;
        if (g == bases->n) bases->n++;
        bases->basis[g].letters.x |= pauli.x;
        bases->basis[g].letters.z |= pauli.z;
        bases->basis[g].count++;
    }
    for (int g = 1; g < bases->n; g++) bases->basis[g].first = bases->basis[g - 1].first + bases->basis[g - 1].count;
    return true;
}

int hq_bases_count(const hq_circuit *circuit)
{
    hq_bases bases;
    return find_bases(&bases, circuit) ? bases.n : HQ_BASES_MAX + 1;
}

void hq_bases_take(hq_bases *bases, const hq_circuit *circuit, hq_arena *arena)
{
    const bool found = find_bases(bases, circuit);
    HQ_ASSERT(found); /* see hq_hardware_check */
    bases->order = hq_arena_take(arena, (size_t)circuit->n_observables, sizeof *bases->order);
}

void hq_bases_start(hq_bases *bases)
{
    int next[HQ_BASES_MAX];
    for (int g = 0; g < bases->n; g++) next[g] = bases->basis[g].first;
    for (int k = 0; k < bases->circuit->n_observables; k++)
        bases->order[next[find(bases, bases->circuit->observables[k])]++] = k;
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
