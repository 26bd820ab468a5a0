/* lockstep train */
#include <stdlib.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/launch.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "job/job.h"
#include "lockstep/train.h"
#include "tool/shipped.h"

enum {
    KEY_OUT = 'o',
    KEY_RESUME = 'r',
    KEY_PROGRESS = 'p',
    KEY_TIME_LIMIT = 'l',
    KEY_INIT_FROM = 'i',
    KEY_REFIT = 'f',
    KEY_TRACE = 'T',
    KEY_TRACE_RANKS = 'R',
    KEY_DRY_RUN = 'n',
    KEY_TAKE_OVER = 'k',
    KEY_TAKE_OVER_AFTER = 'a'
};

static const struct argp_option options[] = {
    {"out", KEY_OUT, "DIR", 0, "Run folder (default: runs/NAME with the configuration's name)", 1},
    {"resume", KEY_RESUME, "auto|never|FILE", 0,
     "auto (default): go on from the newest readable checkpoint of the run folder, or "
     "start fresh where there is none. never: start over and remove the folder's earlier "
     "checkpoints. FILE: go on from that checkpoint",
     1},
    {"init-from", KEY_INIT_FROM, "CHECKPOINT|RUN_DIR", 0,
     "Start a new run from these weights, the averaged ones where there are some. Only "
     "the last layer with weights may differ; it then starts fresh. A run that goes on "
     "from a checkpoint of its own ignores this",
     1},
    {"refit", KEY_REFIT, "RUN_DIR", 0,
     "Instead of CONFIG: train the network of RUN_DIR afresh, on all training images and "
     "without a validation split, for the number of epochs that was best there. The new "
     "run folder is RUN_DIR-refit",
     1},
    {"take-over", KEY_TAKE_OVER, NULL, 0,
     "Take the run folder over from the process that works in it, at once and whoever it is. "
     "That one publishes nothing more there and ends with status 73",
     1},
    {"take-over-after", KEY_TAKE_OVER_AFTER, "TIME", 0,
     "Take it over from a process on another host once its heartbeat has stood still for TIME "
     "(default: 60 seconds, at least 5). One that beats is never disturbed",
     1},
    {"dry-run", KEY_DRY_RUN, NULL, 0,
     "Check configuration, data and network, and try out the run folder. Print the plan, the "
     "memory per rank and where the run would start. Train nothing and leave nothing",
     1},
    {"time-limit", KEY_TIME_LIMIT, "TIME", 0,
     "Stop at the first step that ends TIME after the program's start, as on a signal: "
     "with a checkpoint and status 75. TIME is in seconds, or MM:SS, HH:MM:SS, "
     "D-HH:MM:SS, as Slurm writes it",
     1},
    {"trace", KEY_TRACE, "FILE", 0,
     "Write to FILE what every rank and thread did at what time. Open it at "
     "https://ui.perfetto.dev or chrome://tracing. Each thread keeps its first 262144 "
     "events, of 24 bytes each, or N with LOCKSTEP_TRACE_EVENTS=N: of a long run the "
     "first steps",
     1},
    {"trace-ranks", KEY_TRACE_RANKS, "LIST", 0,
     "Of these ranks alone, as 0,4-7: a file of a thousand ranks is more than a viewer can show",
     1},
    {"progress", KEY_PROGRESS, "auto|bar|lines|never", 0,
     "auto (default): a bar on a terminal, a line per epoch elsewhere. bar, lines: "
     "always. never: neither",
     1},
    {0}};

/* Seconds, MM:SS, HH:MM:SS or D-HH:MM:SS. Only the first number may be beyond what the next larger
 * unit holds. False for anything else: Slurm's D-HH and D-HH:MM, too, are no times of this form. */
static bool read_time(const char *at, double *seconds) {
    bool days = strchr(at, '-');
    int numbers = 0;
    for (*seconds = 0;; at++) {
        size_t digits = strspn(at, "0123456789");
        int unit = days && numbers == 1 ? 24 : 60; /* of this number in the one before */
        long value = atol(at);
        if (digits == 0 || digits > 9 || (numbers > 0 && value >= unit))
            return false;
        *seconds = *seconds * unit + (double)value;
        numbers++;
        at += digits;
        if (!*at)
            return days ? numbers == 4 : numbers <= 3;
        if (*at != (days && numbers == 1 ? '-' : ':'))
            return false;
    }
}

static void limit_time(const struct argp_state *state, const char *arg) {
    double seconds;
    if (!read_time(arg, &seconds) || seconds < 1)
        lks_usage_error(state, "--time-limit %s: not seconds, MM:SS, HH:MM:SS or D-HH:MM:SS", arg);
    lks_stop_after(seconds);
}

