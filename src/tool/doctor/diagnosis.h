/* What was looked at, what was found, and what to do. */
#ifndef LKS_TOOL_DOCTOR_DIAGNOSIS_H
#define LKS_TOOL_DOCTOR_DIAGNOSIS_H

typedef enum lks_verdict {
    LKS_VERDICT_OK,
    LKS_VERDICT_WARNING, /* it runs, slower than it could, or not everywhere */
    LKS_VERDICT_FAULT    /* it does not run, or not right */
} lks_verdict;

/* "ok", "warning", "fault" */
const char *lks_verdict_word(lks_verdict v);

typedef struct lks_symptom {
    lks_verdict verdict;
    const char *name;   /* of what was looked at */
    const char *advice; /* ""; else what to do */
    char found[640];
} lks_symptom;

#define LKS_SYMPTOMS 48

/* Rank 0's. All zero at first; where there is no room what matters least is counted only. */
typedef struct lks_diagnosis {
    lks_symptom of[LKS_SYMPTOMS];
    int n;
    int count[3]; /* of each verdict */
} lks_diagnosis;

/* Adds a line; @p name and @p advice are string constants. */
void lks_diagnose(lks_diagnosis *d, lks_verdict verdict, const char *name, const char *advice,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
