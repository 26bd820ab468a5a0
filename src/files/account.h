/* A file that is appended to and tells what is kept elsewhere, too: that it cannot be written is warned of once and ends
 * nothing, and it is made anew as soon as that is possible. One process; nothing is collective. */
#ifndef LKS_FILES_ACCOUNT_H
#define LKS_FILES_ACCOUNT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "lockstep/status.h"

/* Zero but for `path` before lks_account_start(); ended by lks_account_close(). */
typedef struct lks_account {
    FILE *
        file; /* to append to; NULL: not open, or given up for now. A failure shows in lks_account_is_whole() */
    char path[PATH_MAX + 64];
    bool told; /* that it cannot be written */
    bool cut;  /* something that belongs there could not be made */
} lks_account;

/* Makes the text of all that the file should hold by now, for free(). */
typedef lks_status (*lks_account_text)(const void *context, char **text, size_t *size,
                                       lks_error *err);

/* Publishes that text in place of what is there, and opens the file. LKS_ERR_BUSY, where this life lost its place; any other
 * failure is warned of, and LKS_OK. */
lks_status lks_account_start(lks_account *a, lks_account_text make, const void *context,
                             lks_error *err);

/* Whether all that was appended reached the file. Where it did not, that is warned of, and the file closed. */
bool lks_account_is_whole(lks_account *a);

void lks_account_close(lks_account *a);

#endif
