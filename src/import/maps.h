/* What the user says of names: "conv1=features.0", "conv1/weight=features.0.weight". */
#ifndef LKS_IMPORT_MAPS_H
#define LKS_IMPORT_MAPS_H

#include "lockstep/status.h"

typedef struct lks_import_map {
    char *ours, *theirs; /* owned */
    int line;            /* in its file; 0: of the command line */
} lks_import_map;

typedef struct lks_import_maps {
    lks_import_map *all; /* [n] */
    int n, room;
} lks_import_maps;

/* Adds what one --map says: OURS=THEIRS, or the name of a file with a line of that form for each; empty lines and those
 * that begin with # say nothing. LKS_ERR_USAGE names what has no such form, and a name of ours that comes twice;
 * LKS_ERR_IO, LKS_ERR_MEMORY. Freed by lks_import_maps_free(), also after a failure. */
lks_status lks_import_maps_add(lks_import_maps *maps, const char *said, lks_error *err);
void lks_import_maps_free(lks_import_maps *maps);

#endif
