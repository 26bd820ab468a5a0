#include "measure/phase_times.h"

#include <math.h>

#include "base/json/json.h"

/* To the nanosecond: further digits are noise. */
static const char *seconds(double x, char text[32]) {
    return lks_json_number(rint(x * 1e9) / 1e9, text);
}

void lks_phase_times_put(FILE *f, const lks_phase_times *t) {
    char min[32], avg[32], max[32];
    for (int p = 0; p < LKS_PHASES; p++)
        fprintf(f, "%s\"%s\":{\"min\":%s,\"avg\":%s,\"max\":%s,\"rank\":%d}", p ? "," : "{",
                lks_phase_names[p], seconds(t->of[p].min, min), seconds(t->of[p].avg, avg),
                seconds(t->of[p].max, max), t->of[p].rank);
    fprintf(f, "}");
}

lks_phase_times lks_phase_times_get(const char *json) {
    lks_phase_times t;
    const char *phases = lks_json_get_object(json, "phases");
    for (int p = 0; p < LKS_PHASES; p++) {
        const char *o = phases ? lks_json_get_object(phases, lks_phase_names[p]) : NULL;
        t.of[p] = (lks_phase_time){
            .min = o ? lks_json_get_number(o, "min") : NAN,
            .avg = o ? lks_json_get_number(o, "avg") : NAN,
            .max = o ? lks_json_get_number(o, "max") : NAN,
            .rank = o ? (int32_t)lks_json_get_integer(o, "rank", INT32_MAX, -1) : -1};
    }
    return t;
}

void lks_phase_times_print(FILE *f, const char *title, const lks_phase_times *t) {
    fprintf(f, "%s\n  %-14s %10s %10s %10s  %-6s %7s\n", title, "phase", "least", "mean", "most",
            "(rank)", "share");
    for (int p = 0; p < LKS_PHASES; p++) {
        const double share = lks_phase_share(t, (lks_phase)p);
        char rank[16];
        snprintf(rank, sizeof rank, "(%d)", t->of[p].rank);
        fprintf(f, "  %-14s %10.3f %10.3f %10.3f  %-6s %5.1f %%\n", lks_phase_names[p],
                t->of[p].min, t->of[p].avg, t->of[p].max, rank, isnan(share) ? 0.0 : 100 * share);
    }
}
