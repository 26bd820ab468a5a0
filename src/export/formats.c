#include "export/export.h"

/* Formats do not know this table, so no header declares them. */
#define DECLARE(name, about) extern const lks_export_format lks_export_##name;
LKS_EXPORT_FORMATS(DECLARE, )

#define ENTRY(name, about) &lks_export_##name,
const lks_export_format *const lks_export_formats[] = {LKS_EXPORT_FORMATS(ENTRY, ) NULL};
