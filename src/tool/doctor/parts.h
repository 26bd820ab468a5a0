/* What the parts of `lockstep doctor` share. */
#ifndef LKS_TOOL_DOCTOR_PARTS_H
#define LKS_TOOL_DOCTOR_PARTS_H

#include "lockstep/config.h"
#include "base/digest.h"
#include "tool/doctor/doctor.h"
#include "job/job.h"
#include "tool/doctor/diagnosis.h"
#include "tool/doctor/forecast.h"

/* --- places.c: where the ranks are ------------------------------------------------------------ */

typedef struct lks_seat {
    int host, local; /* hosts are numbered in the order of their first ranks */
} lks_seat;

/* Which host each rank is on: the same on all ranks. */
typedef struct lks_seats {
    int ranks, hosts;
    lks_seat *of; /* [ranks] */
    int *first;   /* [hosts] lowest rank of each */
    int *count;   /* [hosts] ranks of each */
} lks_seats;

/* Collective; errors are agreed. Freed by lks_seats_free(), also after a failure. */
lks_status lks_seats_find(lks_seats *s, lks_comm *comm, lks_error *err);
void lks_seats_free(lks_seats *s);

/* Texts of @p each bytes, one of each host's first rank, as an array [hosts] on rank 0, NULL on the others; freed by
 * lks_free(). Collective; errors are failures of @p comm. */
void *lks_seats_gather(const lks_seats *s, lks_comm *comm, const void *own, size_t each);

/* Ranks, cores, masks and quotas against threads; MPI, program and instruction set of all; clocks. Collective; errors
 * are agreed. */
lks_status lks_doctor_places(lks_diagnosis *d, lks_comm *comm, const lks_seats *seats, int threads,
                             const lks_kernels *kernels, lks_error *err);

/* --- data.c, folder.c: what the hosts see ----------------------------------------------------- */

/* The files of @p config on each host, which its first rank reads. Collective; errors are agreed. */
lks_status lks_doctor_data(lks_diagnosis *d, lks_comm *comm, const lks_seats *seats,
                           const lks_config *config, lks_error *err);

/* Adds what is in a file to a digest, and its size to *bytes. LKS_ERR_IO. */
lks_status lks_doctor_digest_file(lks_sha256 *digest, const char *path, double *bytes,
                                  lks_error *err);

/* Where the run folder @p folder would be, which has to hold checkpoints of @p checkpoint bytes: tried with a few small
 * files. Collective; errors are agreed. */
lks_status lks_doctor_folder(lks_diagnosis *d, lks_comm *comm, const lks_seats *seats,
                             const char *folder, double checkpoint, lks_error *err);

/* --- network.c: measured messages ------------------------------------------------------------- */

#define LKS_SUM_SIZES 5

typedef struct lks_sum_time {
    double bytes, seconds;
} lks_sum_time;

typedef struct lks_network_figures {
    lks_network
        net; /* exchanges of all pairs at once; links that there are not, or could not be measured: n 0 */
    lks_link alone[2];                /* one way, of a pair alone: within a host, between hosts */
    bool given;                       /* net.between is what the user said */
    lks_sum_time sums[LKS_SUM_SIZES]; /* MPI_Allreduce of int64; the third is of `message` bytes */
    double message;
    double tried[7]; /* seconds of the algorithm of that number for the message; 0: not tried */
} lks_network_figures;

/* @p message: bytes of a step's sums. Collective; errors are agreed. */
lks_status lks_doctor_network(lks_network_figures *f, lks_diagnosis *d, lks_comm *comm,
                              const lks_seats *seats, double message, lks_error *err);

/* --- steps.c: measured computing -------------------------------------------------------------- */

typedef struct lks_rank_speed {
    double peak;   /* flop a second of all its threads */
    double memory; /* bytes a second, read and written */
    double work;   /* seconds of its chunks of a batch, median; 0: no configuration */
    double steady; /* seconds of the rest of a step: update, and all else */
} lks_rank_speed;

typedef struct lks_speeds {
    lks_rank_speed *of;      /* [ranks], on rank 0 */
    lks_constants constants; /* but for the network, `scale` and `more` */
    double *late;            /* of the constants, on rank 0 */
    double communication;    /* seconds a step, measured with the largest share */
    double exchange;         /* seconds of the exchange of a window's images */
    double window;           /* images of a rank in it */
    bool ahead;              /* they were here before */
    bool made_up;            /* data */
    size_t weights;          /* numbers of a checkpoint */
    char name[LKS_NAME_MAX]; /* of the network */
} lks_speeds;

/* Peak and memory speed, and where there is a configuration its steps with shares of several sizes. @p s is all zero at
 * first. Collective; errors are agreed. Freed by lks_speeds_free(), also after a failure. */
lks_status lks_doctor_speeds(lks_speeds *s, lks_diagnosis *d, lks_comm *comm,
                             const lks_config *config, int threads, const lks_kernels *kernels,
                             lks_error *err);
void lks_speeds_free(lks_speeds *s);

/* --- doctor.c, print.c, print_json.c: rank 0's ------------------------------------------------------ */

#define LKS_FORECASTS 13 /* 1, 2, 4 ... 4,096 ranks */

typedef struct lks_report_of_doctor {
    const lks_diagnosis *diagnosis;
    const lks_provenance *provenance;
    const lks_seats *seats;
    const lks_network_figures *network;
    const lks_speeds *speeds;
    int n; /* forecasts; 0: without a configuration */
    lks_forecast strong[LKS_FORECASTS], weak[LKS_FORECASTS];
    int useful; /* ranks */
    lks_limit why;
    bool host_alone; /* the forecast ends with this host, */
    bool rank_alone; /* or with one rank: no message was measured */
} lks_report_of_doctor;

/* "chunks", ... of a limit, and why it is one. */
const char *lks_limit_word(lks_limit why);
const char *lks_limit_reason(lks_limit why);

void lks_doctor_print(const lks_report_of_doctor *r);
lks_status lks_doctor_print_json(const lks_report_of_doctor *r, lks_error *err);

/* Median of @p values [n], which are sorted. */
double lks_median(double *values, size_t n);

#endif
