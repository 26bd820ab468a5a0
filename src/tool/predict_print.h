/* How `lockstep predict` prints its answers. */
#ifndef LKS_TOOL_PREDICT_PRINT_H
#define LKS_TOOL_PREDICT_PRINT_H

#include "lockstep/format.h"
#include "lockstep/predict.h"
#include "tool/view/boxes.h"

typedef struct lks_predict_printer {
    lks_format format;
    int top;         /* classes of each answer, the likeliest first */
    bool show;       /* and what the network saw */
    bool calibrated; /* how sure the answers are */
    bool answered;   /* there was an answer, */
    bool unsure;     /* and one that is unsure */
    int name_width;  /* text: columns that the files' names take */
    bool segment;    /* answers have a place */
    double least;    /* text, of the line so far: how sure the least sure answer is */
    bool in_doubt;   /* text: whether an answer of the line so far has a doubt */
    lks_shape shape;
    int classes;
    lks_boxes boxes;             /* the picture with what was found on it */
    const lks_data_config *data; /* the classes' names */
} lks_predict_printer;

/* Before the first answer. */
void lks_predict_print_head(const lks_predict_printer *printer);

/* An lks_on_answer of a printer. */
void lks_predict_print(void *printer, const lks_answer *answer);

#endif
