/* What a half-written command line may become. Shells ask at every press of the tab key, so that
 * nothing has to be generated, and completion knows what this very program takes. */
#include "cli/complete.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "lockstep/config.h"
#include "config/help/topic.h"
#include "tool/shipped.h"

/* What names the shell is asked for: each kind holds those before it. */
typedef enum names { NO_NAMES, FOLDERS, YAML, FILES } names;

/* The line of words; the last one is to be completed. */
typedef struct line {
    const lks_command *const *commands;
    const lks_command *command;
    int n;
    char **words; /* after the command */
    names wanted;
} line;

/* The part of a line that is completed. */
typedef struct slot {
    line *line;
    const char *lead;    /* of the last word, before it: "--out=" */
    const char *written; /* as far as it is written */
} slot;

/* --- candidates ------------------------------------------------------------------------------- */

/* A word of `length` bytes, where it goes on from what is written. */
static void suggest(const slot *s, const char *word, size_t length, const char *end,
                    const char *about) {
    const size_t typed = strlen(s->written);
    if (typed <= length && strncmp(word, s->written, typed) == 0)
        printf("%s%.*s%s\t%s\n", s->lead, (int)length, word, end, about);
}

static void suggest_words(const slot *s, const char *words, const char *separators) {
    for (size_t n; *words; words += n + (words[n] != '\0')) {
        n = strcspn(words, separators);
        suggest(s, words, n, "", "");
    }
}

static void want(const slot *s, names kind) {
    if (kind > s->line->wanted)
        s->line->wanted = kind;
}

/* --- values of --set -------------------------------------------------------------------------- */

static void suggest_key(const lks_key_info *key, void *context) {
    const slot *s = context;
    if (key->layer || strcmp(key->key, "model") == 0)
        return;
    const size_t length = strlen(key->key);
    const char *equals = strchr(s->written, '=');
    if (!equals) {
        suggest(s, key->key, length, "=", key->meaning);
        return;
    }
    if ((size_t)(equals - s->written) != length || strncmp(s->written, key->key, length) != 0)
        return;
    char lead[256];
    snprintf(lead, sizeof lead, "%s%s=", s->lead, key->key);
    const slot value = {s->line, lead, equals + 1};
    suggest_words(&value, key->words, " ");
    if (strcmp(key->key, "data.dir") == 0)
        want(s, FOLDERS);
}

/* --- placeholders ----------------------------------------------------------------------------- */

static void suggest_commands(const slot *s) {
    for (const lks_command *const *c = s->line->commands; *c; c++)
        suggest(s, (*c)->name, strlen((*c)->name), "", (*c)->summary);
}

/* Keys only once something is written: they are many. */
static void suggest_topic(const char *topic, const char *about, void *context) {
    const slot *s = context;
    if (s->written[0] || !strchr(topic, '.'))
        suggest(s, topic, strlen(topic), "", about);
}

static void suggest_topics(const slot *s) {
    slot copy = *s;
    lks_topics_visit(suggest_topic, &copy);
}

static void suggest_configs(const slot *s) {
    for (const lks_embedded *config = lks_shipped_configs; config->name; config++)
        suggest(s, config->name, strlen(config->name), "", "shipped configuration");
}

static void suggest_keys(const slot *s) {
    slot copy = *s;
    lks_config_keys(suggest_key, &copy);
}

static void want_files(const slot *s) {
    want(s, FILES);
}

static void want_yaml(const slot *s) {
    want(s, YAML);
}

static void want_folders(const slot *s) {
    want(s, FOLDERS);
}

/* What the words in capitals stand for in the usage of commands and options. Others, like N, are
 * left to the user. */
static const struct {
    const char *name;
    void (*suggest)(const slot *s);
} placeholders[] = {{"CONFIG", want_yaml},
                    {"CHECKPOINT", want_files},
                    {"DATA", want_files},
                    {"FILE", want_files},
                    {"IMAGE", want_files},
                    {"DIR", want_folders},
                    {"OUT", want_folders},
                    {"RUN_DIR", want_folders},
                    {"COMMAND", suggest_commands},
                    {"NAME", suggest_configs},
                    {"KEY=VALUE", suggest_keys},
                    {"TOPIC", suggest_topics},
                    {NULL, NULL}};

