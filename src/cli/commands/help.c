/* lockstep help */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/about.h"
#include "cli/commands/commands.h"
#include "cli/listing.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "lockstep/config.h"

enum { KEY_OPTIONS = 'o' };

typedef struct arguments {
    const char *topic;
    bool options;
} arguments;

static const struct argp_option options[] = {
    {"options", KEY_OPTIONS, NULL, 0,
     "For programs: the same as lines of fields with tabs between them", 1},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_OPTIONS:
        a->options = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->topic)
            lks_usage_error(state, "one command at a time: '%s' is too many", arg);
        a->topic = arg;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static int explain_command(const lks_call *call, const char *name, bool as_table) {
    const lks_command *command = lks_command_find(call->commands, name);
    if (!command)
        return lks_command_unknown(call->commands, name);
    (as_table ? lks_list_options : lks_print_help)(command, stdout);
    return 0;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {0};
    lks_parse(call, &common, &a);
    lks_common_free(&common);
    if (!lks_speaks())
        return 0;
    if (a.topic && strcmp(a.topic, "config") != 0)
        return explain_command(call, a.topic, a.options);
    if (a.topic)
        (a.options ? lks_list_keys : lks_config_help)(stdout);
    else
        (a.options ? lks_list_commands : lks_print_usage)(call->commands, stdout);
    return 0;
}

static const struct argp argp = {
    options,
    parse,
    "[COMMAND|config]",
    "Lists the commands, explains one, or every key of a configuration: `lockstep help "
    "config`.\vExit status: 0 done, 1 failed, 2 usage error.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_help = {
    "help", "explain a command, or `config`: every key of a configuration", &argp, &lks_help_argp,
    run};
