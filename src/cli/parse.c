#include "cli/parse.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/options.h"
#include "cli/process.h"

/* Seconds; the most is a week. */
#define STALL_TIMEOUT      300
#define MOST_STALL_TIMEOUT 604800

/* --- errors ----------------------------------------------------------------------------------- */

static _Noreturn void end_with_usage_error(const char *name, const char *text) {
    const int status = lks_refuse("%s", text);
    if (lks_speaks())
        fprintf(stderr, "`%s --help` explains the options\n", name);
    lks_process_end(status);
}

void lks_usage_error(const struct argp_state *state, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    end_with_usage_error(state->name, text);
}

/* --- values ----------------------------------------------------------------------------------- */

uint64_t lks_read_number(const struct argp_state *state, const char *option, const char *text,
                         uint64_t least, uint64_t most) {
    uint64_t value = 0;
    bool good = *text != '\0';
    for (const char *c = text; *c && good; c++) {
        const uint64_t digit = (uint64_t)(*c - '0');
        good = *c >= '0' && *c <= '9' && digit <= most && value <= (most - digit) / 10;
        value = 10 * value + digit;
    }
    if (!good || value < least)
        lks_usage_error(state, "--%s %s: not a whole number from %llu to %llu", option, text,
                        (unsigned long long)least, (unsigned long long)most);
    return value;
}

char *lks_read_name(const struct argp_state *state, const char *option, char *text) {
    if (!*text)
        lks_usage_error(state, "--%s: its value is an empty name", option);
    if (text[0] == '~' && text[1] == '/')
        lks_usage_error(state,
                        "--%s=%s: the shell expands ~ only where a word begins with it: write --%s "
                        "%s",
                        option, text, option, text);
    return text;
}

char *lks_read_png_name(const struct argp_state *state, const char *option, char *text) {
    const size_t n = strlen(lks_read_name(state, option, text));
    if (n < 5 || strcasecmp(text + n - 4, ".png") != 0)
        lks_usage_error(state, "--%s %s: a PNG is written, so the name must end in .png", option,
                        text);
    return text;
}

int lks_read_word(const struct argp_state *state, const char *option, const char *text,
                  const char *const *words) {
    char list[128] = "";
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
    }
    lks_usage_error(state, "--%s %s: not one of %s", option, text, list);
}

lks_format lks_read_format(const struct argp_state *state, const char *text, bool table) {
    static const char *const words[] = {"text", "json", "csv", NULL}, *const plain[] = {
                                                                          "text", "json", NULL};
    return (lks_format)lks_read_word(state, "format", text, table ? words : plain);
}

static void *need(void *memory) {
    lks_error err;
    if (memory)
        return memory;
    lks_fail(&err, LKS_ERR_MEMORY, "out of memory for the command line");
    lks_process_end(lks_report(&err));
}

const char **lks_argument_list(int argc) {
    return need(calloc((size_t)argc + 1, sizeof(char *)));
}

/* --- options that several commands take ------------------------------------------------------- */

enum {
    KEY_SET = 's',
    KEY_THREADS = 't',
    KEY_STALL_TIMEOUT = 'w',
    KEY_QUIET = 'q',
    KEY_VERBOSE = 'v',
    KEY_HELP = 'h',
    KEY_QUESTION = '?'
};

static _Noreturn void help(const struct argp_state *state) {
    if (lks_speaks())
        argp_help(state->root_argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK,
                  state->name);
    lks_process_end(0);
}

static error_t parse_help(int key, char *arg, struct argp_state *state) {
    lks_common_options *common = state->input;
    (void)arg;
    switch (key) {
    case KEY_QUIET:
        common->level = LKS_LOG_QUIET;
        return 0;
    case KEY_VERBOSE:
        common->level = LKS_LOG_VERBOSE;
        return 0;
    case KEY_HELP:
    case KEY_QUESTION:
        help(state);
    }
    return ARGP_ERR_UNKNOWN;
}

