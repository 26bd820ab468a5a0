/* A run folder in memory, whatever of it is there. */
#ifndef LKS_REPORT_RUN_H
#define LKS_REPORT_RUN_H

#include <stdbool.h>

#include "infer/contested.h"
#include "io/checkpoint.h"
#include "nn/metrics.h"
#include "lockstep/model.h"
#include "run/run_folder.h"

typedef struct lks_report_run {
    const char *folder;       /* as given */
    char label[LKS_PATH_MAX]; /* the folder's own name, or all of `folder` where runs share it */
    lks_config config;
    char *config_yaml;
    char *summary; /* text of summary.json; NULL: the run has not ended */
    lks_history history;
    lks_predictions test; /* n 0: none */
    lks_counts *counts;   /* of `test`; total 0: none. The loss is not filled in. */

    char remark
        [LKS_REMARK_ROOM]; /* what is wrong in the folder, and what was taken; "": nothing is */

    /* The checkpoint that the run is tested with: lks_folder_read(). */
    bool has_checkpoint, instead; /* instead: that one could not be read, this is another one */
    char problem[512];            /* why there is none */
    lks_checkpoint checkpoint;
    lks_layer_info *layers; /* [config.n_layers], or NULL without a checkpoint */

    /* Test images, as many as `test`; open only where they are those of the labels. */
    bool has_images;
    char images_problem[600]; /* why not */
    struct lks_report_images *images;
    const lks_contested *contested; /* of them; NULL: no set of which that is known */
} lks_report_run;

/* Reads all that is in `folder`, which is borrowed; `data`: lks_report_options'. LKS_ERR_IO where it is not
 * there, LKS_ERR_USAGE where that is no run folder; errors of damaged files. On failure nothing needs freeing. */
lks_status lks_report_run_read(lks_report_run *run, const char *folder, const char *data,
                               lks_error *err);
void lks_report_run_free(lks_report_run *run);

/* Whether its weights came from another program's file, and nobody has trained here. */
bool lks_report_imported(const lks_report_run *run);

/* A number of summary.json; NaN where it is not there. */
double lks_report_number(const lks_report_run *run, const char *key);

/* The temperature at which `predict` and the board tell how sure the checkpoint is; only where has_checkpoint. */
double lks_report_temperature(const lks_report_run *run);

/* The shape of an image, from the checkpoint. */
lks_shape lks_report_shape(const lks_report_run *run);

/* Whether pictures of that shape may be shown in the page. */
bool lks_report_small(lks_shape s);

/* One test image into `pixels` [rows][columns][channels]; only where has_images. */
lks_status lks_report_image(const lks_report_run *run, int64_t index, uint8_t *pixels,
                            lks_error *err);

/* The name of class k, or its number: into `text`, which is returned. */
const char *lks_report_class(const lks_report_run *run, int k, char text[LKS_NAME_MAX]);

#endif
