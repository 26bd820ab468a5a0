/* What lks_pack() has packed, and how it is told. */
#ifndef LKS_TOOL_PACK_H
#define LKS_TOOL_PACK_H

#include "infer/predict/preparation.h"
#include "data/data.h"
#include "lockstep/pack.h"
#include "lockstep/picture.h"
#include "pictures/picture_folder.h"

typedef struct lks_packed {
    const lks_pack_options *options;
    lks_picture_folder folder;
    lks_preparation preparation;
    lks_picture_form form; /* of an image */
    lks_data_config *like; /* the network's, where pictures are packed for one */
    int like_classes;
    size_t image_bytes;
    int64_t count;   /* pictures that were read */
    int64_t n_train; /* of these; the folder's own parts only */
    uint8_t *images; /* [count][rows][columns][channels] */
    uint8_t *labels; /* [count] */
    lks_split split; /* ids below count; "validation" is the test set */
    double last_drawn;
    bool progress, drawn;
} lks_packed;

/* Takes preparation and classes from options->like. Errors as lks_folder_read(). */
lks_status lks_pack_like(lks_packed *p, lks_error *err);

/* The text of pictures.yaml, for free(); NULL with @p err when memory is short. Folders whose names no class can have
 * are warned of, and then no class has a name. */
char *lks_pack_note(const lks_packed *p, lks_error *err);

/* pack_check.c: warns of what looks wrong. LKS_ERR_DATA where nothing is to be seen on any image; LKS_ERR_MEMORY. */
lks_status lks_pack_check(const lks_packed *p, lks_error *err);

/* The table of the classes, and the commands that train on them. */
lks_status lks_pack_report(const lks_packed *p, lks_error *err);

#endif
