/* Paths and kernels: what is reported, what is chosen, and options that a circuit or processor cannot have. */
#include "cases.h"
#include "hqcnn/config.h"
#include "support/check.h"

#include <string.h>

static hq_circuit *hqcnn(int qubits)
{
    hq_circuit *c;
    CHECK(hq_circuit_create_hqcnn(qubits, 1, HQ_ATTENTION_QFT, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    return c;
}

/* A circuit of one gate with an input, after an optional gate on the same wire. */
static hq_circuit *one_input(hq_gate_id before, hq_gate_id gate)
{
    hq_circuit *c;
    const hq_binding inputs[3] = {hq_bind_input(0), hq_bind_weight(0), hq_bind_weight(1)};
    CHECK(hq_circuit_create(3, &c) == HQ_OK);
    if (before != HQ_GATE_COUNT) CHECK(hq_circuit_add(c, before, (int[]){0, 1, 2}, inputs + 1) == HQ_OK);
    CHECK(hq_circuit_add(c, gate, (int[]){0, 1, 2}, inputs) == HQ_OK);
    CHECK(hq_circuit_observe(c, hq_circuit_pauli(c, 'Z', 0)) == HQ_OK);
    return c;
}

/* Refused once, with nothing left behind; destroys the circuit. */
static void check_refused(hq_circuit *c, int path, int kernel)
{
    const hq_circuit_options options = {.kernel = kernel, .path = path};
    const int errors = hq_log_error_count();
    const int64_t balance = hq_memory_balance();
    int unset;
    hq_circuit_work *work = (hq_circuit_work *)&unset;
    CHECK(hq_circuit_work_create(c, 4, &options, &work) == HQ_ERR_CONFIG);
    CHECK(work == NULL);
    CHECK_INT(hq_log_error_count() - errors, 1);
    CHECK_INT(hq_memory_balance(), balance);
    hq_circuit_destroy(c);
}

static void check_path(hq_circuit *c, int path, const char *want)
{
    const hq_circuit_options options = {.path = path};
    hq_circuit_work *work = make_work(c, 4, &options);
    CHECK_TEXT(hq_circuit_work_path(work), want);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

/* Data that enters again, behind another gate on its wire, by another gate, or a state that is too large. */
static void test_fused_refused(void)
{
    const int fused = HQ_COMPUTE_CIRCUIT_FUSED, kernel = HQ_COMPUTE_KERNEL_AUTO;
    check_refused(hqcnn(8), fused, kernel);
    check_refused(hqcnn(20), fused, kernel);
    check_refused(one_input(HQ_GATE_H, HQ_GATE_RY), fused, kernel);
    check_refused(one_input(HQ_GATE_CX, HQ_GATE_RX), fused, kernel);
    check_refused(one_input(HQ_GATE_COUNT, HQ_GATE_RZ), fused, kernel);
    check_refused(one_input(HQ_GATE_COUNT, HQ_GATE_U3), fused, kernel);
    check_refused(one_input(HQ_GATE_COUNT, HQ_GATE_CRY), fused, kernel);
    check_refused(one_input(HQ_GATE_COUNT, HQ_GATE_RXX), fused, kernel);
    hq_circuit *again = hqcnn(3);
    const hq_binding input = hq_bind_input(1);
    CHECK(hq_circuit_add(again, HQ_GATE_RY, (int[]){2}, &input) == HQ_OK);
    check_refused(again, fused, kernel);
}

static void test_fused_allowed(void)
{
    for (int qubits = 1; qubits <= 7; qubits++) check_path(hqcnn(qubits), HQ_COMPUTE_CIRCUIT_FUSED, "fused");
    check_path(one_input(HQ_GATE_COUNT, HQ_GATE_RY), HQ_COMPUTE_CIRCUIT_FUSED, "fused");
    check_path(one_input(HQ_GATE_COUNT, HQ_GATE_RX), HQ_COMPUTE_CIRCUIT_FUSED, "fused");
}

static void test_other_paths(void)
{
    static const int qubits[] = {1, 4, 7, 8, 10};
    for (int i = 0; i < 5; i++) {
        check_path(hqcnn(qubits[i]), HQ_COMPUTE_CIRCUIT_BATCHED, "batched");
        check_path(hqcnn(qubits[i]), HQ_COMPUTE_CIRCUIT_SINGLE, "single");
    }
}

/* The reference circuit takes the fused path, re-uploading a batched one, a large state the single one. */
static void test_chosen(void)
{
    check_path(hqcnn(4), HQ_COMPUTE_CIRCUIT_AUTO, "fused");
    check_path(one_input(HQ_GATE_H, HQ_GATE_RY), HQ_COMPUTE_CIRCUIT_AUTO, "batched");
    check_path(hqcnn(12), HQ_COMPUTE_CIRCUIT_AUTO, "single");
}

static void test_numbers_out_of_range(void)
{
    check_refused(hqcnn(4), HQ_COMPUTE_CIRCUIT_AUTO, 99);
    check_refused(hqcnn(4), HQ_COMPUTE_CIRCUIT_AUTO, -1);
    check_refused(hqcnn(4), HQ_COMPUTE_CIRCUIT_SINGLE + 1, HQ_COMPUTE_KERNEL_AUTO);
    check_refused(hqcnn(4), -1, HQ_COMPUTE_KERNEL_AUTO);
}

/* Every variant is either refused or the one in use; the plain one is always there, and the best is the default. */
static void test_kernels(void)
{
    static const int kernel[] = {HQ_COMPUTE_KERNEL_PLAIN, HQ_COMPUTE_KERNEL_AVX2, HQ_COMPUTE_KERNEL_AVX512};
    static const char *const name[] = {"plain", "avx2", "avx512"};
    for (int i = 0; i < 3; i++) {
        if (!hq_kernels_find(kernel[i])) {
            check_refused(hqcnn(4), HQ_COMPUTE_CIRCUIT_AUTO, kernel[i]);
            continue;
        }
        hq_circuit *c = hqcnn(4);
        hq_circuit_work *work = make_work(c, 1, &(hq_circuit_options){.kernel = kernel[i]});
        CHECK_TEXT(hq_circuit_work_kernel(work), name[i]);
        hq_circuit_work_destroy(work);
        hq_circuit_destroy(c);
    }
    CHECK(hq_kernels_find(HQ_COMPUTE_KERNEL_PLAIN) != NULL);
    CHECK(hq_kernels_find(HQ_COMPUTE_KERNEL_AUTO) == hq_kernels_best());
    hq_circuit *c = hqcnn(4);
    hq_circuit_work *work = make_work(c, 1, NULL);
    CHECK_TEXT(hq_circuit_work_kernel(work), hq_kernels_best()->name);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

int main(void)
{
    HQ_RUN(test_fused_refused);
    HQ_RUN(test_fused_allowed);
    HQ_RUN(test_other_paths);
    HQ_RUN(test_chosen);
    HQ_RUN(test_numbers_out_of_range);
    HQ_RUN(test_kernels);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
