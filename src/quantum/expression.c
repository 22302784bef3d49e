/* expression.c: parameters of gates: 0.5, -pi/2, 2*x0 + 0.5, w[3]/2. A value is kept as scale * source + offset; so
 * what is not of that form is refused where it arises. */
#include "quantum/reader.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

enum { DEPTH_MAX = 16 };

static const char allowed[] = "allowed: numbers, pi, x0, x1, ... (inputs), w0, w1, ... (weights), + - * / and "
                              "parentheses";

static char letter_of(const hq_binding *b) { return b->source == HQ_SOURCE_INPUT ? 'x' : 'w'; }

/* ---- numbers and names ---- */

static size_t digits_at(const char *at, const char *end)
{
    size_t n = 0;
    while (at + n < end && isdigit((unsigned char)at[n])) n++;
    return n;
}

/* Bytes of the decimal number that starts here, 0 if there is none. */
static size_t number_length(const char *at, const char *end)
{
    size_t digits = digits_at(at, end), n = digits;
    if (at + n < end && at[n] == '.') {
        const size_t fraction = digits_at(at + n + 1, end);
        digits += fraction;
        n += 1 + fraction;
    }
    if (digits == 0) return 0;
    if (at + n < end && tolower((unsigned char)at[n]) == 'e') {
        const size_t sign = at + n + 1 < end && (at[n + 1] == '-' || at[n + 1] == '+');
        const size_t exponent = digits_at(at + n + 1 + sign, end);
        if (exponent > 0) n += 1 + sign + exponent;
    }
    return n;
}

static hq_status read_number(hq_reader *r, size_t n, hq_binding *out)
{
    char text[64];
    if (n >= sizeof text)
        return hq_reader_refuse(r, "a number of %zu characters; allowed: up to %zu", n, sizeof text - 1);
    memcpy(text, r->at, n);
    text[n] = '\0';
    *out = hq_bind_constant(strtod(text, NULL));
    if (!isfinite(out->offset)) return hq_reader_refuse(r, "the number %s is too large", text);
    r->at += n;
    return HQ_OK;
}

/* pi, or the letter of an input or a weight with its number. */
static hq_status read_name(hq_reader *r, hq_binding *out)
{
    char shown[HQ_WORD_MAX], name[HQ_WORD_MAX];
    const char *text = hq_reader_shown(r, shown), letter = *r->at;
    const bool indexed =
        (letter == 'x' || letter == 'w') && r->at + 1 < r->end && (isdigit((unsigned char)r->at[1]) || r->at[1] == '[');
    int index;
    if (indexed) {
        r->at++;
        HQ_TRY(hq_reader_index(r, letter == 'x' ? "input" : "weight", &index));
        *out = letter == 'x' ? hq_bind_input(index) : hq_bind_weight(index);
        return HQ_OK;
    }
    hq_reader_name(r, name);
    if (strcmp(name, "pi") != 0) return hq_reader_refuse(r, "%s is not known in a parameter; %s", text, allowed);
    *out = hq_bind_constant(PI);
    return HQ_OK;
}

/* ---- arithmetic ---- */

static hq_status refuse_second(const hq_reader *r, const hq_binding *a, const hq_binding *b)
{
    return hq_reader_refuse(r, "%c%d and %c%d in one parameter; allowed: one input or weight, once", letter_of(a),
                            a->index, letter_of(b), b->index);
}

static void multiply(hq_binding *a, double factor)
{
    a->scale *= factor;
    a->offset *= factor;
}

/* a <- a + sign b */
static hq_status add(const hq_reader *r, hq_binding *a, double sign, hq_binding b)
{
    if (a->source != HQ_SOURCE_CONSTANT && b.source != HQ_SOURCE_CONSTANT) return refuse_second(r, a, &b);
    multiply(&b, sign);
    b.offset += a->offset;
    if (b.source == HQ_SOURCE_CONSTANT)
        a->offset = b.offset;
    else
        *a = b;
    return HQ_OK;
}

