#include "page/figures.h"

#include <math.h>
#include <stdio.h>

const char *lks_grouped(int64_t n, char text[LKS_FIGURE_ROOM]) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), used = 0;
    for (int i = 0; i < length; i++) {
        text[used++] = digits[i];
        if (digits[i] != '-' && (length - 1 - i) % 3 == 0 && i + 1 < length)
            text[used++] = ',';
    }
    text[used] = '\0';
    return text;
}

const char *lks_grouped_double(double n, char text[LKS_FIGURE_ROOM]) {
    if (fabs(n) < 1e18)
        return lks_grouped((int64_t)n, text);
    snprintf(text, LKS_FIGURE_ROOM, "–");
    return text;
}

const char *lks_duration(double s, char text[LKS_FIGURE_ROOM]) {
    const long whole = fabs(s) < 1e12 ? lrint(s) : 0;
    if (!(fabs(s) < 1e12))
        snprintf(text, LKS_FIGURE_ROOM, "–");
    else if (s < 100)
        snprintf(text, LKS_FIGURE_ROOM, "%.*f s", s < 10 ? 2 : 1, s);
    else if (whole < 3600)
        snprintf(text, LKS_FIGURE_ROOM, "%ld min %02ld s", whole / 60, whole % 60);
    else
        snprintf(text, LKS_FIGURE_ROOM, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    return text;
}

const char *lks_percent(double share, int64_t whole, char text[LKS_FIGURE_ROOM]) {
    if (isnan(share))
        snprintf(text, LKS_FIGURE_ROOM, "–");
    else
        snprintf(text, LKS_FIGURE_ROOM, "%.*f\u00a0%%",
                 whole > 100000 ? 3
                 : whole > 1000 ? 2
                                : 1,
                 100 * share);
    return text;
}
