/* lockstep configs */
#include "cli/commands/commands.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "tool/shipped.h"

enum { KEY_FORMAT = 'f' };

typedef struct arguments {
    const char *name;
    lks_format format;
} arguments;

static const struct argp_option options[] = {
    {"format", KEY_FORMAT, "text|json|csv", 0, "The list as text (default), JSON or CSV", 1}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_FORMAT:
        a->format = lks_read_format(state, arg, true);
        return 0;
    case ARGP_KEY_ARG:
        if (a->name)
            lks_usage_error(state, "one configuration at a time: '%s' is too many", arg);
        a->name = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->name && a->format != LKS_FORMAT_TEXT)
            lks_usage_error(state, "--format is for the list; '%s' is printed as it is", a->name);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {0};
    lks_error err;
    lks_parse(call, &common, &a);
    lks_common_free(&common);
    if (!lks_speaks())
        return 0;
    lks_status status = a.name ? lks_shipped_print(a.name, &err) : lks_shipped_list(a.format, &err);
    return status == LKS_OK ? 0 : lks_report(&err);
}

static const struct argp argp = {
    options,
    parse,
    "[NAME]",
    "Lists the configurations that come with the program, or prints the one called NAME: "
    "`lockstep configs m3 > my.yaml`.\v"
    "Exit status: 0 done, 1 failed, 2 usage error or no such configuration.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_configs = {
    "configs", "list the configurations that come with the program, or print one", &argp,
    &lks_help_argp, run};
