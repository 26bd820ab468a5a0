#include "tool/doctor/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>

const char *lks_verdict_word(lks_verdict v) {
    static const char *const words[] = {"ok", "warning", "fault"};
    return words[v];
}

/* The last of those that matter least. */
static lks_symptom *least_of(lks_diagnosis *d) {
    lks_symptom *least = &d->of[0];
    for (int i = 1; i < d->n; i++)
        if (d->of[i].verdict <= least->verdict)
            least = &d->of[i];
    return least;
}

void lks_diagnose(lks_diagnosis *d, lks_verdict verdict, const char *name, const char *advice,
                  const char *format, ...) {
    d->count[verdict]++;
    lks_symptom *s = d->n < LKS_SYMPTOMS ? &d->of[d->n++] : least_of(d);
    if (s->name && s->verdict >= verdict)
        return; /* no room */
    *s = (lks_symptom){.verdict = verdict, .name = name, .advice = advice};
    va_list args;
    va_start(args, format);
    vsnprintf(s->found, sizeof s->found, format, args);
    va_end(args);
}
