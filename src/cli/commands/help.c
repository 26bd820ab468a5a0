/* lockstep help */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/about.h"
#include "cli/commands/commands.h"
#include "cli/listing.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "lockstep/config.h"
#include "base/suggest.h"
#include "config/help/topic.h"

enum { KEY_OPTIONS = 'o' };

typedef struct arguments {
    const char *topic, *part; /* part: after `config` */
    bool options;
} arguments;

static const struct argp_option options[] = {
    {"options", KEY_OPTIONS, NULL, 0,
     "For programs: commands, a command's options or the keys of `config` as lines of fields with "
     "tabs between them",
     1},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
    case KEY_OPTIONS:
        a->options = true;
        return 0;
    case ARGP_KEY_ARG:
        if (!a->topic)
            a->topic = arg;
        else if (strcmp(a->topic, "config") == 0 && !a->part && !a->options)
            a->part = arg;
        else
            lks_usage_error(state, "one topic at a time: '%s' is too many", arg);
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* --- topics ----------------------------------------------------------------------------------- */

/* A topic that is meant by a word that is none: one that begins with it, else the nearest. Dotted ones are
 * meant by dotted words only. */
typedef struct near_topic {
    char word[64]; /* in small letters */
    bool begins;
    lks_nearest nearest; /* its `best` may not be read: topics last only while they are offered */
    char best[128];
} near_topic;

static void offer(const char *topic, const char *about, void *context) {
    near_topic *n = context;
    (void)about;
    const bool begins = strncmp(topic, n->word, strlen(n->word)) == 0;
    const size_t distance = n->nearest.distance;
    if (n->begins || (strchr(topic, '.') && !strchr(n->word, '.')))
        return;
    lks_nearest_offer(&n->nearest, topic, strlen(topic));
    if (begins || n->nearest.distance < distance)
        snprintf(n->best, sizeof n->best, "%s", topic);
    n->begins = begins;
}

static int unknown(const lks_command *const *commands, const char *topic) {
    near_topic n = {.begins = false};
    snprintf(n.word, sizeof n.word, "%s", topic);
    for (char *c = n.word; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    n.nearest = lks_nearest_start(n.word);
    for (; commands && *commands; commands++)
        offer((*commands)->name, "", &n);
    lks_topics_visit(offer, &n);
    if (n.best[0])
        return lks_refuse("no help on '%.64s'; did you mean '%s'?", topic, n.best);
    return lks_refuse(
        "no help on '%.64s'; `lockstep help` lists the commands, `lockstep help layers` "
        "the layers, `lockstep help config` every key of a configuration",
        topic);
}

/* A part of the configuration. */
static int explain_part(const char *part) {
    return lks_topic_print(part, stdout) ? 0 : unknown(NULL, part);
}

static void explain_command(const lks_command *command) {
    lks_print_help(command, stdout);
    if (lks_topic_is(command->name))
        printf("\n`lockstep help config %s` explains the keys of a configuration that begin with "
               "%s.\n",
               command->name, command->name);
}

static int explain(const lks_call *call, const char *topic) {
    const lks_command *command = lks_command_find(call->commands, topic);
    if (command)
        explain_command(command);
    else if (!lks_topic_print(topic, stdout))
        return unknown(call->commands, topic);
    return 0;
}

static int list_options(const lks_call *call, const char *topic) {
    if (!topic) {
        lks_list_commands(call->commands, stdout);
        return 0;
    }
    if (strcmp(topic, "config") == 0) {
        lks_list_keys(stdout);
        return 0;
    }
    const lks_command *command = lks_command_find(call->commands, topic);
    if (!command)
        return lks_command_unknown(call->commands, topic);
    lks_list_options(command, stdout);
    return 0;
}

static int answer(const lks_call *call, const arguments *a) {
    if (a->options)
        return list_options(call, a->topic);
    if (a->part)
        return explain_part(a->part);
    if (a->topic && strcmp(a->topic, "config") != 0)
        return explain(call, a->topic);
    if (a->topic)
        lks_config_help(stdout);
    else
        lks_print_usage(call->commands, stdout);
    return 0;
}

static int run(const lks_call *call) {
    lks_common_options common = {0};
    arguments a = {0};
    lks_parse(call, &common, &a);
    lks_common_free(&common);
    return lks_speaks() ? answer(call, &a) : 0;
}

static const struct argp argp = {
    options,
    parse,
    "[COMMAND]\n[config] [TOPIC]",
    "Lists the commands, explains one, or explains the keys of a configuration: all of them "
    "(`lockstep help config`), a section (`lockstep help config train.schedule`), or a key "
    "(`lockstep help config train.optimizer.lr`). Other topics: `layers`, which lists the kinds of "
    "layers; a kind, like conv2d; a value of a key, like cosine.\v"
    "Exit status: 0 done, 1 failed, 2 usage error, or no such topic.",
    NULL,
    NULL,
    NULL};

const lks_command lks_command_help = {
    "help", "explain a command, a layer, or keys of a configuration", &argp, &lks_help_argp, run};
