/* lockstep doctor */
#include <stdlib.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/launch.h"
#include "cli/parse.h"
#include "tool/doctor/doctor.h"
#include "comm/probe.h"
#include "tool/shipped.h"

enum { KEY_OUT = 'o', KEY_FORMAT = 'f', KEY_NETWORK = 'n' };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "DIR", 0,
     "The run folder to be, which is not made (default: runs/NAME with the configuration's name)",
     1},
    {"network", KEY_NETWORK, "LATENCY_US:GBPS", 0,
     "Forecast with this network between hosts, in microseconds and gigabits a second, e.g. "
     "1.5:100, not with the measured one",
     1},
    {"format", KEY_FORMAT, "text|json", 0, "Text (default), or one JSON object", 1},
    {0}};

typedef struct arguments {
    lks_doctor_options o;
    lks_common_options *common;
} arguments;

static void read_network(const struct argp_state *state, const char *text, lks_doctor_options *o) {
    char *end = NULL;
    const double latency = strtod(text, &end);
    const char *rest = end != text && *end == ':' ? end + 1 : "";
    const double rate = strtod(rest, &end);
    if (end == rest || *end || !(latency >= 0 && latency <= 1e6) || !(rate >= 1e-3 && rate <= 1e5))
        lks_usage_error(state,
                        "--network %s: not LATENCY_US:GBPS, e.g. 1.5:100, microseconds from 0 to "
                        "1000000 and gigabits a second from 0.001 to 100000",
                        text);
    o->latency = 1e-6 * latency;
    o->rate = 1e9 / 8 * rate;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    lks_doctor_options *o = &a->o;
    switch (key) {
    case KEY_OUT:
        o->out = lks_read_name(state, "out", arg);
        return 0;
    case KEY_NETWORK:
        read_network(state, arg, o);
        return 0;
    case KEY_FORMAT:
        o->json = lks_read_format(state, arg, false) == LKS_FORMAT_JSON;
        return 0;
    case ARGP_KEY_ARG:
        if (o->config)
            lks_usage_error(state, "one configuration is enough: '%s' is too many", arg);
        o->config = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->common->n_sets > 0 && !o->config)
            lks_usage_error(state, "--set needs a configuration");
        if (o->json)
            a->common->level = LKS_LOG_QUIET;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static lks_status work(lks_comm *comm, void *input, int *exit_status, lks_error *err) {
    const lks_doctor_options *o = input;
    int faults = 0;
    const lks_status status = lks_doctor(comm, o, &faults, err);
    *exit_status = faults > 0 ? 1 : 0;
    return status != LKS_OK && o->config ? lks_hint_config(status, o->config, err) : status;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {.common = &common};
    lks_parse(call, &common, &a);
    a.o.sets = common.sets;
    a.o.n_sets = common.n_sets;
    a.o.threads = common.threads;
    lks_probe_prepare();
    int status = lks_with_comm(&common, work, &a.o);
    lks_common_free(&common);
    return status;
}

static const struct argp argp = {
    options,
    parse,
    "[CONFIG]",
    "Tells whether the machine is ready, alone or under mpirun or srun, and how many ranks would "
    "pay. Looks at ranks, cores, masks and quotas, MPI, program and data on all hosts, clocks, and "
    "the folder of runs; measures processors, memory, network and steps of CONFIG's training; and "
    "forecasts its steps on 1 to 4,096 ranks, with the same batch and with the same share of a "
    "rank. Each line is ok, a warning or a fault, with what to do. Without CONFIG there are no "
    "steps and no forecast.\vSteps read CONFIG's data, or made-up images where there are none. "
    "Where one host is there, the network between hosts cannot be measured: say --network, or the "
    "forecast ends with this host. Exit status: 0 no fault, 1 a fault or failed, 2 usage or "
    "configuration error, 79 a rank made no progress.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_doctor = {
    "doctor",
    "tell whether a machine is ready, and how many ranks pay (alone or under mpirun/srun)", &argp,
    &lks_job_argp, run};
