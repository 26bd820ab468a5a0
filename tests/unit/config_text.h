/** @file config_text.h  What the programs that test the configuration share. */
#ifndef LKS_TEST_CONFIG_TEXT_H
#define LKS_TEST_CONFIG_TEXT_H

#include "lockstep/config.h"
#include "support/golden.h"

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

/** The shortest configuration there is. */
#define MODEL "model: [flatten, {dense: 10}]\n"

/** Parses @p text, called "some/net.yaml", and at most one setting (NULL: none). */
lks_status parse_text(lks_config *config, const char *text, const char *set, lks_error *err);

/** Parses what must be right; the test ends here if it is not. */
lks_config parse_good(const char *text, const char *set);

/** What a golden case's texts "model" (MODEL where there is none) and "train" say, with the
 *  validation split that some schedules want. */
lks_config golden_config(const lks_golden_case *c);

/** The text of a file in configs/, freed by the caller. */
char *read_shipped(const char *name, size_t *size);

/** Between the two, what is printed on descriptor 2 is caught; check_stderr() asserts that there
 *  was nothing. */
void catch_stderr(void);
void check_stderr(void);

#endif
