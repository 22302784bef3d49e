/* A circuit with gates of one wire brought together: every wire sees the same gates in the same order, and gates on one
 * wire that follow each other there stand together. */
#include "cases.h"
#include "support/check.h"

#include <string.h>

static hq_random stream;

static bool touches(const hq_op *op, int wire)
{
    for (int k = 0; k < hq_gate_wires(op->gate); k++)
        if (op->wires[k] == wire) return true;
    return false;
}

/* The next op from `at` on that touches the wire, or n_ops. */
static int next_on(const hq_circuit *c, int wire, int at)
{
    while (at < c->n_ops && !touches(&c->ops[at], wire)) at++;
    return at;
}

static bool same_op(const hq_op *a, const hq_op *b)
{
    return a->gate == b->gate && memcmp(a->wires, b->wires, (size_t)hq_gate_wires(a->gate) * sizeof *a->wires) == 0 &&
           memcmp(a->binding, b->binding, sizeof a->binding) == 0;
}

static void check_wire(const hq_circuit *c, const hq_circuit *ordered, int wire)
{
    int i = next_on(c, wire, 0), k = next_on(ordered, wire, 0);
    while (i < c->n_ops && k < ordered->n_ops) {
        CHECK(same_op(&c->ops[i], &ordered->ops[k]));
        const int next = next_on(ordered, wire, k + 1);
        if (next < ordered->n_ops && hq_gate_wires(ordered->ops[k].gate) == 1 &&
            hq_gate_wires(ordered->ops[next].gate) == 1)
            CHECK_INT(next, k + 1);
        i = next_on(c, wire, i + 1);
        k = next;
    }
    CHECK_INT(i, c->n_ops);
    CHECK_INT(k, ordered->n_ops);
}

static void check_circuit(const hq_circuit *c)
{
    hq_circuit *ordered, *again;
    CHECK(hq_circuit_order(c, &ordered) == HQ_OK);
    CHECK_INT(ordered->n_ops, c->n_ops);
    CHECK_INT(ordered->inputs, c->inputs);
    CHECK_INT(ordered->weights, c->weights);
    CHECK_INT(ordered->n_entries, c->n_entries);
    CHECK_INT(ordered->n_observables, c->n_observables);
    CHECK(memcmp(ordered->observables, c->observables, (size_t)c->n_observables * sizeof *c->observables) == 0);
    for (int wire = 0; wire < c->qubits; wire++) check_wire(c, ordered, wire);
    CHECK(hq_circuit_order(ordered, &again) == HQ_OK); /* nothing is left to be done */
    for (int i = 0; i < c->n_ops; i++) CHECK(same_op(&ordered->ops[i], &again->ops[i]));
    hq_circuit_destroy(again);
    hq_circuit_destroy(ordered);
}

static void test_random_circuits(void)
{
    for (int i = 0; i < 200; i++) {
        hq_circuit *c = random_case(&stream, 1 + i % 8, false);
        check_circuit(c);
        hq_circuit_destroy(c);
    }
}

/* H 0, H 1, T 0, CX 0 1, S 1, X 0, S 1 -> H 0, T 0, H 1, CX 0 1, S 1, S 1, X 0. */
static void test_by_hand(void)
{
    static const struct {
        hq_gate_id gate;
        int wires[2];
    } ops[] = {{HQ_GATE_H, {0, 0}}, {HQ_GATE_H, {1, 0}}, {HQ_GATE_T, {0, 0}}, {HQ_GATE_CX, {0, 1}},
               {HQ_GATE_S, {1, 0}}, {HQ_GATE_X, {0, 0}}, {HQ_GATE_S, {1, 0}}};
    static const hq_gate_id want[] = {HQ_GATE_H, HQ_GATE_T, HQ_GATE_H, HQ_GATE_CX, HQ_GATE_S, HQ_GATE_S, HQ_GATE_X};
    hq_circuit *c, *ordered;
    CHECK(hq_circuit_create(2, &c) == HQ_OK);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        CHECK(hq_circuit_add(c, ops[i].gate, ops[i].wires, NULL) == HQ_OK);
    CHECK(hq_circuit_order(c, &ordered) == HQ_OK);
    for (int i = 0; i < ordered->n_ops; i++) CHECK(ordered->ops[i].gate == &hq_gate_table[want[i]]);
    hq_circuit_destroy(ordered);
    hq_circuit_destroy(c);
}

int main(void)
{
    stream = hq_random_make(41, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_random_circuits);
    HQ_RUN(test_by_hand);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
