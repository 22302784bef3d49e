#include "data/npy.h"

#include <stdio.h>
#include <string.h>

const char *hq_npy_prefix(const unsigned char prefix[HQ_NPY_PREFIX], size_t *prefix_bytes, size_t *header_bytes)
{
    if (memcmp(prefix, "\x93NUMPY", 6) != 0) return "is not a .npy array (no \\x93NUMPY at its start)";
    int major = prefix[6];
    if (major < 1 || major > 3 || prefix[7] != 0) return "has an unknown .npy version; 1.0, 2.0 and 3.0 are allowed";
    *prefix_bytes = major == 1 ? 10 : 12;
    *header_bytes = prefix[8] + 256u * prefix[9];
    if (major > 1) *header_bytes += ((size_t)prefix[10] << 16) + ((size_t)prefix[11] << 24);
    if (*header_bytes > HQ_NPY_HEADER_MAX) return "has a .npy header longer than the 16384 bytes that are allowed";
    return NULL;
}

/* ---- the header text: a Python dictionary literal -------------------------------------------------------------- */

typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r')) c->at++;
}

static bool take(cursor *c, char wanted)
{
    skip_space(c);
    if (c->at >= c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static bool take_word(cursor *c, const char *word)
{
    skip_space(c);
    size_t length = strlen(word);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) return false;
    c->at += length;
    return true;
}

static bool take_string(cursor *c, char *buffer, size_t size)
{
    char quote = '\'';
    if (!take(c, quote) && !take(c, quote = '"')) return false;
    size_t used = 0;
    for (; c->at < c->end && *c->at != quote; c->at++) {
        if (used + 1 >= size || *c->at < ' ' || *c->at > '~') return false;
        buffer[used++] = *c->at;
    }
    buffer[used] = '\0';
    return take(c, quote);
}

static bool take_number(cursor *c, int64_t *number)
{
    skip_space(c);
    const char *start = c->at;
    int64_t value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (value > (INT64_MAX - 9) / 10) return false;
        value = 10 * value + (*c->at - '0');
    }
    *number = value;
    bool found = c->at > start;
    take(c, 'L'); /* written by Python 2 */
    return found;
}

static bool take_shape(cursor *c, hq_npy *npy)
{
    if (!take(c, '(')) return false;
    npy->dims = 0;
    while (!take(c, ')')) {
        if (npy->dims == HQ_NPY_DIMS || !take_number(c, &npy->shape[npy->dims++])) return false;
        if (take(c, ',')) continue;
        return take(c, ')');
    }
    return true;
}

/* One "key: value" of the dictionary; *seen collects a bit for each of the three keys. */
static bool take_entry(cursor *c, hq_npy *npy, unsigned *seen)
{
    char key[16];
    if (!take_string(c, key, sizeof key) || !take(c, ':')) return false;
    if (strcmp(key, "descr") == 0) {
        *seen |= 1u;
        return take_string(c, npy->type, sizeof npy->type); /* a list, that is a structured type, is refused here */
    }
    if (strcmp(key, "fortran_order") == 0) {
        *seen |= 2u;
        npy->fortran = take_word(c, "True");
        return npy->fortran || take_word(c, "False");
    }
    *seen |= 4u;
    return strcmp(key, "shape") == 0 && take_shape(c, npy);
}

const char *hq_npy_parse(const char *text, size_t length, hq_npy *npy)
{
    static const char complaint[] =
        "has a .npy header that is not understood; allowed is a dictionary of descr (a simple "
        "type), fortran_order and shape (up to 8 dimensions)";
    cursor c = {text, text + length};
    unsigned seen = 0;
    memset(npy, 0, sizeof *npy);
    if (!take(&c, '{')) return complaint;
    while (!take(&c, '}')) {
        if (!take_entry(&c, npy, &seen)) return complaint;
        if (take(&c, ',')) continue;
        if (!take(&c, '}')) return complaint;
        break;
    }
    skip_space(&c);
    return seen == 7u && c.at == c.end ? NULL : complaint;
}

/* ---- what it means --------------------------------------------------------------------------------------------- */

int hq_npy_integer_bytes(const hq_npy *npy, bool *is_signed)
{
    const char *t = npy->type;
    if (strlen(t) != 3 || !strchr("<>|", t[0]) || !strchr("ui", t[1]) || !strchr("1248", t[2])) return 0;
    int bytes = t[2] - '0';
    if (bytes > 1 && t[0] != '<') return 0;
    *is_signed = t[1] == 'i';
    return bytes;
}

bool hq_npy_elements(const hq_npy *npy, int first, uint64_t *elements)
{
    uint64_t product = 1;
    for (int i = first; i < npy->dims; i++)
        if (__builtin_mul_overflow(product, (uint64_t)npy->shape[i], &product) || product >> 62) return false;
    *elements = product;
    return true;
}

const char *hq_npy_shape_text(const hq_npy *npy, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (int i = 0; i < npy->dims && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%lld", i ? ", " : "(", (long long)npy->shape[i]);
    if (used < size) snprintf(buffer + used, size - used, "%s", npy->dims ? (npy->dims == 1 ? ",)" : ")") : "()");
    return buffer;
}
