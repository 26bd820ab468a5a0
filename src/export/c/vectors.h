/* What a program in C can test itself with. */
#ifndef LKS_EXPORT_C_VECTORS_H
#define LKS_EXPORT_C_VECTORS_H

#include "export/c/writer.h"

/* Writes the test, with logits and probabilities of made images as the network itself computes them; or, in whole
 * numbers, with the logits that the plan computes. LKS_ERR_MEMORY. */
lks_status lks_c_write_test(lks_c_writer *w, const lks_exporting *x, lks_error *err);
lks_status lks_c_write_int8_test(lks_c_writer *w, const lks_c_plan *plan, lks_error *err);

#endif
