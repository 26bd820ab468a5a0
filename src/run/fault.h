/* faults.jsonl of a run folder: what went wrong with a machine, a line of JSON each. One process; nothing is
 * collective. */
#ifndef LKS_RUN_FAULT_H
#define LKS_RUN_FAULT_H

#include <stdint.h>

/* Plain data: it travels between ranks as it is. */
typedef struct lks_fault {
    char kind[16];       /* "memory", "replica", "data", "audit", "stall" */
    int64_t step, epoch; /* where training stood: steps and whole epochs done */
    int rank;            /* -1: it cannot be told which */
    char host[256];      /* that rank's; "": the same */
    char node[128];      /* its SLURMD_NODENAME; "": none */
    char text[1024];     /* what happened, in one line or more */
} lks_fault;

/* Fills in `rank`, `host` and this process's node. */
void lks_fault_here(lks_fault *fault, int rank, const char *host);

/* Appends the fault, with the time and the number of the Slurm job, to faults.jsonl of run folder `folder`. A
 * line is written whole, in one call. What cannot be written is warned of: the fault itself is told anyway. */
void lks_folder_note_fault(const char *folder, const lks_fault *fault);

/* "2, the last at TIME, memory: TEXT" of faults.jsonl, the text's first line; "" where there is none. */
#define LKS_FAULTS_TOLD 1200
void lks_folder_tell_faults(const char *folder, char told[LKS_FAULTS_TOLD]);

#endif
