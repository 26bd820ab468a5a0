/* Kinds of pictures that people make of one digit, and pictures with several. */
#ifndef LOCKSTEP_TESTS_KINDS_H
#define LOCKSTEP_TESTS_KINDS_H

#include "draft.h"

/* Draws `image` into *d, whose dice and width are set; the draft is ready to be saved. */
typedef struct kind {
    const char *name, *what;
    void (*draw)(draft *d, const uint8_t *image);
    bool traces; /* with digits that draft_can_trace() */
} kind;

extern const kind kinds[];
extern const int n_kinds;

/* One line of digits on white paper; where touches[i], digit i touches the one before it. */
void draw_line_of_digits(draft *d, const uint8_t *const *images, int n, const bool *touches);

/* A form: printed rules and FORM_LINES rows of FORM_PLACES fields, with a digit in each. Alternate rows are
 * single boxes and a comb of boxes that share their walls. */
enum { FORM_LINES = 5, FORM_PLACES = 8 };
void draw_form(draft *d, const uint8_t *const images[FORM_LINES * FORM_PLACES]);

#endif
