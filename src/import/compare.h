#ifndef LKS_IMPORT_COMPARE_H
#define LKS_IMPORT_COMPARE_H

#include "import/network.h"

/* Warns of each layer whose strides, padding, groups or epsilon are otherwise in the file than in the configuration, as far
 * as the file says them. After lks_import_network_take(). */
void lks_import_compare(const lks_import_network *n, const lks_import_source *s);

#endif
