#include "job/life.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json/json.h"
#include "base/timer.h"

/* --- this process ----------------------------------------------------------------------------- */

/* Of a process, from /proc/PID/stat (proc(5)). False where there is no such file. */
static bool read_stat(long long process, char *state, long long *threads, long long *born) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%lld/stat", process);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    const size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *at = strrchr(text, ')'); /* the name before may hold anything */
    return at && sscanf(at + 1,
                        " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %lld "
                        "%*d %lld",
                        state, threads, born) == 3;
}

static void read_boot(char boot[40]) {
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
    boot[0] = '\0';
    if (!f)
        return;
    if (fscanf(f, "%39s", boot) != 1)
        boot[0] = '\0';
    fclose(f);
}

static long long read_count(const char *variable) {
    const char *text = getenv(variable);
    return text ? atoll(text) : 0;
}

static void find_job(lks_life *life) {
    const char *slurm = getenv("SLURM_JOB_ID"), *cluster = getenv("SLURM_CLUSTER_NAME");
    const char *other = getenv("LOCKSTEP_JOB");
    if (slurm && *slurm)
        snprintf(life->job, sizeof life->job, "Slurm job %s%s%s", slurm,
                 cluster && *cluster ? " of " : "", cluster && *cluster ? cluster : "");
    else if (other && *other)
        snprintf(life->job, sizeof life->job, "job %s", other);
    life->restart = slurm && *slurm ? read_count("SLURM_RESTART_COUNT") : 0;
    life->relaunch = read_count("LOCKSTEP_RELAUNCH");
}

void lks_life_self(lks_life *life) {
    struct stat space;
    char state;
    long long threads;
    memset(life, 0, sizeof *life);
    gethostname(life->host, sizeof life->host - 1);
    read_boot(life->boot);
    life->pid_namespace = stat("/proc/self/ns/pid", &space) == 0 ? (long long)space.st_ino : 0;
    life->process = getpid();
    if (!read_stat(life->process, &state, &threads, &life->born))
        life->born = 0;
    find_job(life);
    lks_utc(life->since);
}

/* --- others ----------------------------------------------------------------------------------- */

static bool is_former(const lks_life *self, const lks_life *other) {
    if (!self->job[0] || strcmp(self->job, other->job) != 0)
        return false;
    return other->restart < self->restart ||
           (other->restart == self->restart && other->relaunch < self->relaunch);
}

/* A number that another process has by now, or a process of which only its entry is left, is no life. One whose
 * first thread has ended may still write in the others. */
static lks_life_state judge_process(const lks_life *other) {
    char state;
    long long threads, born;
    if (kill((pid_t)other->process, 0) != 0 && errno == ESRCH)
        return LKS_LIFE_DEAD;
    if (!read_stat(other->process, &state, &threads, &born))
        return LKS_LIFE_FOREIGN; /* hidden from this user, or gone since */
    if (born != other->born || ((state == 'Z' || state == 'X') && threads <= 1))
        return LKS_LIFE_DEAD;
    return LKS_LIFE_ALIVE;
}

lks_life_state lks_life_judge(const lks_life *self, const lks_life *other) {
    if (is_former(self, other))
        return LKS_LIFE_FORMER;
    const bool here = self->boot[0] && strcmp(self->boot, other->boot) == 0 &&
                      self->pid_namespace > 0 && self->pid_namespace == other->pid_namespace;
    if (!here || self->born <= 0 || other->born <= 0 || other->process <= 0)
        return LKS_LIFE_FOREIGN;
    return judge_process(other);
}

/* --- as a text -------------------------------------------------------------------------------- */

lks_status lks_life_put(const lks_life *life, char *text, size_t size, lks_error *err) {
    FILE *f = fmemopen(text, size, "w");
    if (!f)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for a life's text");
    lks_json_object o = lks_json_begin(f, "");
    lks_json_put_integer(&o, "life", life->number);
    lks_json_put_text(&o, "host", life->host);
    lks_json_put_integer(&o, "process", life->process);
    lks_json_put_text(&o, "job", life->job);
    lks_json_put_integer(&o, "restart", life->restart);
    lks_json_put_integer(&o, "relaunch", life->relaunch);
    lks_json_put_text(&o, "since", life->since);
    lks_json_put_text(&o, "boot", life->boot);
    lks_json_put_integer(&o, "pid_namespace", life->pid_namespace);
    lks_json_put_integer(&o, "born", life->born);
    lks_json_end(&o, "\n");
    const bool whole = fflush(f) == 0 && !ferror(f);
    return fclose(f) == 0 && whole
               ? LKS_OK
               : lks_fail(err, LKS_ERR_MEMORY, "a life's text takes more than %zu bytes", size);
}

void lks_life_get(lks_life *life, const char *text) {
    memset(life, 0, sizeof *life);
    const struct {
        const char *key;
        long long *value;
    } numbers[] = {{"life", &life->number},     {"process", &life->process},
                   {"restart", &life->restart}, {"relaunch", &life->relaunch},
                   {"born", &life->born},       {"pid_namespace", &life->pid_namespace}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i].value = lks_json_get_integer(text, numbers[i].key, INT64_MAX, 0);
    lks_json_get_text(text, "host", life->host, sizeof life->host);
    lks_json_get_text(text, "job", life->job, sizeof life->job);
    lks_json_get_text(text, "since", life->since, sizeof life->since);
    lks_json_get_text(text, "boot", life->boot, sizeof life->boot);
}

const char *lks_life_tell(const lks_life *life, char text[LKS_LIFE_TEXT]) {
    snprintf(text, LKS_LIFE_TEXT, "life %lld: process %lld on %s%s%s, since %s", life->number,
             life->process, life->host[0] ? life->host : "an unknown host",
             life->job[0] ? ", " : "", life->job, life->since[0] ? life->since : "?");
    return text;
}
