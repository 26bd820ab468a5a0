/* lockstep: which command? */
#include <stdio.h>
#include <string.h>

#include "cli/about.h"
#include "cli/command.h"
#include "cli/commands/commands.h"
#include "cli/complete.h"
#include "cli/process.h"

#define ENTRY(name) &lks_command_##name,
static const lks_command *const commands[] = {LKS_COMMANDS(ENTRY) NULL};

static int run(const lks_command *command, int argc, char **argv) {
    char name[64];
    snprintf(name, sizeof name, "lockstep %s", command->name);
    argv[0] = name;
    const lks_call call = {commands, command, argc, argv};
    return command->run(&call);
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c) {
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || (c && strcmp(word, c) == 0);
}

static int choose(int argc, char **argv) {
    if (argc < 2) {
        if (lks_speaks())
            lks_print_usage(commands, stderr);
        return lks_speaks() ? 2 : 0;
    }
    if (is_one_of(argv[1], "--help", "-h", "-?")) {
        if (lks_speaks())
            lks_print_usage(commands, stdout);
        return 0;
    }
    if (is_one_of(argv[1], "--version", "-V", NULL)) {
        if (lks_speaks())
            lks_print_version(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--complete") == 0) {
        lks_complete(commands, argc - 2, argv + 2);
        return 0;
    }
    const lks_command *command = lks_command_find(commands, argv[1]);
    return command ? run(command, argc - 1, argv + 1) : lks_command_unknown(commands, argv[1]);
}

int main(int argc, char **argv) {
    lks_process_begin();
    lks_process_end(choose(argc, argv));
}
