/* `lockstep predict --sort`: pictures are copied into a folder for each class, by answer. */
#ifndef LKS_TOOL_SORT_H
#define LKS_TOOL_SORT_H

#include "pictures/picture_folder.h"
#include "lockstep/predict.h"

/* A file that is in one of the folders. */
typedef struct lks_sorted_file {
    char *path;
    int64_t size;
    uint64_t hash; /* of its bytes; 0: not asked for so far */
    bool unsure;   /* in the folder of unsure ones */
} lks_sorted_file;

typedef struct lks_sorter {
    const char *dir;
    const lks_data_config *data; /* names of the classes */
    int classes;
    lks_shape shape;        /* of an image that the network sees */
    lks_sorted_file *files; /* [n_files] */
    int64_t n_files;
    int64_t counts[LKS_CLASSES_MAX + 1]; /* copied, by class; the last: unsure */
    int64_t there;                       /* were there already */
    lks_status status;                   /* of the first failure, after which nothing is copied */
    lks_error err;
} lks_sorter;

/* Makes folder @p dir, one in it for each class (lks_class_folder()) and LKS_UNSURE_FOLDER, where they are missing, and
 * lists their files. LKS_ERR_IO. Freed by lks_sorter_free(), also after a failure. Not collective. */
lks_status lks_sorter_open(lks_sorter *s, const char *dir, const lks_predictor *predictor,
                           lks_error *err);

/* An lks_on_answer: copies the answered picture to DIR/CLASS/NAME, complete or not at all, and never in the place of
 * another file: NAME-2 and so on is taken where another picture has the name. One that lies in a class folder already, byte by
 * byte, stays where it is, so what people moved keeps its place. */
void lks_sorter_take(void *sorter, const lks_answer *answer);

/* Tells how many went where. */
void lks_sorter_report(const lks_sorter *s);
void lks_sorter_free(lks_sorter *s);

#endif
