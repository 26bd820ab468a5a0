#include "config/locale.h"

/* glibc answers newlocale("C") with a constant object: there is nothing to free and nothing to
 * fail. */
locale_t lks_locale_enter(void) {
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

void lks_locale_leave(locale_t saved) {
    uselocale(saved);
}
