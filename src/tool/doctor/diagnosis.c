#include "tool/doctor/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>

const char *lks_verdict_word(lks_verdict v) {
    static const char *const words[] = {"ok", "warning", "fault"};
    return words[v];
}

void lks_diagnose(lks_diagnosis *d, lks_verdict verdict, const char *name, const char *advice,
                  const char *format, ...) {
    d->count[verdict]++;
    if (d->n == LKS_SYMPTOMS)
        return;
    lks_symptom *s = &d->of[d->n++];
    *s = (lks_symptom){.verdict = verdict, .name = name, .advice = advice};
    va_list args;
    va_start(args, format);
    vsnprintf(s->found, sizeof s->found, format, args);
    va_end(args);
}
