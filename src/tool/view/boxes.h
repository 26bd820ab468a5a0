/* A picture of several digits with what was found on it: for a terminal, or as a PNG. */
#ifndef LKS_TOOL_VIEW_BOXES_H
#define LKS_TOOL_VIEW_BOXES_H

#include "lockstep/picture.h"
#include "lockstep/predict.h"

/* All 0 before the first picture. */
typedef struct lks_boxes {
    const char *path;   /* of the PNG; NULL: none */
    bool prints;        /* draws on the terminal */
    lks_picture canvas; /* with red, green and blue, of the picture that is being answered */
    lks_picture text;   /* [rows][columns] its characters: a shade, or what is drawn over it */
    lks_status status;  /* of the first failure, and its message */
    lks_error err;
} lks_boxes;

/* Draws the box of an answer with a place; with the last one of a picture writes or prints it. */
void lks_boxes_add(lks_boxes *boxes, const lks_answer *answer);
void lks_boxes_free(lks_boxes *boxes);

#endif
