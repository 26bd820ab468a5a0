#ifndef LKS_EXPORT_FACTS_H
#define LKS_EXPORT_FACTS_H

#include "export/exporting.h"

/* Fills in x->facts, from all other members. LKS_ERR_MEMORY. Freed by lks_export_facts_free(), also after a failure. */
lks_status lks_export_facts_make(lks_exporting *x, lks_error *err);
void lks_export_facts_free(lks_exporting *x);

#endif
