/* What the program says about itself. */
#ifndef LKS_CLI_ABOUT_H
#define LKS_CLI_ABOUT_H

#include <stdio.h>

#include "cli/command.h"

/* The text of `lockstep --help`. */
void lks_print_usage(const lks_command *const *commands, FILE *out);

/* The text of `lockstep --version`: what the program is made of and would run on here. */
void lks_print_version(FILE *out);

#endif
