#include "cli/options.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lockstep/config.h"
#include "base/suggest.h"

static void visit_table(const struct argp *argp,
                        void (*visit)(const struct argp_option *option, void *context),
                        void *context) {
    for (const struct argp_option *o = argp->options; o && (o->name || o->key); o++)
        if (!(o->flags & OPTION_HIDDEN))
            visit(o, context);
    for (const struct argp_child *child = argp->children; child && child->argp; child++)
        visit_table(child->argp, visit, context);
}

void lks_options_visit(const lks_command *command,
                       void (*visit)(const struct argp_option *option, void *context),
                       void *context) {
    visit_table(command->argp, visit, context);
    visit_table(command->shared, visit, context);
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

const struct argp_option *lks_option_named(const lks_command *command, const char *name,
                                           size_t length, int key, int *found) {
    search s = {name, length, key, 0, false, NULL};
    lks_options_visit(command, compare, &s);
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

typedef struct fault {
    const lks_command *command;
    char *text;
    size_t size;
} fault;

/* Returns 0: no words. */
__attribute__((format(printf, 2, 3))) static int found_fault(const fault *f, const char *format,
                                                             ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, f->size, format, args);
    va_end(args);
    return 0;
}

static int unknown(const fault *f, const char *name, size_t length) {
    char text[64], underscored[64];
    snprintf(text, sizeof text, "%.*s", (int)length, name);
    strcpy(underscored, text);
    for (char *c = underscored; *c; c++)
        *c = *c == '-' ? '_' : *c;
    key_search keys = {.name = underscored};
    int ignored;
    if (lks_option_named(f->command, "set", 3, 0, &ignored))
        lks_config_keys(compare_key, &keys);
    if (keys.key[0])
        return found_fault(f, "unknown option '--%s'; did you mean '--set %s=VALUE'?", text,
                           keys.key);
    lks_nearest nearest = lks_nearest_start(text);
    lks_options_visit(f->command, offer, &nearest);
    if (nearest.best)
        return found_fault(f, "unknown option '--%s'; did you mean '--%s'?", text, nearest.best);
    return found_fault(f, "unknown option '--%s'", text);
}

/* Returns how many words the option takes, itself and perhaps its value; 0: there is a fault. */
static int check_long(const fault *f, const char *word, bool last) {
    const char *name = word + 2;
    const size_t length = strcspn(name, "=");
    const bool has_value = name[length] == '=';
    int found;
    const struct argp_option *option = lks_option_named(f->command, name, length, 0, &found);
    if (found == 0)
        return unknown(f, name, length);
    if (!option) {
        list fitting = {name, length, ""};
        lks_options_visit(f->command, add_fitting, &fitting);
        return found_fault(f, "'--%.*s' is ambiguous: %s", (int)length, name, fitting.text);
    }
    if (!option->arg && has_value)
        return found_fault(f, "--%s takes no value: '%s'", option->name, name + length + 1);
    if (!option->arg || has_value)
        return 1;
    if (last)
        return found_fault(f, "--%s: its value is missing: --%s %s", option->name, option->name,
                           option->arg);
    return 2;
}

static int check_short(const fault *f, const char *word, bool last) {
    for (const char *c = word + 1; *c; c++) {
        int found;
        const struct argp_option *option = lks_option_named(f->command, NULL, 0, *c, &found);
        if (!option)
            return found_fault(f, "unknown option '-%c'", *c);
        if (!option->arg)
            continue;
        if (c[1])
            return 1;
        if (last)
            return found_fault(f, "-%c: its value is missing: -%c %s", *c, *c, option->arg);
        return 2;
    }
    return 1;
}

void lks_options_fault(const lks_command *command, int argc, char **argv, char *text, size_t size) {
    const fault f = {command, text, size};
    for (int i = 1, words = 1; i < argc && strcmp(argv[i], "--") != 0; i += words) {
        const bool last = i + 1 == argc;
        if (strncmp(argv[i], "--", 2) == 0)
            words = check_long(&f, argv[i], last);
        else
            words = argv[i][0] == '-' ? check_short(&f, argv[i], last) : 1;
        if (words == 0)
            return;
    }
    found_fault(&f, "the options are not understood");
}