/* One alternative, like auto, FILE or N. */
static void suggest_alternative(const slot *s, const char *word, size_t length) {
    bool literal = true;
    for (size_t i = 0; i < length; i++)
        literal = literal && !isupper((unsigned char)word[i]);
    if (literal)
        suggest(s, word, length, "", "");
    for (int i = 0; placeholders[i].name; i++)
        if (strlen(placeholders[i].name) == length &&
            strncmp(placeholders[i].name, word, length) == 0)
            placeholders[i].suggest(s);
}

/* All of "auto|never|FILE", or of "[COMMAND|config]" and "CHECKPOINT IMAGE...". */
static void suggest_usage(const slot *s, const char *usage) {
    static const char separators[] = "|[]., ";
    for (usage += strspn(usage, separators); *usage; usage += strspn(usage, separators)) {
        const size_t n = strcspn(usage, separators);
        suggest_alternative(s, usage, n);
        usage += n;
    }
}

/* Arguments of a command; its usage has a line for each way to call it, and a way that begins with an
 * option is completed by that. */
static void suggest_arguments(const slot *s, const char *usage) {
    while (*usage) {
        char way[128];
        const size_t n = strcspn(usage, "\n");
        snprintf(way, sizeof way, "%.*s", (int)n, usage);
        if (way[0] != '-')
            suggest_usage(s, way);
        usage += n + (usage[n] == '\n');
    }
}

/* --- options ---------------------------------------------------------------------------------- */

static void suggest_option(const struct argp_option *option, void *context) {
    char word[64];
    const int length = snprintf(word, sizeof word, "--%s", option->name);
    suggest(context, word, (size_t)length, option->arg ? "=" : "", option->doc);
}

/* The option whose value the last word is, after --out or -o; NULL: it is none. */
static const struct argp_option *open_option(const line *l) {
    const char *before = l->n > 1 ? l->words[l->n - 2] : "";
    const struct argp_option *option = NULL;
    int found;
    if (strncmp(before, "--", 2) == 0 && before[2] && !strchr(before, '='))
        option = lks_option_named(l->command, before + 2, strlen(before + 2), 0, &found);
    else if (before[0] == '-' && before[1] && !before[2])
        option = lks_option_named(l->command, NULL, 0, before[1], &found);
    return option && option->arg ? option : NULL;
}

/* --NAME=VALUE */
static void suggest_value(line *l, const char *word, size_t length) {
    int found;
    char lead[64];
    const struct argp_option *option =
        length > 2 ? lks_option_named(l->command, word + 2, length - 2, 0, &found) : NULL;
    snprintf(lead, sizeof lead, "%.*s=", (int)length, word);
    const slot s = {l, lead, word + length + 1};
    if (option && option->arg)
        suggest_usage(&s, option->arg);
}

static void suggest_last(line *l) {
    slot s = {l, "", l->words[l->n - 1]};
    const struct argp_option *option = open_option(l);
    const char *usage = l->command->argp->args_doc;
    const size_t length = strcspn(s.written, "=");
    if (option)
        suggest_usage(&s, option->arg);
    else if (s.written[0] != '-')
        suggest_arguments(&s, usage ? usage : "");
    else if (s.written[length])
        suggest_value(l, s.written, length);
    else
        lks_options_visit(l->command, suggest_option, &s);
}

void lks_complete(const lks_command *const *commands, int n, char **words) {
    static const char *const asked[] = {"", ":folders\n", ":yaml\n", ":files\n"};
    if (n < 1)
        return;
    line l = {commands, lks_command_find(commands, words[0]), n - 1, words + 1, NO_NAMES};
    if (n == 1) {
        const slot s = {&l, "", words[0]};
        suggest_commands(&s);
        suggest(&s, "--help", 6, "", "Print the commands");
        suggest(&s, "--version", 9, "", "Print what the program is made of");
    } else if (l.command) {
        suggest_last(&l);
        fputs(asked[l.wanted], stdout);
    }
}
