#include "job/alone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "comm/launch.h"

/* The non-negative number of a variable; 0: none. */
static long number_of(const char *variable) {
    const char *text = getenv(variable);
    const long number = text ? strtol(text, NULL, 10) : 0;
    return number > 0 ? number : 0;
}

/* PBS has a file with a line a task. */
static long lines_of(const char *path) {
    FILE *f = path ? fopen(path, "r") : NULL;
    long lines = 0;
    for (int c; f && (c = getc(f)) != EOF;)
        lines += c == '\n';
    if (f)
        fclose(f);
    return lines;
}

/* LSF: "host1 4 host2 4". */
static long pairs_of(const char *text) {
    long words = 0;
    for (text = text ? text : ""; *text; text += strcspn(text, " ")) {
        text += strspn(text, " ");
        words += *text != 0;
    }
    return words / 2;
}

/* What the allocation is made for; LSF's and Grid Engine's slots may be meant for threads, their hosts not. */
typedef struct allocation {
    long tasks;
    const char *what;
    bool by_srun; /* mpirun is not the only way to start */
} allocation;

static allocation find_allocation(void) {
    if (getenv("SLURM_JOB_ID") && number_of("SLURM_NTASKS") > 1)
        return (allocation){number_of("SLURM_NTASKS"), "tasks", true};
    if (getenv("SLURM_JOB_ID"))
        return (allocation){number_of("SLURM_JOB_NUM_NODES"), "nodes", true};
    if (getenv("PBS_JOBID"))
        return (allocation){lines_of(getenv("PBS_NODEFILE")), "tasks", false};
    if (getenv("LSB_JOBID"))
        return (allocation){pairs_of(getenv("LSB_MCPU_HOSTS")), "hosts", false};
    if (getenv("NHOSTS") && getenv("JOB_ID"))
        return (allocation){number_of("NHOSTS"), "hosts", false};
    return (allocation){0, "", false};
}

/* A batch script is no step of Slurm's, and the step of an interactive shell has a number just below 2^32. */
bool lks_launched(void) {
    const long step = number_of("SLURM_STEP_ID");
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") || getenv("PMIX_RANK") ||
           (getenv("SLURM_STEP_ID") && step < 4294967000L);
}

void lks_warn_alone(const lks_comm *comm, bool launched) {
    const allocation a = find_allocation();
    if (a.tasks <= comm->size)
        return;
    if (comm->size == 1 && !launched)
        lks_warn("the job has %ld %s, this run uses 1 rank: start it with `%s%smpirun` to use all",
                 a.tasks, a.what, a.by_srun ? lks_comm_srun() : "", a.by_srun ? "` or `" : "");
    else
        lks_detail("the job has %ld %s, this run uses %d rank%s", a.tasks, a.what, comm->size,
                   comm->size == 1 ? "" : "s");
}
