#include "dense.h"

#include "hqcnn/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* ---- matrices ---- */

static void set(dense_number m[4], dense_number a, dense_number b, dense_number c, dense_number d)
{
    m[0] = a;
    m[1] = b;
    m[2] = c;
    m[3] = d;
}

static void identity(int size, dense_number *m)
{
    for (int i = 0; i < size * size; i++) m[i] = i % (size + 1) == 0;
}

static bool pauli_letter(char letter, dense_number m[4])
{
    switch (letter) {
    case 'I':
    case 'i':
        set(m, 1, 0, 0, 1);
        return true;
    case 'X':
    case 'x':
        set(m, 0, 1, 1, 0);
        return true;
    case 'Y':
    case 'y':
        set(m, 0, -I, I, 0);
        return true;
    case 'Z':
    case 'z':
        set(m, 1, 0, 0, -1);
        return true;
    default:
        return false;
    }
}

static bool fixed_gate(const char *name, dense_number m[4])
{
    if (strlen(name) == 1 && pauli_letter(*name, m)) return true;
    if (!strcmp(name, "id"))
        set(m, 1, 0, 0, 1);
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
    else if (!strcmp(name, "sx"))
        set(m, (1 + I) / 2, (1 - I) / 2, (1 - I) / 2, (1 + I) / 2);
    else
        return false;
    return true;
}

/* cos(a/2) 1 - i sin(a/2) G, for G with G^2 = 1 */
static void rotation(double a, int size, const dense_number *g, dense_number *m)
{
    identity(size, m);
    for (int i = 0; i < size * size; i++) m[i] = cos(a / 2) * m[i] - I * sin(a / 2) * g[i];
}

static bool one_wire(const char *name, const double *p, dense_number m[4])
{
    dense_number g[4];
    if (fixed_gate(name, m)) return true;
    if (!strcmp(name, "p"))
        set(m, 1, 0, 0, cexp(I * p[0]));
    else if (!strcmp(name, "u3"))
        set(m, cos(p[0] / 2), -cexp(I * p[2]) * sin(p[0] / 2), cexp(I * p[1]) * sin(p[0] / 2),
            cexp(I * (p[1] + p[2])) * cos(p[0] / 2));
    else if (name[0] == 'r' && strlen(name) == 2 && pauli_letter(name[1], g))
        rotation(p[0], 2, g, m);
    else
        return false;
    return true;
}

static bool two_wires(const char *name, const double *p, dense_number m[16])
{
    dense_number g[4], product[16];
    if (!strcmp(name, "swap")) {
        identity(4, m);
        set(m + 4, 0, 0, 1, 0);
        set(m + 8, 0, 1, 0, 0);
        return true;
    }
    if (strlen(name) != 3 || name[0] != 'r' || name[1] != name[2] || !pauli_letter(name[1], g)) return false;
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++) product[4 * r + c] = g[(r >> 1) * 2 + (c >> 1)] * g[(r & 1) * 2 + (c & 1)];
    rotation(p[0], 4, product, m);
    return true;
}

/* A control in front of a gate: the gate in the lower right corner. */
int dense_gate(const char *name, const double *parameters, dense_number m[64])
{
    if (one_wire(name, parameters, m)) return 1;
    if (two_wires(name, parameters, m)) return 2;
    dense_number inner[64];
    const int k = name[0] == 'c' ? dense_gate(name + 1, parameters, inner) : 0, half = 1 << k;
    if (k < 1 || k > 2) return 0;
    identity(2 * half, m);
    for (int r = 0; r < half; r++)
        for (int c = 0; c < half; c++) m[(half + r) * 2 * half + half + c] = inner[r * half + c];
    return k + 1;
}

/* Entries are trigonometric polynomials of half the parameter, of degree 2 at most: four equidistant values give the
 * derivative (Wierichs et al., Quantum 6, 677 (2022)). */
int dense_gate_derivative(const char *name, const double *parameters, int slot, dense_number m[64])
{
    int k = 0;
    memset(m, 0, 64 * sizeof *m);
    for (int i = 0; i < 4; i++) {
        const double turn = (2 * i + 1) * PI / 4, sine = sin(turn / 2);
        double shifted[3] = {parameters[0], parameters[1], parameters[2]};
        dense_number at[64];
        shifted[slot] += 2 * turn;
        k = dense_gate(name, shifted, at);
        for (int e = 0; e < 1 << 2 * k; e++) m[e] += (i % 2 ? -0.5 : 0.5) / (8 * sine * sine) * at[e];
    }
    return k;
}

/* ---- states ---- */

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
        const dense_number *row = m + wire_bits(n, k, wires, i) * size;
        psi[i] = 0;
        for (int c = 0; c < size; c++)
            if (row[c] != 0) psi[i] += row[c] * old[replace_bits(n, k, wires, i, c)];
    }
    free(old);
}

void dense_pauli(int n, const char *letters, const dense_number *psi, dense_number *image)
{
    memcpy(image, psi, ((size_t)1 << n) * sizeof *image);
    for (int wire = 0; wire < n; wire++) {
        dense_number m[4];
        if (letters[wire] == 'I') continue;
        pauli_letter(letters[wire], m);
        dense_apply(n, 1, &wire, m, image);
    }
}

dense_number dense_product(int n, const dense_number *bra, const dense_number *ket)
{
    dense_number sum = 0;
    for (int i = 0; i < 1 << n; i++) sum += conj(bra[i]) * ket[i];
    return sum;
}

dense_number dense_between(int n, const dense_number *bra, const char *letters, const dense_number *ket)
{
    dense_number *image = malloc(((size_t)1 << n) * sizeof *image);
    dense_pauli(n, letters, ket, image);
    const dense_number product = dense_product(n, bra, image);
    free(image);
    return product;
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

static double expect_letter(int n, char letter, int wire, const dense_number *psi)
{
    char letters[32];
    memset(letters, 'I', sizeof letters);
    letters[wire] = letter;
    return creal(dense_between(n, psi, letters, psi));
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
        for (int i = 0; i < n; i++) *q++ = expect_letter(n, 'X', i, psi);
    for (int i = 0; i < n; i++) *q++ = expect_letter(n, 'Z', i, psi);
    free(psi);
}

/* ---- random numbers ---- */

void fill_random(hq_random *stream, int64_t n, double low, double high, double *v)
{
    for (int64_t i = 0; i < n; i++) v[i] = low + (high - low) * hq_random_uniform(stream);
}

int random_int(hq_random *stream, int low, int high)
{
    return low + (int)(hq_random_next(stream) % (uint64_t)(high - low + 1));
}

double *new_random(hq_random *stream, int64_t n, double low, double high)
{
    double *v = calloc((size_t)n, sizeof *v);
    fill_random(stream, n, low, high, v);
    return v;
}
