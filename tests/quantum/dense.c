#include "dense.h"

#include "hqcnn/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* cos(a/2) I - i sin(a/2) G */
static void rotation(double a, dense_number g00, dense_number g01, dense_number g10, dense_number g11,
                     dense_number m[4])
{
    m[0] = cos(a / 2) - I * sin(a / 2) * g00;
    m[1] = -I * sin(a / 2) * g01;
    m[2] = -I * sin(a / 2) * g10;
    m[3] = cos(a / 2) - I * sin(a / 2) * g11;
}

static void set(dense_number m[4], dense_number a, dense_number b, dense_number c, dense_number d)
{
    m[0] = a;
    m[1] = b;
    m[2] = c;
    m[3] = d;
}

static bool one_wire(const char *name, const double *p, dense_number m[4])
{
    if (!strcmp(name, "x"))
        set(m, 0, 1, 1, 0);
    else if (!strcmp(name, "y"))
        set(m, 0, -I, I, 0);
    else if (!strcmp(name, "z"))
        set(m, 1, 0, 0, -1);
    else if (!strcmp(name, "h"))
        set(m, 1 / sqrt(2), 1 / sqrt(2), 1 / sqrt(2), -1 / sqrt(2));
    else if (!strcmp(name, "s"))
        set(m, 1, 0, 0, I);
    else if (!strcmp(name, "sdg"))
        set(m, 1, 0, 0, -I);
    else if (!strcmp(name, "t"))
        set(m, 1, 0, 0, cexp(I * PI / 4));
    else if (!strcmp(name, "tdg"))
        set(m, 1, 0, 0, cexp(-I * PI / 4));
    else if (!strcmp(name, "rx"))
        rotation(p[0], 0, 1, 1, 0, m);
    else if (!strcmp(name, "ry"))
        rotation(p[0], 0, -I, I, 0, m);
    else if (!strcmp(name, "rz"))
        rotation(p[0], 1, 0, 0, -1, m);
    else if (!strcmp(name, "p"))
        set(m, 1, 0, 0, cexp(I * p[0]));
    else if (!strcmp(name, "u3"))
        set(m, cos(p[0] / 2), -cexp(I * p[2]) * sin(p[0] / 2), cexp(I * p[1]) * sin(p[0] / 2),
            cexp(I * (p[1] + p[2])) * cos(p[0] / 2));
    else
        return false;
    return true;
}

static void identity(int size, dense_number *m)
{
    for (int i = 0; i < size * size; i++) m[i] = i % (size + 1) == 0;
}

int dense_gate(const char *name, const double *parameters, dense_number m[64])
{
    if (one_wire(name, parameters, m)) return 1;
    if (!strcmp(name, "swap")) {
        identity(4, m);
        set(m + 4, 0, 0, 1, 0);
        set(m + 8, 0, 1, 0, 0);
        return 2;
    }
    int controls = 0;
    while (name[controls] == 'c') controls++;
    dense_number target[4];
    if (controls < 1 || controls > 2 || !one_wire(name + controls, parameters, target)) return 0;
    int size = controls == 1 ? 4 : 8;
    identity(size, m);
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2; c++) m[(size - 2 + r) * size + size - 2 + c] = target[2 * r + c];
    return controls + 1;
}

/* Bits of basis state i on the wires, first wire most significant; and i with those bits replaced. */
static int wire_bits(int n, int k, const int *wires, int i)
{
    int bits = 0;
    for (int a = 0; a < k; a++) bits = 2 * bits + (i >> (n - 1 - wires[a]) & 1);
    return bits;
}

static int replace_bits(int n, int k, const int *wires, int i, int bits)
{
    for (int a = 0; a < k; a++) {
        int position = n - 1 - wires[a], bit = bits >> (k - 1 - a) & 1;
        i = (i & ~(1 << position)) | bit << position;
    }
    return i;
}

void dense_apply(int n, int k, const int *wires, const dense_number *m, dense_number *psi)
{
    int states = 1 << n, size = 1 << k;
    dense_number *old = malloc((size_t)states * sizeof *old);
    memcpy(old, psi, (size_t)states * sizeof *old);
    for (int i = 0; i < states; i++) {
        psi[i] = 0;
        for (int c = 0; c < size; c++)
            psi[i] += m[wire_bits(n, k, wires, i) * size + c] * old[replace_bits(n, k, wires, i, c)];
    }
    free(old);
}

double dense_expect(int n, char letter, int wire, const dense_number *psi)
{
    size_t states = (size_t)1 << n;
    dense_number *image = malloc(states * sizeof *image), m[64], sum = 0;
    memcpy(image, psi, states * sizeof *image);
    dense_gate(letter == 'X' ? "x" : letter == 'Y' ? "y" : "z", NULL, m);
    dense_apply(n, 1, &wire, m, image);
    for (size_t i = 0; i < states; i++) sum += conj(psi[i]) * image[i];
    free(image);
    return creal(sum);
}

/* ---- the HQCNN circuit ---- */

static void apply_named(int n, dense_number *psi, const char *name, int a, int b, int c, const double *parameters)
{
    dense_number m[64];
    int wires[3] = {a, b, c};
    dense_apply(n, dense_gate(name, parameters, m), wires, m, psi);
}

static void apply_phase(int n, dense_number *psi, int a, int b, double angle)
{
    apply_named(n, psi, "cp", a, b, 0, &angle);
}

static const double *attend(int n, int attention, dense_number *psi, const double *w)
{
    for (int i = 0; i < n && n >= 3; i++) apply_named(n, psi, "ccx", i, (i + 1) % n, (i + 2) % n, NULL);
    if (attention == HQ_ATTENTION_TRAINABLE)
        for (int i = 0; i < n; i++) apply_named(n, psi, "h", i, 0, 0, NULL);
    if (attention == HQ_ATTENTION_TRAINABLE && n > 1)
        for (int i = 0; i < n; i++) apply_phase(n, psi, i, (i + 1) % n, *w++);
    for (int i = 0; i < n; i++) {
        if (attention == HQ_ATTENTION_QFT) apply_named(n, psi, "h", i, 0, 0, NULL);
        if (attention != HQ_ATTENTION_QFT && attention != HQ_ATTENTION_LADDER) continue;
        for (int j = i + 1; j < n; j++) apply_phase(n, psi, i, j, 2 * PI / pow(2, j - i + 1));
    }
    return w;
}

void dense_hqcnn(int n, int layers, int attention, int observables, const double *x, const double *w, double *q)
{
    dense_number *psi = calloc((size_t)1 << n, sizeof *psi);
    psi[0] = 1;
    for (int i = 0; i < n; i++) apply_named(n, psi, "ry", i, 0, 0, &x[i]);
    for (int layer = 0; layer < layers; layer++) {
        for (int i = 0; i < n; i++, w += 3) apply_named(n, psi, "u3", i, 0, 0, w);
        for (int i = 0; i < n && n >= 2; i++) apply_named(n, psi, "cx", i, (i + 1) % n, 0, NULL);
        w = attend(n, attention, psi, w);
    }
    if (observables == HQ_OBSERVABLES_XZ)
        for (int i = 0; i < n; i++) *q++ = dense_expect(n, 'X', i, psi);
    for (int i = 0; i < n; i++) *q++ = dense_expect(n, 'Z', i, psi);
    free(psi);
}

void fill_random(hq_random *stream, int64_t n, double low, double high, double *v)
{
    for (int64_t i = 0; i < n; i++) v[i] = low + (high - low) * hq_random_uniform(stream);
}
