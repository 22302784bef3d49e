#include "dense_circuit.h"

#include <stdlib.h>
#include <string.h>

void pauli_letters(int qubits, hq_pauli pauli, char *letters)
{
    for (int wire = 0; wire < qubits; wire++) {
        const uint32_t bit = 1u << (qubits - 1 - wire);
        letters[wire] = "IXZY"[((pauli.x & bit) != 0) + 2 * ((pauli.z & bit) != 0)];
    }
}

static double of_source(const hq_binding *b, const double *x, const double *w, double of_constant)
{
    switch (b->source) {
    case HQ_SOURCE_INPUT:
        return x[b->index];
    case HQ_SOURCE_WEIGHT:
        return w[b->index];
    default:
        return of_constant;
    }
}

static void parameters_of(const hq_op *op, const double *x, const double *w, double p[3])
{
    memset(p, 0, 3 * sizeof *p);
    for (int slot = 0; slot < op->gate->parameters; slot++) {
        const hq_binding *b = &op->binding[slot];
        p[slot] = b->source == HQ_SOURCE_CONSTANT ? b->offset : b->scale * of_source(b, x, w, 0) + b->offset;
    }
}

static dense_number *new_state(int n)
{
    dense_number *psi = calloc((size_t)1 << n, sizeof *psi);
    psi[0] = 1;
    return psi;
}

/* tangent <- U tangent + dU psi, with dU along (dx, dw). */
static void carry_tangent(const hq_circuit *c, const hq_op *op, const double p[3], const double *dx, const double *dw,
                          const dense_number *psi, dense_number *tangent)
{
    const size_t states = (size_t)1 << c->qubits;
    dense_number m[64], *moved = malloc(states * sizeof *moved);
    dense_apply(c->qubits, dense_gate(op->gate->name, p, m), op->wires, m, tangent);
    for (int slot = 0; slot < op->gate->parameters; slot++) {
        const double speed = op->binding[slot].scale * of_source(&op->binding[slot], dx, dw, 0);
        if (speed == 0) continue;
        memcpy(moved, psi, states * sizeof *moved);
        dense_apply(c->qubits, dense_gate_derivative(op->gate->name, p, slot, m), op->wires, m, moved);
        for (size_t i = 0; i < states; i++) tangent[i] += speed * moved[i];
    }
    free(moved);
}

/* psi, and the tangent unless that is NULL. */
static void run(const hq_circuit *c, const double *x, const double *w, const double *dx, const double *dw,
                dense_number *psi, dense_number *tangent)
{
    for (int i = 0; i < c->n_ops; i++) {
        const hq_op *op = &c->ops[i];
        double p[3];
        dense_number m[64];
        parameters_of(op, x, w, p);
        if (tangent) carry_tangent(c, op, p, dx, dw, psi, tangent);
        dense_apply(c->qubits, dense_gate(op->gate->name, p, m), op->wires, m, psi);
    }
}

void dense_outputs(const hq_circuit *c, const double *x, const double *w, double *q)
{
    dense_number *psi = new_state(c->qubits);
    run(c, x, w, NULL, NULL, psi, NULL);
    for (int k = 0; k < c->n_observables; k++) {
        char letters[HQ_QUBITS_MAX];
        pauli_letters(c->qubits, c->observables[k], letters);
        q[k] = creal(dense_between(c->qubits, psi, letters, psi));
    }
    free(psi);
}

void dense_slopes(const hq_circuit *c, const double *x, const double *w, const double *dx, const double *dw,
                  double *slope)
{
    dense_number *psi = new_state(c->qubits), *tangent = new_state(c->qubits);
    tangent[0] = 0;
    run(c, x, w, dx, dw, psi, tangent);
    for (int k = 0; k < c->n_observables; k++) {
        char letters[HQ_QUBITS_MAX];
        pauli_letters(c->qubits, c->observables[k], letters);
        slope[k] = 2 * creal(dense_between(c->qubits, psi, letters, tangent));
    }
    free(psi);
    free(tangent);
}

void dense_jacobian(const hq_circuit *c, const double *x, const double *w, double *jacobian)
{
    const int rows = c->inputs + c->weights;
    double *direction = calloc((size_t)rows + 1, sizeof *direction);
    for (int row = 0; row < rows; row++) {
        direction[row] = 1;
        dense_slopes(c, x, w, direction, direction + c->inputs, jacobian + row * c->n_observables);
        direction[row] = 0;
    }
    free(direction);
}
