#ifndef LKS_EXPORT_REQUEST_H
#define LKS_EXPORT_REQUEST_H

#include "export/export.h"

/* The format that is asked for, by its name or by the ending of --out; NULL with LKS_ERR_USAGE, which names the nearest
 * one or all. */
const lks_export_format *lks_export_format_of(const lks_export_options *o, lks_error *err);

/* How many files the format has. */
int lks_export_files(const lks_export_format *format);

/* Whether --out says standard output, which takes one file. */
bool lks_export_to_stdout(const lks_export_options *o);

/* Names of the files: --out, and with other endings beside it; else in the current folder. LKS_ERR_USAGE. */
lks_status lks_export_find_names(const lks_export_options *o, const lks_export_format *format,
                                 lks_export_names names, lks_error *err);

/* Before the work: LKS_ERR_USAGE where a folder is in the way, or a file and --force was not given. */
lks_status lks_export_check_names(const lks_export_options *o, const lks_export_format *format,
                                  lks_export_names names, lks_error *err);

#endif
