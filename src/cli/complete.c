/* What a half-written command line may become. Shells ask at every press of the tab key, so that
 * nothing has to be generated, and completion knows what this very program takes. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/embedded.h"
#include "cli/cli.h"
#include "lockstep/config.h"

extern const lks_embedded lks_shipped_configs[];

/* The line of words; the last one is to be completed. */
typedef struct line {
    int n;
    char **words;
} line;

/* --- candidates ------------------------------------------------------------------------------- */

/* A word of `length` bytes behind `lead`, where it goes on from what is written. */
static void suggest(const char *lead, const char *written, const char *word, size_t length,
                    const char *end, const char *about) {
    const size_t typed = strlen(written);
    if (typed <= length && strncmp(word, written, typed) == 0)
        printf("%s%.*s%s\t%s\n", lead, (int)length, word, end, about);
}

static void suggest_words(const char *lead, const char *written, const char *words,
                          const char *separators) {
    for (size_t n; *words; words += n + (words[n] != '\0')) {
        n = strcspn(words, separators);
        suggest(lead, written, words, n, "", "");
    }
}

/* What names the shell is asked for in the end: each kind holds those before it. */
typedef enum names { NO_NAMES, FOLDERS, YAML, FILES } names;
static names wanted;

static void want(names kind) {
    wanted = kind > wanted ? kind : wanted;
}

/* --- values of --set -------------------------------------------------------------------------- */

typedef struct assignment {
    const char *lead, *written; /* before KEY=VALUE on the line, and as far as it is written */
} assignment;

static void suggest_key(const lks_key_info *key, void *context) {
    const assignment *a = context;
    if (key->layer || strcmp(key->key, "model") == 0)
        return;
    const size_t length = strlen(key->key);
    const char *equals = strchr(a->written, '=');
    if (!equals) {
        suggest(a->lead, a->written, key->key, length, "=", key->meaning);
        return;
    }
    if ((size_t)(equals - a->written) != length || strncmp(a->written, key->key, length) != 0)
        return;
    char lead[256];
    snprintf(lead, sizeof lead, "%s%s=", a->lead, key->key);
    suggest_words(lead, equals + 1, key->words, " ");
    if (strcmp(key->key, "data.dir") == 0)
        want(FOLDERS);
}

/* --- placeholders ----------------------------------------------------------------------------- */

static void suggest_commands(const char *lead, const char *written) {
    for (const lks_command *c = lks_commands; c->name; c++)
        suggest(lead, written, c->name, strlen(c->name), "", c->summary);
}

static void suggest_configs(const char *lead, const char *written) {
    for (const lks_embedded *s = lks_shipped_configs; s->name; s++)
        suggest(lead, written, s->name, strlen(s->name), "", "shipped configuration");
}

static void suggest_keys(const char *lead, const char *written) {
    assignment a = {lead, written};
    lks_config_keys(suggest_key, &a);
}

static void want_files(const char *lead, const char *written) {
    (void)lead, (void)written;
    want(FILES);
}

static void want_yaml(const char *lead, const char *written) {
    (void)lead, (void)written;
    want(YAML);
}

static void want_folders(const char *lead, const char *written) {
    (void)lead, (void)written;
    want(FOLDERS);
}

static void ask_for_names(void) {
    static const char *const lines[] = {"", ":folders\n", ":yaml\n", ":files\n"};
    fputs(lines[wanted], stdout);
}

/* What the words in capitals stand for in the usage of commands and options. Others, like N, are
 * left to the user. */
static const struct {
    const char *name;
    void (*suggest)(const char *lead, const char *written);
} placeholders[] = {
    {"CONFIG", want_yaml},     {"CHECKPOINT", want_files},  {"DATA", want_files},
    {"FILE", want_files},      {"IMAGE", want_files},       {"DIR", want_folders},
    {"OUT", want_folders},     {"RUN_DIR", want_folders},   {"COMMAND", suggest_commands},
    {"NAME", suggest_configs}, {"KEY=VALUE", suggest_keys}, {NULL, NULL}};

