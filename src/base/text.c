#include "hqcnn/base.h"

#include <string.h>

bool hq_copy_text(char *buffer, size_t size, const char *text)
{
    size_t n = strlen(text);
    bool fits = n < size;
    if (!fits) n = size - 1;
    memcpy(buffer, text, n);
    buffer[n] = '\0';
    return fits;
}

static int min_int(int a, int b) { return a < b ? a : b; }

int hq_edit_distance(const char *a, const char *b)
{
    enum { MAX = 128 };
    int n = (int)strnlen(a, MAX), m = (int)strnlen(b, MAX);
    int row[MAX + 1];
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = min_int(change, 1 + min_int(row[j], row[j - 1]));
        }
    }
    return row[m];
}
