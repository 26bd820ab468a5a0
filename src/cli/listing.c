#include "cli/listing.h"

#include <string.h>

#include "cli/options.h"
#include "lockstep/config.h"

static const char *or_dash(const char *text) {
    return text && *text ? text : "-";
}

void lks_list_commands(const lks_command *const *commands, FILE *out) {
    for (; *commands; commands++)
        fprintf(out, "command\t%s\t%s\n", (*commands)->name, (*commands)->summary);
}

static void print_option(const struct argp_option *option, void *context) {
    FILE *out = context;
    if (lks_option_is_short(option))
        fprintf(out, "option\t-%c", option->key);
    else
        fprintf(out, "option\t-");
    fprintf(out, "\t--%s\t%s\t%s\n", option->name, or_dash(option->arg), option->doc);
}

void lks_list_options(const lks_command *command, FILE *out) {
    const char *usage = command->argp->args_doc;
    for (const char *line = usage ? usage : ""; *line;) {
        const int length = (int)strcspn(line, "\n");
        fprintf(out, "usage\t%.*s\n", length, line);
        line += length;
        line += *line == '\n';
    }
    lks_options_visit(command, print_option, out);
}

/* On one line: \\n for the end of a line. */
static void print_example(const char *lines, FILE *out) {
    for (; *lines; lines++)
        fputs(*lines == '\n' ? "\\n" : (char[]){*lines, '\0'}, out);
}

static void print_key(const lks_key_info *key, void *context) {
    FILE *out = context;
    fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t", key->key ? "key" : "layer",
            or_dash(key->layer), or_dash(key->key), or_dash(key->expected), or_dash(key->words),
            key->required ? "required" : or_dash(key->preset), or_dash(key->condition),
            key->meaning);
    print_example(or_dash(key->example), out);
    fputc('\n', out);
}

void lks_list_keys(FILE *out) {
    lks_config_keys(print_key, out);
}
