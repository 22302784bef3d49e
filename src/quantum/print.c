#include "quantum/print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

hq_status hq_print_open(hq_print *print)
{
    *print = (hq_print){0};
    print->file = open_memstream(&print->text, &print->size);
    if (!print->file) HQ_FAIL(HQ_ERR_MEMORY, "no memory for a text");
    return HQ_OK;
}

hq_status hq_print_close(hq_print *print, hq_status status, char **out)
{
    *out = NULL;
    const bool whole = !ferror(print->file);
    if (fclose(print->file) != 0 || !whole) {
        free(print->text);
        HQ_FAIL(HQ_ERR_MEMORY, "no memory for a text");
    }
    if (status == HQ_OK) status = hq_alloc(print->size + 1, "a text", out);
    if (status == HQ_OK) memcpy(*out, print->text, print->size);
    free(print->text);
    return status;
}

/* ---- numbers ---- */

/* "3*pi/4" for such a fraction of pi, numerator up to 16; false for other numbers. */
static bool print_fraction(double value, char *text)
{
    static const int odd[] = {1, 3, 5};
    for (int power = 0; power <= HQ_QUBITS_MAX; power++)
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
            const int denominator = odd[i] << power;
            const double quotient = value / PI * denominator, numerator = round(quotient);
            if (numerator == 0 || fabs(numerator) > 16 || fabs(quotient - numerator) > 1e-12) continue;
            char factor[8] = "", divisor[16] = "";
            if (fabs(numerator) > 1) snprintf(factor, sizeof factor, "%.0f*", fabs(numerator));
            if (denominator > 1) snprintf(divisor, sizeof divisor, "/%d", denominator);
            snprintf(text, HQ_ANGLE_MAX, "%s%spi%s", numerator < 0 ? "-" : "", factor, divisor);
            return true;
        }
    return false;
}

/* OpenQASM 2 has no number like 1e-05: there must be a point. */
static void add_point(char *text)
{
    char *exponent = strchr(text, 'e');
    if (!exponent || strchr(text, '.')) return;
    memmove(exponent + 2, exponent, strlen(exponent) + 1);
    memcpy(exponent, ".0", 2);
}

static void print_number(double value, hq_digits digits, char *text)
{
    if (digits == HQ_DIGITS_SHORT) {
        if (print_fraction(value, text)) return;
        snprintf(text, HQ_ANGLE_MAX, "%.4g", value);
    } else {
        snprintf(text, HQ_ANGLE_MAX, "%.17g", value);
        add_point(text);
    }
}

void hq_print_angle(const hq_binding *binding, const double *x, const double *w, hq_digits digits,
                    char text[HQ_ANGLE_MAX])
{
    const bool input = binding->source == HQ_SOURCE_INPUT;
    const double *known = input ? x : w;
    if (binding->source == HQ_SOURCE_CONSTANT) {
        print_number(binding->offset, digits, text);
        return;
    }
    if (known) {
        print_number(binding->offset + binding->scale * known[binding->index], digits, text);
        return;
    }
    char factor[HQ_ANGLE_MAX], offset[HQ_ANGLE_MAX], sum[HQ_ANGLE_MAX * 3];
    print_number(binding->scale, digits, factor);
    print_number(binding->offset, digits, offset);
    snprintf(sum, sizeof sum, "%s%s%c%d%s%s",
             binding->scale == 1    ? ""
             : binding->scale == -1 ? "-"
                                    : factor,
             fabs(binding->scale) == 1 ? "" : "*", input ? 'x' : 'w', binding->index, binding->offset > 0 ? "+" : "",
             binding->offset == 0 ? "" : offset);
    hq_copy_text(text, HQ_ANGLE_MAX, sum);
}

/* ---- Pauli strings ---- */

char hq_pauli_letter(const hq_circuit *circuit, hq_pauli pauli, int wire)
{
    const uint32_t bit = 1u << (circuit->qubits - 1 - wire);
    return "IXZY"[(pauli.x & bit ? 1 : 0) + (pauli.z & bit ? 2 : 0)];
}

void hq_print_pauli(const hq_circuit *circuit, hq_pauli pauli, char *text)
{
    int used = 0;
    for (int wire = 0; wire < circuit->qubits; wire++) {
        const char letter = hq_pauli_letter(circuit, pauli, wire);
        if (letter == 'I') continue;
        used += snprintf(text + used, (size_t)(HQ_OUTPUT_NAME_MAX - used), "%s%c%d", used ? " " : "", letter, wire);
    }
    if (!used) strcpy(text, "I");
}

void hq_circuit_output_name(const hq_circuit *circuit, int output, char text[HQ_OUTPUT_NAME_MAX])
{
    HQ_ASSERT(output >= 0 && output < circuit->n_observables);
    hq_print_pauli(circuit, circuit->observables[output], text);
}
