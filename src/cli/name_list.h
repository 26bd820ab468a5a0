/* Names of files from a file. */
#ifndef LKS_CLI_NAME_LIST_H
#define LKS_CLI_NAME_LIST_H

#include "lockstep/status.h"

/* Reads the list @p path ("-": standard input) into *text, one name a line, for free(). As editors on Windows write
 * it, too: a byte order mark and carriage returns at the ends of lines are taken off. LKS_ERR_IO; LKS_ERR_USAGE for
 * UTF-16, and for bytes 0, which no name has. *text is NULL for an empty list. */
lks_status lks_name_list_read(const char *path, char **text, lks_error *err);

#endif
