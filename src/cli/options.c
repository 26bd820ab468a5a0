/* The tables that argp parses by, read for other ends: what is wrong with an option, and lists of all
 * for man pages, completion and tests. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lockstep/config.h"
#include "lockstep/suggest.h"

void lks_options_visit(const struct argp *argp,
                       void (*visit)(const struct argp_option *option, void *context),
                       void *context) {
    for (const struct argp_option *o = argp->options; o && (o->name || o->key); o++)
        if (!(o->flags & OPTION_HIDDEN))
            visit(o, context);
    for (const struct argp_child *child = argp->children; child && child->argp; child++)
        lks_options_visit(child->argp, visit, context);
}

bool lks_option_is_short(const struct argp_option *option) {
    return option->key > 0 && option->key < 128 && isprint(option->key);
}

typedef struct search {
    const char *name;
    size_t length;
    int key, found;
    bool exact;
    const struct argp_option *best;
} search;

static void compare(const struct argp_option *option, void *context) {
    search *s = context;
    if (!s->name) {
        if (option->key != s->key)
            return;
    } else if (s->exact || strncmp(option->name, s->name, s->length) != 0) {
        return;
    } else if (!option->name[s->length]) {
        s->exact = true;
        s->found = 0;
    }
    s->best = option;
    s->found++;
}

const struct argp_option *lks_option_named(const struct argp *argp, const char *name, size_t length,
                                           int key, int *found) {
    search s = {name, length, key, 0, false, NULL};
    lks_options_visit(argp, compare, &s);
    *found = s.found;
    return s.found == 1 ? s.best : NULL;
}

/* --- what is wrong ---------------------------------------------------------------------------- */

typedef struct list {
    const char *name;
    size_t length;
    char text[256];
} list;

static void add_fitting(const struct argp_option *option, void *context) {
    list *l = context;
    size_t used = strlen(l->text);
    if (strncmp(option->name, l->name, l->length) == 0)
        snprintf(l->text + used, sizeof l->text - used, "%s--%s", used ? ", " : "", option->name);
}

static void offer(const struct argp_option *option, void *context) {
    lks_nearest_offer(context, option->name, strlen(option->name));
}

/* Keys of a configuration, which many programs have as options: --epochs, --lr, --batch. */
typedef struct key_search {
    const char *name; /* of the option, with '_' for '-' */
    char key[128];
} key_search;

static void compare_key(const lks_key_info *key, void *context) {
    key_search *s = context;
    const char *dot = key->key ? strrchr(key->key, '.') : NULL;
    if (!key->layer && !s->key[0] && strcmp(dot ? dot + 1 : key->key, s->name) == 0)
        snprintf(s->key, sizeof s->key, "%s", key->key);
}

static _Noreturn void refuse_unknown(const struct argp *argp, const char *name, size_t length) {
    char text[64], underscored[64];
    snprintf(text, sizeof text, "%.*s", (int)length, name);
    strcpy(underscored, text);
    for (char *c = underscored; *c; c++)
        *c = *c == '-' ? '_' : *c;
    key_search keys = {.name = underscored};
    int ignored;
    if (lks_option_named(argp, "set", 3, 0, &ignored))
        lks_config_keys(compare_key, &keys);
    if (keys.key[0])
        lks_usage_error("unknown option '--%s'; did you mean '--set %s=VALUE'?", text, keys.key);
    lks_nearest nearest = lks_nearest_start(text);
    lks_options_visit(argp, offer, &nearest);
    if (nearest.best)
        lks_usage_error("unknown option '--%s'; did you mean '--%s'?", text, nearest.best);
    lks_usage_error("unknown option '--%s'", text);
}

/* Returns how many words the option takes: itself, and perhaps its value. */
static int check_long(const struct argp *argp, const char *word, bool last) {
    const char *name = word + 2;
    const size_t length = strcspn(name, "=");
    const bool has_value = name[length] == '=';
    int found;
    const struct argp_option *option = lks_option_named(argp, name, length, 0, &found);
    if (found == 0)
        refuse_unknown(argp, name, length);
    if (!option) {
        list fitting = {name, length, ""};
        lks_options_visit(argp, add_fitting, &fitting);
        lks_usage_error("'--%.*s' is ambiguous: %s", (int)length, name, fitting.text);
    }
    if (!option->arg && has_value)
        lks_usage_error("--%s takes no value: '%s'", option->name, name + length + 1);
    if (!option->arg || has_value)
        return 1;
    if (last)
        lks_usage_error("--%s: its value is missing: --%s %s", option->name, option->name,
                        option->arg);
    return 2;
}

static int check_short(const struct argp *argp, const char *word, bool last) {
    for (const char *c = word + 1; *c; c++) {
        int found;
        const struct argp_option *option = lks_option_named(argp, NULL, 0, *c, &found);
        if (!option)
            lks_usage_error("unknown option '-%c'", *c);
        if (!option->arg)
            continue;
        if (c[1])
            return 1;
        if (last)
            lks_usage_error("-%c: its value is missing: -%c %s", *c, *c, option->arg);
        return 2;
    }
    return 1;
}

_Noreturn void lks_refuse_options(const struct argp *argp, int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0;) {
        const bool last = i + 1 == argc;
        if (strncmp(argv[i], "--", 2) == 0)
            i += check_long(argp, argv[i], last);
        else
            i += argv[i][0] == '-' ? check_short(argp, argv[i], last) : 1;
    }
    lks_usage_error("the options are not understood");
}

/* --- lists ------------------------------------------------------------------------------------ */

static const char *or_dash(const char *text) {
    return text && *text ? text : "-";
}

void lks_print_commands(FILE *out) {
    for (const lks_command *c = lks_commands; c->name; c++)
        fprintf(out, "command\t%s\t%s\n", c->name, c->summary);
}

static void print_option(const struct argp_option *option, void *context) {
    FILE *out = context;
    if (lks_option_is_short(option))
        fprintf(out, "option\t-%c", option->key);
    else
        fprintf(out, "option\t-");
    fprintf(out, "\t--%s\t%s\t%s\n", option->name, or_dash(option->arg), option->doc);
}

void lks_print_options(FILE *out, const struct argp *argp) {
    for (const char *line = argp->args_doc ? argp->args_doc : ""; *line;) {
        const int length = (int)strcspn(line, "\n");
        fprintf(out, "usage\t%.*s\n", length, line);
        line += length;
        line += *line == '\n';
    }
    lks_options_visit(argp, print_option, out);
}

static void print_key(const lks_key_info *key, void *context) {
    FILE *out = context;
    fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key->key ? "key" : "layer",
            or_dash(key->layer), or_dash(key->key), or_dash(key->expected), or_dash(key->words),
            key->required ? "required" : or_dash(key->preset), or_dash(key->condition),
            key->meaning);
}

void lks_print_keys(FILE *out) {
    lks_config_keys(print_key, out);
}
