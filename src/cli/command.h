/* A command of the program: one file in commands/, one entry in the table. Help, completion, man pages and
 * messages read the table; nothing has to be run for them. */
#ifndef LKS_CLI_COMMAND_H
#define LKS_CLI_COMMAND_H

#include <argp.h>

typedef struct lks_call lks_call;

typedef struct lks_command {
    const char *name, *summary;
    const struct argp *argp;   /* its own options, its arguments and its help; without children */
    const struct argp *shared; /* options that it takes besides: those of parse.h */
    int (*run)(const lks_call *call); /* begins with lks_parse(); returns the exit status */
} lks_command;

/* A command line on its way to its command. */
struct lks_call {
    const lks_command *const *commands; /* the whole table, NULL after the last */
    const lks_command *command;         /* the one that is called */
    int argc;
    char **argv; /* argv[0] is "lockstep NAME" */
};

/* The command of that name, or NULL. */
const lks_command *lks_command_find(const lks_command *const *commands, const char *name);

/* Says that there is no such command, and which one is near; returns the exit status. */
int lks_command_unknown(const lks_command *const *commands, const char *name);

#endif
