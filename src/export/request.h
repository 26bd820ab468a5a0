#ifndef LKS_EXPORT_REQUEST_H
#define LKS_EXPORT_REQUEST_H

#include "export/export.h"

/* How many files the format has. */
int lks_export_files(const lks_export_format *format);

/* Their names: --out, and with other endings beside it; else in the current folder. LKS_ERR_USAGE. */
lks_status lks_export_find_names(const lks_export_options *o, const lks_export_format *format,
                                 lks_export_names names, lks_error *err);

/* Before the work: LKS_ERR_USAGE where a folder is in the way, or a file and --force was not given. */
lks_status lks_export_check_names(const lks_export_options *o, const lks_export_format *format,
                                  lks_export_names names, lks_error *err);

#endif
