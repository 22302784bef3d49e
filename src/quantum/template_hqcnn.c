/* template_hqcnn.c: the gates of the HQCNN circuit (arXiv:2509.14277). */
#include "hqcnn/config.h"
#include "quantum/template.h"

#define TWO_PI 6.28318530717958647693

/* CP(2 pi / 2^(j-i+1)) between i and every j > i; with `hadamard` H(i) first. */
static hq_status fourier(hq_circuit *c, bool hadamard)
{
    for (int i = 0; i < c->qubits; i++) {
        if (hadamard) HQ_TRY(hq_circuit_add(c, HQ_GATE_H, &i, NULL));
        for (int j = i + 1; j < c->qubits; j++) {
            hq_binding angle = hq_bind_constant(TWO_PI / (double)(1 << (j - i + 1)));
            HQ_TRY(hq_circuit_add(c, HQ_GATE_CP, (int[]){j, i}, &angle));
        }
    }
    return HQ_OK;
}

static hq_status attend(hq_circuit *c, int attention)
{
    HQ_TRY(hq_template_ring(c, HQ_GATE_CCX, 1));
    switch (attention) {
    case HQ_ATTENTION_NONE:
        return HQ_OK;
    case HQ_ATTENTION_LADDER:
        return fourier(c, false);
    case HQ_ATTENTION_QFT:
        return fourier(c, true);
    case HQ_ATTENTION_TRAINABLE:
        HQ_TRY(hq_template_rotate(c, HQ_GATE_H));
        return hq_template_ring(c, HQ_GATE_CP, 1);
    default:
        HQ_FAIL(HQ_ERR_CONFIG, "attention kind %d of a circuit; allowed are 0 to 3", attention);
    }
}

hq_status hq_template_hqcnn(hq_circuit *c, int layers, int attention)
{
    HQ_TRY(hq_template_encode(c));
    for (int layer = 0; layer < layers; layer++) {
        HQ_TRY(hq_template_rotate(c, HQ_GATE_U3));
        HQ_TRY(hq_template_ring(c, HQ_GATE_CX, 1));
        HQ_TRY(attend(c, attention));
    }
    return HQ_OK;
}
