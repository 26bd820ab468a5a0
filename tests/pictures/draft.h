/* A picture in the making: paper, what is printed on it, what a pen wrote, the light on it. The program that is tested
 * shares no code with this. All arithmetic is +, -, *, / and sqrt on doubles and floats: equal on every machine. */
#ifndef LOCKSTEP_TESTS_DRAFT_H
#define LOCKSTEP_TESTS_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

enum { MNIST = 28 };

/* SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014). */
typedef struct dice {
    uint64_t state;
} dice;

uint32_t dice_u32(dice *d);
double dice_between(dice *d, double low, double high);
int dice_below(dice *d, int n); /* 0 .. n - 1 */
double dice_normal(dice *d);    /* nearly: the sum of 12 uniform numbers, less 6 */

typedef struct rgb {
    float c[3]; /* 0 black .. 1 white */
} rgb;

typedef enum file_form { FORM_PNG, FORM_JPEG } file_form;
typedef enum alpha_form { ALPHA_NONE, ALPHA_BLACK, ALPHA_WHITE } alpha_form;

typedef struct draft {
    dice dice;
    double width; /* 1, or 2: parameters twice as wide */
    int rows, columns;
    float *light;   /* [rows][columns][3] */
    float *covered; /* [rows][columns]: by the pen, 0..1 */
    rgb paper, ink;
    double top, left, tall, wide; /* the box of the digit, in pixels */
    double unit;                  /* its longer side */
    /* how it is stored */
    file_form form;
    alpha_form alpha;
    int quality;     /* of JPEG */
    int orientation; /* EXIF's, 1 to 8; 0: none is told */
    int most;        /* the value of white: 255; above it 16 bits are stored */
} draft;

/* White paper of that size; everything else of *d is left alone. */
void draft_begin(draft *d, int rows, int columns);
void draft_free(draft *d);

/* The box of a 28 x 28 image's ink: {top, left, rows, columns}. */
typedef struct ink_box {
    int top, left, rows, columns;
} ink_box;
ink_box ink_box_of(const uint8_t *image);

/* Writes the ink of `image`, scaled by `scale`, with its box's corner at (top, left). */
void draft_write_digit(draft *d, const uint8_t *image, double top, double left, double scale);

/* The same with a round pen of `radius` (in pixels of the image) along the middle of its strokes, which keeps loops
 * open. */
void draft_trace_digit(draft *d, const uint8_t *image, double top, double left, double scale,
                       double radius);

/* False where 28 x 28 pixels have filled a loop that a 0, 6, 8 or 9 has, or broken the digit: the middle of its strokes is
 * another digit, or none. */
bool draft_can_trace(const uint8_t *image, int label);

/* A straight line between (x0, y0) and (x1, y1), `thick` pixels, of which `strength` 0..1 hides what is below. */
void draft_line(draft *d, double x0, double y0, double x1, double y1, double thick, rgb colour,
                double strength);
void draft_dot(draft *d, double x, double y, double radius, rgb colour);

/* Lays the pen's ink on the paper: after this nothing more is written. */
void draft_lay_ink(draft *d);

/* The light: linear from 1 to `low` across the picture in a random direction. */
void draft_gradient(draft *d, double low);
/* A shadow's edge, `soft` pixels wide, that passes the digit's middle at `distance` pixels. */
void draft_shadow(draft *d, double factor, double soft, double distance);
/* Blotches of `cells` a side, each +- amount. */
void draft_blotches(draft *d, int cells, double amount);
void draft_noise(draft *d, double sigma);
void draft_pencil_grain(draft *d); /* before the ink is laid */

/* Writes the file of path `stem` and .png or .jpg, whose name is put into `path`. False: could not be written. */
bool draft_save(const draft *d, const char *stem, char *path, int size);

#endif