static error_t parse_job(int key, char *arg, struct argp_state *state) {
    lks_common_options *common = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = common;
        return 0;
    case KEY_STALL_TIMEOUT:
        common->stall_timeout =
            (int)lks_read_number(state, "stall-timeout", arg, 0, MOST_STALL_TIMEOUT);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static error_t parse_set(int key, char *arg, struct argp_state *state) {
    lks_common_options *common = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = common;
        return 0;
    case KEY_SET:
        common->sets[common->n_sets++] = arg;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static error_t parse_common(int key, char *arg, struct argp_state *state) {
    lks_common_options *common = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = common;
        return 0;
    case KEY_THREADS:
        common->threads = (int)lks_read_number(state, "threads", arg, 1, 1024);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct argp_option help_options[] = {
    {"quiet", KEY_QUIET, NULL, 0, "Print results, warnings and errors only", 20},
    {"verbose", KEY_VERBOSE, NULL, 0, "Tell on standard error which files are read and written",
     20},
    {"help", KEY_HELP, NULL, 0, "Print this text", 20},
    {"?", KEY_QUESTION, NULL, OPTION_HIDDEN, NULL, 20},
    {0}};
const struct argp lks_help_argp = {.options = help_options, .parser = parse_help};

static const struct argp_option set_options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0,
     "Set a key of the configuration, e.g. data.dir=data/mnist. May be repeated. "
     "`lockstep help config` lists the keys. A text is taken whole, unless it begins with a quote",
     10},
    {0}};
static const struct argp_child set_children[] = {{&lks_help_argp, 0, NULL, 0}, {0}};
const struct argp lks_set_argp = {
    .options = set_options, .parser = parse_set, .children = set_children};

static const struct argp_option common_options[] = {
    {"threads", KEY_THREADS, "N", 0,
     "OpenMP threads per rank (default: OMP_NUM_THREADS, else the usable cores, divided by the "
     "ranks of this host)",
     10},
    {0}};
static const struct argp_child common_children[] = {{&lks_set_argp, 0, NULL, 0}, {0}};
const struct argp lks_common_argp = {
    .options = common_options, .parser = parse_common, .children = common_children};

static const struct argp_option job_options[] = {
    {"stall-timeout", KEY_STALL_TIMEOUT, "SECONDS", 0,
     "End the job with status 79 and name the rank where one gets nothing done for SECONDS, and is "
     "not waiting for others (default: 300; 0: never)",
     10},
    {0}};
static const struct argp_child job_children[] = {{&lks_common_argp, 0, NULL, 0}, {0}};
const struct argp lks_job_argp = {
    .options = job_options, .parser = parse_job, .children = job_children};

void lks_common_free(lks_common_options *common) {
    free(common->sets);
    free(common->given);
}

/* --- a command line --------------------------------------------------------------------------- */

/* A command's table beside the shared one, below a table that has nothing but them. */
typedef struct whole {
    struct argp_child children[3];
    struct argp argp;
} whole;

enum { OWN, SHARED, TABLES };

/* A table's own parser and its input, and those of the table that is its child. */
typedef struct parser {
    const struct argp *argp;
    void *input;
    lks_common_options *common;
    struct parser *below;
} parser;

/* A table, the one that is its child, and so on, with a parser before the own one of each. */
enum { DEEPEST = 4 };
typedef struct chain {
    parser of[DEEPEST];
    struct argp tables[DEEPEST];
    struct argp_child children[DEEPEST][2];
} chain;

typedef struct inputs {
    chain of[TABLES];
} inputs;

/* Ranks may have threads of their own, one of them speaks, and the clock of any of them stops all. */
static bool may_differ(const char *option) {
    static const char *const names[] = {"threads", "time-limit", "progress", "quiet", "verbose"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(option, names[i]) == 0)
            return true;
    return false;
}

static void add_line(lks_common_options *common, const char *option, const char *value) {
    const size_t used = common->given ? strlen(common->given) : 0;
    const size_t more = strlen(option) + strlen(value) + 5; /* "--", a space, a line's end, 0 */
    common->given = need(realloc(common->given, used + more));
    snprintf(common->given + used, more, "%s%s%s%s\n", *option ? "--" : "", option,
             *option && *value ? " " : "", value);
}

static void note(const parser *p, int key, const char *value) {
    const struct argp_option *o = p->argp->options;
    if (key == ARGP_KEY_ARG)
        add_line(p->common, "", value);
    while (o && o->name && o->key != key)
        o++;
    if (o && o->name && !may_differ(o->name))
        add_line(p->common, o->name, value ? value : "");
}

/* Stands before a table's own parser. */
static error_t parse_and_note(int key, char *arg, struct argp_state *state) {
    parser *p = state->input;
    state->input = p->input;
    const error_t result = p->argp->parser(key, arg, state);
    state->input = p;
    if (key == ARGP_KEY_INIT && p->below)
        state->child_inputs[0] = p->below;
    if (result == 0)
        note(p, key, arg);
    return result;
}

/* Fills @p c for a table whose children, of one each, take the same input. */
static void stand_before(chain *c, const struct argp *argp, void *input,
                         lks_common_options *common) {
    for (int i = 0; argp; i++) {
        assert(i < DEEPEST && (!argp->children || !argp->children[1].argp));
        const struct argp *below = argp->children ? argp->children[0].argp : NULL;
        c->of[i] = (parser){argp, input, common, below ? &c->of[i + 1] : NULL};
        c->tables[i] = *argp;
        c->tables[i].parser = parse_and_note;
        if (below) {
            c->children[i][0] = argp->children[0];
            c->children[i][0].argp = &c->tables[i + 1];
            c->children[i][1] = (struct argp_child){0};
            c->tables[i].children = c->children[i];
        }
        argp = below;
    }
}

static error_t hand_down(int key, char *arg, struct argp_state *state) {
    (void)arg;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    inputs *in = state->input;
    for (int i = 0; i < TABLES; i++)
        state->child_inputs[i] = in->of[i].of;
    return 0;
}

static void build(const lks_command *command, whole *w) {
    *w =
        (whole){.children = {
                    [OWN] = {command->argp, 0, NULL, 0}, [SHARED] = {command->shared, 0, NULL, 0}}};
    w->argp = (struct argp){.parser = hand_down, .children = w->children};
}

void lks_parse(const lks_call *call, lks_common_options *common, void *own) {
    inputs in;
    whole w;
    build(call->command, &w);
    stand_before(&in.of[OWN], call->command->argp, own, common);
    stand_before(&in.of[SHARED], call->command->shared, common, common);
    for (int i = 0; i < TABLES; i++)
        w.children[i].argp = in.of[i].tables;
    add_line(common, "", call->command->name);
    common->level = LKS_LOG_INFO;
    common->stall_timeout = STALL_TIMEOUT;
    common->sets = lks_argument_list(call->argc);
    if (argp_parse(&w.argp, call->argc, call->argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &in) != 0) {
        char text[512];
        lks_options_fault(call->command, call->argc, call->argv, text, sizeof text);
        end_with_usage_error(call->argv[0], text);
    }
    lks_log_setup(common->level);
    lks_log_rank(lks_speaks() ? 0 : 1); /* until MPI has started */
}

void lks_print_help(const lks_command *command, FILE *out) {
    char name[64];
    whole w;
    build(command, &w);
    snprintf(name, sizeof name, "lockstep %s", command->name);
    argp_help(&w.argp, out, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
}
