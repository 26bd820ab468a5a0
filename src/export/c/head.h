/* The header, and the remarks at the top. */
#ifndef LKS_EXPORT_C_HEAD_H
#define LKS_EXPORT_C_HEAD_H

#include "export/c/writer.h"

/* A kind of program: its texts, and what the network's function works in and gives. */
typedef struct lks_c_form {
    const lks_c_kernels *kernels;
    const char *header, *top, *guard;
    const char *scratch, *logits; /* types */
    const char *answers[3];       /* texts behind the network, NULL after the last */
} lks_c_form;

/* Writes the whole header, and the beginning of the source, which includes the file `header`; `measured` tells how good
 * it is, or is "". LKS_ERR_MEMORY. */
void lks_c_write_header(lks_c_writer *w, const lks_c_plan *plan, const lks_c_form *form);
lks_status lks_c_write_top(lks_c_writer *w, const lks_c_plan *plan, const lks_c_form *form,
                           const char *header, const char *measured, lks_error *err);

/* Writes the names of the classes. */
void lks_c_write_classes(lks_c_writer *w, const lks_exporting *x);

#endif
