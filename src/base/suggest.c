#include "base/suggest.h"

#include <ctype.h>
#include <string.h>

#define LENGTH_MAX 63

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t lks_edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    if (a_length > LENGTH_MAX || b_length > LENGTH_MAX)
        return (size_t)-1;
    size_t row[LENGTH_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced =
                diagonal + ((tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1])));
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_length];
}

/* Half of the letters may be wrong: beyond that a suggestion confuses. */
lks_nearest lks_nearest_start(const char *text) {
    size_t length = strlen(text);
    return (lks_nearest){.text = text, .length = length, .distance = (length + 1) / 2 + 1};
}

void lks_nearest_offer(lks_nearest *nearest, const char *candidate, size_t length) {
    size_t distance = lks_edit_distance(nearest->text, nearest->length, candidate, length);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = candidate;
        nearest->best_length = length;
    }
}
