#ifndef LKS_IMPORT_COMPARE_H
#define LKS_IMPORT_COMPARE_H

#include "import/match.h"

/* Warns of each layer whose strides, padding, groups or epsilon are otherwise in the file than in the configuration, as far
 * as the file says them; `from` [n] as lks_import_match() filled it. */
void lks_import_compare(const lks_config *config, const lks_import_target *targets, const int *from,
                        int n, const lks_import_source *s);

#endif