/* a <- a b */
static hq_status times(const hq_reader *r, hq_binding *a, hq_binding b)
{
    if (a->source != HQ_SOURCE_CONSTANT && b.source != HQ_SOURCE_CONSTANT) return refuse_second(r, a, &b);
    if (b.source == HQ_SOURCE_CONSTANT) {
        multiply(a, b.offset);
        return HQ_OK;
    }
    multiply(&b, a->offset);
    *a = b;
    return HQ_OK;
}

/* a <- a / b */
static hq_status divide(const hq_reader *r, hq_binding *a, const hq_binding *b)
{
    if (b->source != HQ_SOURCE_CONSTANT)
        return hq_reader_refuse(r, "a division by %c%d; allowed: by numbers and pi", letter_of(b), b->index);
    if (b->offset == 0) return hq_reader_refuse(r, "a division by zero");
    a->scale /= b->offset;
    a->offset /= b->offset;
    return HQ_OK;
}

/* ---- grammar ----
 *
 * sum = product {+- product}; product = factor {times-or-over factor}; factor = {+-} (number | name | (sum)) */

static hq_status read_sum(hq_reader *r, hq_binding *out);

static hq_status read_parentheses(hq_reader *r, hq_binding *out)
{
    char shown[HQ_WORD_MAX];
    if (++r->depth > DEPTH_MAX)
        return hq_reader_refuse(r, "more than %d parentheses inside each other", (int)DEPTH_MAX);
    HQ_TRY(read_sum(r, out));
    r->depth--;
    if (hq_reader_take(r, ')')) return HQ_OK;
    return hq_reader_refuse(r, "%s where a parenthesis should be closed", hq_reader_shown(r, shown));
}

static hq_status read_factor(hq_reader *r, hq_binding *out)
{
    char shown[HQ_WORD_MAX];
    double sign = 1;
    for (char c = hq_reader_peek(r); c == '-' || c == '+'; c = hq_reader_peek(r)) {
        if (c == '-') sign = -sign;
        r->at++;
    }
    const size_t number = number_length(r->at, r->end);
    if (number > 0)
        HQ_TRY(read_number(r, number, out));
    else if (isalpha((unsigned char)hq_reader_peek(r)))
        HQ_TRY(read_name(r, out));
    else if (hq_reader_take(r, '('))
        HQ_TRY(read_parentheses(r, out));
    else
        return hq_reader_refuse(r, "%s in place of a parameter; %s", hq_reader_shown(r, shown), allowed);
    multiply(out, sign);
    return HQ_OK;
}

static hq_status read_product(hq_reader *r, hq_binding *out)
{
    HQ_TRY(read_factor(r, out));
    for (char c = hq_reader_peek(r); c == '*' || c == '/'; c = hq_reader_peek(r)) {
        hq_binding next;
        r->at++;
        HQ_TRY(read_factor(r, &next));
        HQ_TRY(c == '*' ? times(r, out, next) : divide(r, out, &next));
    }
    return HQ_OK;
}

static hq_status read_sum(hq_reader *r, hq_binding *out)
{
    HQ_TRY(read_product(r, out));
    for (char c = hq_reader_peek(r); c == '+' || c == '-'; c = hq_reader_peek(r)) {
        hq_binding next;
        r->at++;
        HQ_TRY(read_product(r, &next));
        HQ_TRY(add(r, out, c == '+' ? 1 : -1, next));
    }
    return HQ_OK;
}

hq_status hq_reader_expression(hq_reader *reader, hq_binding *out)
{
    HQ_TRY(read_sum(reader, out));
    if (!isfinite(out->scale) || !isfinite(out->offset)) return hq_reader_refuse(reader, "a parameter is not finite");
    if (out->source != HQ_SOURCE_CONSTANT && out->scale == 0)
        return hq_reader_refuse(reader, "%c%d has the factor 0, so that it changes nothing", letter_of(out),
                                out->index);
    return HQ_OK;
}
