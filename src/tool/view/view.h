/* A data set looked at for people: sizes, counts, what is suspicious, the first images, and some of each class. */
#ifndef LKS_TOOL_VIEW_VIEW_H
#define LKS_TOOL_VIEW_VIEW_H

#include "feed/findings.h"
#include "lockstep/format.h"
#include "lockstep/picture.h"
#include "pictures/picture_folder.h"

enum {
    LKS_VIEW_FIRST = 6,       /* images that are drawn as text, */
    LKS_VIEW_COLUMNS = 24,    /* so many characters wide, */
    LKS_VIEW_ROWS = 12,       /* and high: a character is twice as high as it is wide */
    LKS_VIEW_EACH = 10,       /* images of a class on the sheet */
    LKS_VIEW_CELL_MAX = 64,   /* pixels of one, at most */
    LKS_VIEW_UNLABELLED = 100 /* images on the sheet, where nobody knows their classes */
};

/* The training or the test images. */
typedef struct lks_part_view {
    char path[LKS_PATH_MAX], labels_path[LKS_PATH_MAX]; /* labels_path "": no labels */
    int64_t count;                                      /* 0: there is no such part */
    lks_survey survey;
    int low_rows, low_columns, high_rows, high_columns; /* extreme sizes of the pictures */
    int64_t sum_rows, sum_columns;
    int64_t box_rows[2], box_columns[2]; /* sums over images: of what is dark, of what is light */
    int64_t n_clear;                     /* pictures that let the ground through */
    int n_first;
    uint8_t first[LKS_VIEW_FIRST][LKS_VIEW_ROWS][LKS_VIEW_COLUMNS];
    uint8_t first_labels[LKS_VIEW_FIRST];
    int64_t seen[LKS_CLASSES_MAX]; /* images of each class so far */
    int on_sheet[LKS_CLASSES_MAX]; /* of these on the sheet */
    uint8_t *cells; /* [classes][LKS_VIEW_EACH][cell_rows][cell_columns][cell_channels] */
} lks_part_view;

typedef struct lks_view {
    lks_part_view part[2]; /* training, test */
    const lks_data_config *config;
    int classes; /* rows of the sheet */
    int cell_rows, cell_columns, cell_channels;
    const lks_picture_folder *folder; /* borrowed; NULL: images of a set */
    char *const *class_names;         /* borrowed; NULL: those of config */
    lks_image_trace *traces;
    size_t n_traces, traces_room;
    lks_repeats repeats;
} lks_view;

/* Fills a zeroed @p v with the sets of @p config, which must outlive it, each read once. Freed by lks_view_free(), also
 * after an error: LKS_ERR_DATA, LKS_ERR_MEMORY. */
lks_status lks_view_open(lks_view *v, const lks_data_config *config, lks_error *err);

/* The same with one IDX file of images alone. */
lks_status lks_view_open_images(lks_view *v, const lks_data_config *config, const char *path,
                                lks_error *err);

/* The same with pictures in class folders, each put on black as `lockstep pack` does. One that cannot be read is
 * warned of and left out. @p folder must outlive @p v. */
lks_status lks_view_open_folder(lks_view *v, const lks_data_config *config,
                                const lks_picture_folder *folder, lks_error *err);
void lks_view_free(lks_view *v);

/* print.c: on standard output. */
void lks_view_print(const lks_view *v);

/* print.c: "" for a class that has no name, or is called by its number; whether there are labels; what is suspicious, and
 * the word for how much. */
const char *lks_view_class_name(const lks_view *v, int k);
bool lks_view_has_labels(const lks_view *v);
void lks_view_find(const lks_view *v, lks_findings *found);
const char *lks_view_weight(lks_finding_weight weight);

/* print_rows.c: the same as JSON, or the classes as CSV. LKS_ERR_MEMORY. */
lks_status lks_view_print_rows(const lks_view *v, lks_format format, lks_error *err);

/* print_rows.c: how often each label occurs, of a file of labels alone. LKS_ERR_MEMORY. */
lks_status lks_view_print_labels(const char *path, int64_t n, const int64_t counts[LKS_CLASSES_MAX],
                                 lks_format format, lks_error *err);

/* sheet.c: writes a PNG with a row for each class: its number, some of its training images, some of its test images,
 * spread evenly over each file, so that the same set gives the same sheet. LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_view_write_sheet(const lks_view *v, const char *path, lks_error *err);

#endif
