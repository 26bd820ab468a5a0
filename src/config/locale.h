/** @file locale.h  Numbers are read and written with a decimal point, whatever locale the program
 * has set. */
#ifndef LKS_CONFIG_LOCALE_H
#define LKS_CONFIG_LOCALE_H

#include <locale.h>

/** Switches the calling thread to the C locale; returns what lks_locale_leave() takes back. glibc answers
 * newlocale("C") with a constant object: there is nothing to free and nothing to fail. */
static inline locale_t lks_locale_enter(void) {
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static inline void lks_locale_leave(locale_t saved) {
    uselocale(saved);
}

#endif
