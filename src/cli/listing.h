/* `lockstep help --options`: the tables as lines of fields with tabs between them, "-" where there is
 * nothing. For man pages, completion and tests. */
#ifndef LKS_CLI_LISTING_H
#define LKS_CLI_LISTING_H

#include <stdio.h>

#include "cli/command.h"

void lks_list_commands(const lks_command *const *commands, FILE *out);
void lks_list_options(const lks_command *command, FILE *out);
void lks_list_keys(FILE *out); /* of a configuration */

#endif
