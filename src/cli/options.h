/* The tables that argp parses by, read for other ends. */
#ifndef LKS_CLI_OPTIONS_H
#define LKS_CLI_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"

/* Visits the options of a command, its own and the shared ones, in their order, hidden ones left out. */
void lks_options_visit(const lks_command *command,
                       void (*visit)(const struct argp_option *option, void *context),
                       void *context);

/* Finds the option that a user writes --NAME (`length` bytes; a beginning that fits only one will
 * do) or, where name is NULL, with this key as -KEY. NULL: none; *found is how many fit. */
const struct argp_option *lks_option_named(const lks_command *command, const char *name,
                                           size_t length, int key, int *found);

/* True where the option has a short form. */
bool lks_option_is_short(const struct argp_option *option);

/* Tells in @p text what is wrong with the first option on a command line that argp refused. */
void lks_options_fault(const lks_command *command, int argc, char **argv, char *text, size_t size);

#endif