static double read_patience(const struct argp_state *state, const char *arg) {
    double seconds;
    if (!read_time(arg, &seconds) || seconds < LKS_TAKE_OVER_LEAST)
        lks_usage_error(state,
                        "--take-over-after %s: not seconds (at least %d), MM:SS, HH:MM:SS or "
                        "D-HH:MM:SS",
                        arg, LKS_TAKE_OVER_LEAST);
    return seconds;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const char *const modes[] = {"auto", "bar", "lines", "never", NULL};
    lks_train_options *o = state->input;
    switch (key) {
    case KEY_OUT:
        o->out = lks_read_name(state, "out", arg);
        return 0;
    case KEY_RESUME:
        o->resume = lks_read_name(state, "resume", arg);
        return 0;
    case KEY_REFIT:
        o->refit = lks_read_name(state, "refit", arg);
        return 0;
    case KEY_TRACE:
        o->trace = lks_read_name(state, "trace", arg);
        return 0;
    case KEY_TRACE_RANKS:
        o->trace_ranks = lks_read_name(state, "trace-ranks", arg);
        return 0;
    case KEY_TAKE_OVER:
        o->take_over = true;
        return 0;
    case KEY_TAKE_OVER_AFTER:
        o->take_over_after = read_patience(state, arg);
        return 0;
    case KEY_DRY_RUN:
        o->dry_run = true;
        return 0;
    case KEY_INIT_FROM:
        o->init_from = lks_read_name(state, "init-from", arg);
        return 0;
    case KEY_TIME_LIMIT:
        limit_time(state, arg);
        return 0;
    case KEY_PROGRESS:
        o->progress = (lks_progress_mode)lks_read_word(state, "progress", arg, modes);
        return 0;
    case ARGP_KEY_ARG:
        if (o->config)
            lks_usage_error(state, "one configuration is enough: '%s' is too many", arg);
        o->config = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->config && o->refit)
            lks_usage_error(state,
                            "--refit takes its configuration from the run folder: '%s' is too many",
                            o->config);
        if (o->trace_ranks && !o->trace)
            lks_usage_error(state, "--trace-ranks %s: give --trace FILE, too", o->trace_ranks);
        if (o->trace && o->dry_run)
            lks_usage_error(state, "--trace %s: a dry run trains nothing that could be traced",
                            o->trace);
        if (!o->config && !o->refit)
            lks_usage_error(state, "a configuration is missing, e.g. net.yaml; `lockstep configs` "
                                   "lists some that come with "
                                   "the program");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

typedef struct job {
    lks_common_options common;
    lks_train_options o;
} job;

static lks_status work(lks_comm *comm, void *input, int *exit_status, lks_error *err) {
    job *j = input;
    lks_train_options *o = &j->o;
    bool stopped;
    o->watchdog = j->common.watchdog;
    lks_status status = lks_hint_config(lks_train(comm, o, &stopped, err), o->config, err);
    if (status == LKS_OK && stopped)
        *exit_status = LKS_EXIT_STOPPED;
    return status;
}

static int run(const lks_call *call) {
    job j = {0};
    lks_train_options *o = &j.o;
    lks_process_stops_gently(); /* from the start: MPI takes a while */
    lks_process_returns_memory();
    lks_parse(call, &j.common, o);
    o->sets = j.common.sets;
    o->n_sets = j.common.n_sets;
    o->threads = j.common.threads;
    if (j.common.level == LKS_LOG_VERBOSE && o->progress == LKS_PROGRESS_AUTO)
        o->progress = LKS_PROGRESS_LINES; /* a bar would stand in the way of the other lines */
    if (!o->dry_run)
        lks_log_outlive_output();
    int status = lks_with_comm(&j.common, work, &j);
    lks_common_free(&j.common);
    return status;
}

static const struct argp argp = {
    options,
    parse,
    "CONFIG\n--refit RUN_DIR",
    "Trains the network that CONFIG (YAML) describes, and writes a run folder. Under "
    "mpirun or srun every rank trains a share of each batch.\vExit status: 0 done, 1 "
    "failed, 2 usage or configuration error, 75 stopped on SIGTERM, SIGINT, SIGHUP, "
    "SIGUSR1, SIGUSR2, SIGXCPU or at --time-limit, with a checkpoint saved, 73 another process "
    "works in the run folder, 76 "
    "memory changed or "
    "replicas differ, 79 a rank made no progress. After 75, 76 and 79 the same command goes on.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_train = {
    "train", "train a network and write a run folder (alone or under mpirun/srun)", &argp,
    &lks_job_argp, run};
