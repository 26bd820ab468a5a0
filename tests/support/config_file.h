/** @file config_file.h  A configuration of a test's own, as a file. */
#ifndef LKS_TEST_CONFIG_FILE_H
#define LKS_TEST_CONFIG_FILE_H

#include <stdio.h>

#include "lockstep/config.h"
#include "support/give_up.h"
#include "support/test.h"

/** Writes @p text as config.yaml of the test's folder, whose path goes to @p path; ends every rank where it cannot. */
static inline void lks_write_config(lks_comm *comm, const char *text, char path[LKS_PATH_MAX]) {
    snprintf(path, LKS_PATH_MAX, "%s/config.yaml", lks_test_folder());
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        lks_give_up(comm, 1, "cannot write the configuration");
}

#endif