/* One alternative, like auto, FILE or N. */
static void suggest_alternative(const char *lead, const char *written, const char *word,
                                size_t length) {
    bool literal = true;
    for (size_t i = 0; i < length; i++)
        literal = literal && !isupper((unsigned char)word[i]);
    if (literal)
        suggest(lead, written, word, length, "", "");
    for (int i = 0; placeholders[i].name; i++)
        if (strlen(placeholders[i].name) == length &&
            strncmp(placeholders[i].name, word, length) == 0)
            placeholders[i].suggest(lead, written);
}

/* All of "auto|never|FILE", or of "[COMMAND|config]" and "CHECKPOINT IMAGE...". */
static void suggest_usage(const char *lead, const char *written, const char *usage) {
    static const char separators[] = "|[]., ";
    for (usage += strspn(usage, separators); *usage; usage += strspn(usage, separators)) {
        const size_t n = strcspn(usage, separators);
        suggest_alternative(lead, written, usage, n);
        usage += n;
    }
}

/* Arguments of a command; its usage has a line for each way to call it, and a way that begins with an
 * option is completed by that. */
static void suggest_arguments(const char *written, const char *usage) {
    while (*usage) {
        char way[128];
        const size_t n = strcspn(usage, "\n");
        snprintf(way, sizeof way, "%.*s", (int)n, usage);
        if (way[0] != '-')
            suggest_usage("", written, way);
        usage += n + (usage[n] == '\n');
    }
}

/* --- options ---------------------------------------------------------------------------------- */

static void suggest_option(const struct argp_option *option, void *context) {
    char word[64];
    const int length = snprintf(word, sizeof word, "--%s", option->name);
    suggest("", context, word, (size_t)length, option->arg ? "=" : "", option->doc);
}

/* The option whose value the last word is, after --out or -o; NULL: it is none. */
static const struct argp_option *open_option(const struct argp *argp, const line *l) {
    const char *before = l->n > 1 ? l->words[l->n - 2] : "";
    const struct argp_option *option = NULL;
    int found;
    if (strncmp(before, "--", 2) == 0 && before[2] && !strchr(before, '='))
        option = lks_option_named(argp, before + 2, strlen(before + 2), 0, &found);
    else if (before[0] == '-' && before[1] && !before[2])
        option = lks_option_named(argp, NULL, 0, before[1], &found);
    return option && option->arg ? option : NULL;
}

static void suggest_last(const struct argp *argp, const line *l) {
    const char *word = l->words[l->n - 1];
    const struct argp_option *option = open_option(argp, l);
    if (option) {
        suggest_usage("", word, option->arg);
        return;
    }
    if (word[0] != '-') {
        suggest_arguments(word, argp->args_doc ? argp->args_doc : "");
        return;
    }
    const size_t length = strcspn(word, "=");
    if (!word[length]) {
        lks_options_visit(argp, suggest_option, l->words[l->n - 1]);
        return;
    }
    int found;
    char lead[64];
    option = length > 2 ? lks_option_named(argp, word + 2, length - 2, 0, &found) : NULL;
    snprintf(lead, sizeof lead, "%.*s=", (int)length, word);
    if (option && option->arg)
        suggest_usage(lead, word + length + 1, option->arg);
}

static void answer(const struct argp *argp, void *context) {
    suggest_last(argp, context);
    ask_for_names();
}

int lks_complete(int n, char **words) {
    if (n < 1)
        return 0;
    if (n == 1) {
        suggest_commands("", words[0]);
        suggest("", words[0], "--help", 6, "", "Print the commands");
        suggest("", words[0], "--version", 9, "", "Print what the program is made of");
        return 0;
    }
    const lks_command *command = lks_find_command(words[0]);
    line l = {n - 1, words + 1};
    if (command)
        lks_ask(command, answer, &l);
    return 0;
}
