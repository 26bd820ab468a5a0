/* `lockstep --complete WORD...`, for the scripts in completion/. */
#ifndef LKS_CLI_COMPLETE_H
#define LKS_CLI_COMPLETE_H

#include "cli/command.h"

/* Prints what the last word may become, one line each: the word, a tab, a description. A line of ":files",
 * ":yaml" or ":folders" asks the shell for names of files (those of configurations) or folders. */
void lks_complete(const lks_command *const *commands, int n, char **words);

#endif
