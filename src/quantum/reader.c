#include "quantum/reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

hq_status hq_reader_refuse(const hq_reader *reader, const char *format, ...)
{
    enum { SHOWN = 80 }; /* bytes of an entry */
    char reason[400];
    va_list arguments;
    const int n = (int)(reader->end - reader->start);
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    HQ_FAIL(HQ_ERR_CONFIG, "%s, entry %d, \"%.*s%s\": %s", reader->key, reader->entry, n < SHOWN ? n : SHOWN,
            reader->start, n > SHOWN ? "..." : "", reason);
}

static bool is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

char hq_reader_peek(hq_reader *reader)
{
    while (reader->at < reader->end && isspace((unsigned char)*reader->at)) reader->at++;
    return reader->at < reader->end ? *reader->at : '\0';
}

bool hq_reader_take(hq_reader *reader, char c)
{
    if (hq_reader_peek(reader) != c || reader->at == reader->end) return false;
    reader->at++;
    return true;
}

const char *hq_reader_shown(hq_reader *reader, char buffer[HQ_WORD_MAX])
{
    size_t n = 1;
    if (hq_reader_peek(reader) == '\0') return "the end";
    const bool name = is_name(*reader->at);
    for (; reader->at + n < reader->end && n < HQ_WORD_MAX - 3; n++) /* UTF-8: with the bytes that follow */
        if (name ? !is_name(reader->at[n]) : ((unsigned char)reader->at[n] & 0xC0) != 0x80) break;
    snprintf(buffer, HQ_WORD_MAX, "\"%.*s\"", (int)n, reader->at);
    return buffer;
}

void hq_reader_name(hq_reader *reader, char name[HQ_WORD_MAX])
{
    size_t n = 0;
    if (isalpha((unsigned char)hq_reader_peek(reader)))
        for (; reader->at < reader->end && is_name(*reader->at); reader->at++)
            if (n < HQ_WORD_MAX - 1) name[n++] = (char)tolower((unsigned char)*reader->at);
    name[n] = '\0';
}

/* `what` and `limit` are for messages: "wire", "0 to 3 (4 qubits)". */
static hq_status read_index(hq_reader *reader, const char *what, int max, const char *limit, int *index)
{
    char shown[HQ_WORD_MAX];
    const bool bracket = hq_reader_take(reader, '[');
    if (!isdigit((unsigned char)hq_reader_peek(reader)))
        return hq_reader_refuse(reader, "%s in place of a %s number; allowed: %s", hq_reader_shown(reader, shown), what,
                                limit);
    const char *first = reader->at;
    int value = 0;
    for (; reader->at < reader->end && isdigit((unsigned char)*reader->at); reader->at++)
        if (value <= max) value = 10 * value + (*reader->at - '0');
    const int digits = (int)(reader->at - first), cut = digits < 20 ? digits : 20;
    if (*first == '0' && digits > 1)
        return hq_reader_refuse(reader, "%s %.*s; allowed: numbers without leading zeros", what, cut, first);
    if (value > max) return hq_reader_refuse(reader, "%s %.*s; allowed: %s", what, cut, first, limit);
    if (bracket && !hq_reader_take(reader, ']'))
        return hq_reader_refuse(reader, "%s where the \"]\" of %s %d should be", hq_reader_shown(reader, shown), what,
                                value);
    *index = value;
    return HQ_OK;
}

hq_status hq_reader_index(hq_reader *reader, const char *what, int *index)
{
    char limit[32];
    snprintf(limit, sizeof limit, "0 to %d", (int)HQ_INDEX_MAX);
    return read_index(reader, what, HQ_INDEX_MAX, limit, index);
}

hq_status hq_reader_wire(hq_reader *reader, int qubits, int *wire)
{
    char limit[64];
    snprintf(limit, sizeof limit, "0 to %d (%d qubit%s)", qubits - 1, qubits, qubits == 1 ? "" : "s");
    return read_index(reader, "wire", qubits - 1, limit, wire);
}
