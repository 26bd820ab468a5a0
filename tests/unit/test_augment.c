/* Augmentation: each operation against a second way to compute it, in double and from its definition; the distribution
 * of what is drawn, read from the images alone; the same bytes on every instruction set. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/augment.h"
#include "lockstep/philox.h"
#include "support/random_data.h"

#define SIDE 28
#define PI   3.14159265358979323846
#define SEED 42

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

static const lks_kernels *best(void) {
    return tables[n_tables - 1];
}

static lks_augment *make_on(const lks_augment_config *c, lks_shape shape, const lks_kernels *k) {
    lks_augment *a;
    lks_error err;
    CU_ASSERT_EQUAL_FATAL(lks_augment_create(&a, c, SEED, shape, k, 2, &err), LKS_OK);
    return a;
}

static lks_augment *make(const lks_augment_config *c) {
    return make_on(c, (lks_shape){SIDE, SIDE, 1}, best());
}

static void fill_random(uint8_t *image, size_t n) {
    for (size_t i = 0; i < n; i++)
        image[i] = (uint8_t)lks_random_int(0, 255);
}

/* The largest distance between two images. */
static int distance(const uint8_t *a, const uint8_t *b, size_t n) {
    int most = 0;
    for (size_t i = 0; i < n; i++)
        most = abs(a[i] - b[i]) > most ? abs(a[i] - b[i]) : most;
    return most;
}

/* --- resampling: a reference in double -------------------------------------------------------- */

/* What the files of src/augment say is drawn: element `element` of an operation's stream, either way. */
static double drawn(uint32_t operation, uint32_t epoch, uint32_t id, uint64_t element) {
    const lks_stream s = lks_stream_make(SEED, LKS_PURPOSE_AUGMENT, operation, epoch, id);
    return 2 * lks_stream_uniform(&s, element) - 1;
}

static double pixel(const uint8_t *image, lks_shape s, int r, int c, int channel, double fill) {
    const bool inside = r >= 0 && r < s.rows && c >= 0 && c < s.columns;
    return inside ? image[(r * s.columns + c) * s.channels + channel] : fill;
}

static double bilinear(const uint8_t *image, lks_shape s, double y, double x, int channel,
                       double fill) {
    const int r = (int)floor(y), c = (int)floor(x);
    const double v = y - r, u = x - c;
    return (1 - v) * ((1 - u) * pixel(image, s, r, c, channel, fill) +
                      u * pixel(image, s, r, c + 1, channel, fill)) +
           v * ((1 - u) * pixel(image, s, r + 1, c, channel, fill) +
                u * pixel(image, s, r + 1, c + 1, channel, fill));
}

/* The way that a point of the image goes, x to the right and y down: forwards, as the image is said to move. */
typedef struct motion {
    double xx, xy, yx, yy, x, y;
} motion;

static motion motion_of(const lks_augment_config *c, uint32_t epoch, uint32_t id) {
    const double angle = c->rotate * PI / 180 * drawn(1, epoch, id, 0);
    const double tall = 1 + c->scale * drawn(1, epoch, id, 1);
    const double wide = 1 + c->scale * drawn(1, epoch, id, 2);
    const double shear = c->shear * drawn(1, epoch, id, 3);
    const double mirror = c->flip && drawn(1, epoch, id, 6) < 0 ? -1 : 1;
    /* x' = mirror wide x, y' = tall y; then x'' = x' + shear y'; then rotated */
    const double a = mirror * wide, b = shear * tall, d = tall;
    return (motion){cos(angle) * a,
                    cos(angle) * b - sin(angle) * d,
                    sin(angle) * a,
                    sin(angle) * b + cos(angle) * d,
                    c->shift * drawn(1, epoch, id, 5),
                    c->shift * drawn(1, epoch, id, 4)};
}

/* Where (y, x) of the result came from: Cramer's rule. */
static void look_back(const motion *m, lks_shape s, double *y, double *x) {
    const double cy = (s.rows - 1) / 2.0, cx = (s.columns - 1) / 2.0;
    const double v = *y - cy - m->y, u = *x - cx - m->x;
    const double determinant = m->xx * m->yy - m->xy * m->yx;
    *x = cx + (u * m->yy - v * m->xy) / determinant;
    *y = cy + (v * m->xx - u * m->yx) / determinant;
}

static double smooth(const double *field, int width, int r, int c, double sigma) {
    const int radius = (int)ceil(3 * sigma);
    double sum = 0, all = 0;
    for (int i = -radius; i <= radius; i++)
        for (int j = -radius; j <= radius; j++) {
            const double weight = exp(-(i * i + j * j) / (2 * sigma * sigma));
            sum += weight * field[(r + radius + i) * width + c + radius + j];
            all += weight;
        }
    return sum / all;
}

/* The field of a direction, by its definition: uniform in -1 to 1, smooth, with the deviation that was asked for. */
static void add_elastic(const lks_augment_config *c, lks_shape s, int direction, uint32_t epoch,
                        uint32_t id, double *way) {
    const int radius = (int)ceil(3 * c->elastic_sigma);
    const int width = s.columns + 2 * radius, n = (s.rows + 2 * radius) * width;
    const lks_stream stream = lks_stream_make(SEED, LKS_PURPOSE_AUGMENT, 2, epoch, id);
    double *field = malloc((size_t)n * sizeof *field), all = 0, squares = 0;
    const int first = direction * ((n + 7) / 8) * 4; /* a word has two numbers */
    for (int i = 0; i < n; i++) {
        const uint32_t word = lks_stream_u32(&stream, (uint64_t)(first + i / 2));
        field[i] = ((i % 2 ? word >> 16 : word & 0xFFFF) - 32768.0) / 32768;
    }
    for (int i = -radius; i <= radius; i++) {
        all += exp(-i * i / (2 * c->elastic_sigma * c->elastic_sigma));
        squares += exp(-i * i / (c->elastic_sigma * c->elastic_sigma));
    }
    const double deviation = squares / (all * all) / sqrt(3);
    for (int r = 0; r < s.rows; r++)
        for (int k = 0; k < s.columns; k++)
            way[r * s.columns + k] +=
                smooth(field, width, r, k, c->elastic_sigma) * c->elastic / deviation;
    free(field);
}

static void add_grid(const lks_augment_config *c, lks_shape s, int direction, uint32_t epoch,
                     uint32_t id, double *way) {
    const lks_stream stream = lks_stream_make(SEED, LKS_PURPOSE_AUGMENT, 3, epoch, id);
    const int n = c->grid_nodes;
    double node[32][32];
    for (int i = 0; i < n * n; i++)
        node[i / n][i % n] = (int32_t)lks_stream_u32(&stream, (uint64_t)(direction * n * n + i)) /
                             2147483648.0 * sqrt(3) * c->grid;
    for (int r = 0; r < s.rows; r++)
        for (int k = 0; k < s.columns; k++) {
            const double y = r * (n - 1.0) / (s.rows - 1), x = k * (n - 1.0) / (s.columns - 1);
            const int i = y < n - 2 ? (int)y : n - 2, j = x < n - 2 ? (int)x : n - 2;
            const double v = y - i, u = x - j;
            way[r * s.columns + k] += (1 - v) * ((1 - u) * node[i][j] + u * node[i][j + 1]) +
                                      v * ((1 - u) * node[i + 1][j] + u * node[i + 1][j + 1]);
        }
}

static void reference(const lks_augment_config *c, lks_shape s, uint32_t epoch, uint32_t id,
                      const uint8_t *image, double *out) {
    const motion m = motion_of(c, epoch, id);
    double *way[2];
    for (int d = 0; d < 2; d++) {
        way[d] = calloc((size_t)(s.rows * s.columns), sizeof(double));
        if (c->elastic > 0)
            add_elastic(c, s, d, epoch, id, way[d]);
        if (c->grid > 0)
            add_grid(c, s, d, epoch, id, way[d]);
    }
    for (int r = 0; r < s.rows; r++)
        for (int k = 0; k < s.columns; k++) {
            double y = r, x = k;
            look_back(&m, s, &y, &x);
            y += way[0][r * s.columns + k];
            x += way[1][r * s.columns + k];
            for (int channel = 0; channel < s.channels; channel++)
                out[(r * s.columns + k) * s.channels + channel] =
                    bilinear(image, s, y, x, channel, c->fill);
        }
    free(way[0]);
    free(way[1]);
}

/* A place is rounded to 1/256 pixel in each direction, which moves a value by up to 255/512 each, and the value is
 * rounded once: 1.5; what a map in 1/65536 pixel adds is below 0.2. */
static void check_resampling(const lks_augment_config *c, lks_shape s, const lks_kernels *k) {
    const size_t n = (size_t)(s.rows * s.columns * s.channels);
    uint8_t *image = malloc(n), *result = malloc(n);
    double *wanted = malloc(n * sizeof *wanted), most = 0;
    lks_augment *a = make_on(c, s, k);
    for (uint32_t id = 0; id < 20; id++) {
        fill_random(image, n);
        memcpy(result, image, n);
        lks_augment_image(a, 1, result, 3, id);
        reference(c, s, 3, id, image, wanted);
        for (size_t i = 0; i < n; i++)
            most = fmax(most, fabs(wanted[i] - result[i]));
    }
    CU_ASSERT(most <= 1.7);
    lks_augment_free(a);
    free(image);
    free(result);
    free(wanted);
}

static const lks_augment_config bending[] = {
    {.rotate = 10},
    {.scale = 0.3, .fill = 200},
    {.shear = 0.5},
    {.shift = 4},
    {.flip = true},
    {.rotate = 180, .scale = 0.5, .shear = 1, .shift = 9, .flip = true},
    {.elastic = 2, .elastic_sigma = 3},
    {.grid = 1.5, .grid_nodes = 5},
    {.grid = 0.5, .grid_nodes = 32},
    {.rotate = 20, .shift = 3, .elastic = 1, .elastic_sigma = 4, .grid = 1, .grid_nodes = 7}};

static void test_resampling(void) {
    static const lks_shape shapes[] = {{28, 28, 1}, {9, 70, 3}, {33, 2, 1}};
    for (size_t i = 0; i < sizeof bending / sizeof *bending; i++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int t = 0; t < n_tables; t++)
                check_resampling(&bending[i], shapes[s], tables[t]);
}

/* --- what changes values: by its definition --------------------------------------------------- */

static uint8_t to_byte(double x) {
    return (uint8_t)floor(fmin(fmax(x, 0), 255) + 0.5);
}

static uint8_t around(const uint8_t *image, int row, int column, bool largest) {
    int found = largest ? 0 : 255;
    for (int r = row - 1; r <= row + 1; r++)
        for (int c = column - 1; c <= column + 1; c++)
            if (r >= 0 && r < SIDE && c >= 0 && c < SIDE &&
                (image[r * SIDE + c] > found) == largest)
                found = image[r * SIDE + c];
    return (uint8_t)found;
}

static void test_stroke(void) {
    const lks_augment_config c = {.stroke = 0.8};
    lks_augment *a = make(&c);
    uint8_t image[SIDE * SIDE], result[SIDE * SIDE], wanted[SIDE * SIDE];
    for (uint32_t id = 0; id < 40; id++) {
        const double width = 0.8 * drawn(4, 0, id, 0);
        fill_random(image, sizeof image);
        memcpy(result, image, sizeof image);
        lks_augment_image(a, 0, result, 0, id);
        for (int i = 0; i < SIDE * SIDE; i++) {
            const double extreme = around(image, i / SIDE, i % SIDE, width > 0);
            wanted[i] = to_byte(image[i] + fabs(width) * (extreme - image[i]));
        }
        CU_ASSERT(distance(result, wanted, sizeof wanted) <= 1);
    }
    lks_augment_free(a);
}

static void test_tone(void) {
    const lks_augment_config c = {.contrast = 0.5, .brightness = 0.3};
    lks_augment *a = make(&c);
    uint8_t image[SIDE * SIDE], result[SIDE * SIDE];
    for (uint32_t id = 0; id < 40; id++) {
        double mean = 0;
        fill_random(image, sizeof image);
        memcpy(result, image, sizeof image);
        lks_augment_image(a, 0, result, 1, id);
        for (int i = 0; i < SIDE * SIDE; i++)
            mean += image[i] / (double)(SIDE * SIDE);
        for (int i = 0; i < SIDE * SIDE; i++)
            image[i] = to_byte(mean + (1 + 0.5 * drawn(5, 1, id, 0)) * (image[i] - mean) +
                               0.3 * 255 * drawn(5, 1, id, 1));
        CU_ASSERT(distance(result, image, sizeof image) <= 1);
    }
    lks_augment_free(a);
}

static void test_noise(void) {
    const lks_augment_config c = {.noise = 0.1};
    lks_augment *a = make(&c);
    uint8_t image[SIDE * SIDE];
    double sum = 0, squares = 0, fourth = 0, neighbours = 0;
    const double n = 500.0 * SIDE * SIDE;
    for (uint32_t id = 0; id < 500; id++) {
        memset(image, 128, sizeof image);
        lks_augment_image(a, 0, image, 0, id);
        for (int i = 0; i < SIDE * SIDE; i++) {
            const double x = image[i] - 128.0;
            sum += x;
            squares += x * x;
            fourth += x * x * x * x;
            neighbours += i ? x * (image[i - 1] - 128.0) : 0;
        }
    }
    const double deviation = sqrt(squares / n);
    CU_ASSERT(fabs(sum / n) < 0.2); /* five of its own deviations are 0.2 */
    CU_ASSERT(fabs(deviation / 25.5 - 1) < 0.005);
    CU_ASSERT(fabs(neighbours / squares) < 0.008);
    CU_ASSERT(fabs(fourth / n / pow(deviation, 4) - 2.7) <
              0.05); /* 3 - 1.2 / 4, of four uniform ones */
    lks_augment_free(a);
}

/* --- what hides a part ------------------------------------------------------------------------ */

/* The rows and columns [first, last] where the image is not 77. */
static bool hidden(const uint8_t *image, int box[4]) {
    bool any = false;
    box[0] = box[2] = SIDE;
    box[1] = box[3] = -1;
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int r = i / SIDE, c = i % SIDE;
        if (image[i] == 77)
            continue;
        any = true;
        box[0] = r < box[0] ? r : box[0];
        box[1] = r > box[1] ? r : box[1];
        box[2] = c < box[2] ? c : box[2];
        box[3] = c > box[3] ? c : box[3];
    }
    return any;
}

/* Chi-square of counts that should be equal, against its mean and deviation. */
static void check_equal_counts(const int *counts, int n, int all) {
    double chi = 0, wanted = (double)all / n;
    for (int i = 0; i < n; i++)
        chi += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
    CU_ASSERT(fabs(chi - (n - 1)) < 4 * sqrt(2.0 * (n - 1)));
}

static void test_cutout(void) {
    const lks_augment_config c = {.cutout = 7, .fill = 9};
    lks_augment *a = make(&c);
    uint8_t image[SIDE * SIDE];
    int rows[SIDE] = {0}, columns[SIDE] = {0}, wrong = 0;
    for (uint32_t id = 0; id < 8000; id++) {
        int box[4];
        memset(image, 77, sizeof image);
        lks_augment_image(a, 0, image, 0, id);
        CU_ASSERT_FATAL(hidden(image, box));
        for (int i = 0; i < SIDE * SIDE; i++) {
            const int r = i / SIDE, k = i % SIDE;
            const bool in = r >= box[0] && r <= box[1] && k >= box[2] && k <= box[3];
            wrong += image[i] != (in ? 9 : 77);
        }
        /* a side is 7, less where the border cuts it */
        wrong += box[1] - box[0] + 1 != 7 && box[0] > 0 && box[1] < SIDE - 1;
        rows[box[0] > 0 ? box[0] + 3 : box[1] - 3]++;
        columns[box[2] > 0 ? box[2] + 3 : box[3] - 3]++;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    check_equal_counts(rows, SIDE, 8000); /* around any pixel */
    check_equal_counts(columns, SIDE, 8000);
    lks_augment_free(a);
}

static void test_erase(void) {
    const lks_augment_config c = {.erase = 0.25, .erase_area = 0.3};
    lks_augment *a = make(&c);
    uint8_t image[SIDE * SIDE];
    int erased = 0, values[256] = {0}, inner = 0;
    double least = 1, most = 0, flattest = 0, tallest = 0;
    for (uint32_t id = 0; id < 8000; id++) {
        int box[4];
        memset(image, 77, sizeof image);
        lks_augment_image(a, 0, image, 0, id);
        if (!hidden(image, box))
            continue;
        const double rows = box[1] - box[0] + 1, columns = box[3] - box[2] + 1;
        erased++;
        least = fmin(least, rows * columns / (SIDE * SIDE));
        most = fmax(most, rows * columns / (SIDE * SIDE));
        flattest = fmax(flattest, columns / rows);
        tallest = fmax(tallest, rows / columns);
        for (int r = box[0] + 1; r < box[1]; r++) /* inside, where 77 is drawn as often as others */
            for (int k = box[2] + 1; k < box[3]; k++, inner++)
                values[image[r * SIDE + k]]++;
    }
    CU_ASSERT(abs(erased - 2000) < 160); /* four deviations */
    CU_ASSERT(least > 0.008 && least < 0.03);
    CU_ASSERT(most <= 0.3 && most > 0.25);
    CU_ASSERT(flattest > 2.5 && tallest > 2.5 && flattest < 6 && tallest < 6);
    check_equal_counts(values, 256, inner);
    lks_augment_free(a);
}

/* --- distributions, read from images ---------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov's test for uniform numbers in -most to most, at the level 0.1 %; the last bits of what is read
 * from images are rounding, far below what the test sees. */
static void check_uniform(double *x, int n, double most) {
    double distance_most = 0;
    qsort(x, (size_t)n, sizeof *x, ascending);
    for (int i = 0; i < n; i++) {
        const double share = (x[i] / most + 1) / 2;
        distance_most =
            fmax(distance_most, fmax(fabs(share - (double)i / n), fabs(share - (i + 1.0) / n)));
    }
    CU_ASSERT(distance_most * sqrt(n) < 1.95);
}

#define LARGE 96 /* of images with three spots: centre, right, below */
#define FAR   24.0

static void draw_spots(uint8_t *image, int which) {
    const double centre = (LARGE - 1) / 2.0;
    const double y = centre + (which == 2 ? FAR : 0), x = centre + (which == 1 ? FAR : 0);
    for (int i = 0; i < LARGE * LARGE; i++) {
        const double v = i / LARGE - y, u = i % LARGE - x;
        image[i] = to_byte(255 * exp(-(u * u + v * v) / 18));
    }
}

/* Where the spot of an image went, from the centre. */
static void find_spot(lks_augment *a, int which, uint32_t id, double *y, double *x) {
    static uint8_t image[LARGE * LARGE];
    double sum = 0;
    draw_spots(image, which);
    lks_augment_image(a, 0, image, 5, id);
    *y = *x = 0;
    for (int i = 0; i < LARGE * LARGE; i++) {
        sum += image[i];
        *y += image[i] * (i / LARGE - (LARGE - 1) / 2.0);
        *x += image[i] * (i % LARGE - (LARGE - 1) / 2.0);
    }
    *y /= sum;
    *x /= sum;
}

#define DRAWS 1000

typedef struct found {
    double right[2], down[2]; /* where a way of one pixel to the right, and down, goes: y, x */
    double shift[2];
} found;

static found *find_motions(const lks_augment_config *c) {
    lks_augment *a = make_on(c, (lks_shape){LARGE, LARGE, 1}, best());
    found *all = calloc(DRAWS, sizeof *all);
    for (uint32_t id = 0; id < DRAWS; id++) {
        double y[3], x[3];
        for (int s = 0; s < 3; s++)
            find_spot(a, s, id, &y[s], &x[s]);
        all[id] = (found){{(y[1] - y[0]) / FAR, (x[1] - x[0]) / FAR},
                          {(y[2] - y[0]) / FAR, (x[2] - x[0]) / FAR},
                          {y[0], x[0]}};
    }
    lks_augment_free(a);
    return all;
}

/* The correlation of two parameters of the same images, of mean 0; four of its deviations. */
static void check_unrelated(const double x[DRAWS], const double y[DRAWS]) {
    double xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < DRAWS; i++) {
        xx += x[i] * x[i];
        yy += y[i] * y[i];
        xy += x[i] * y[i];
    }
    CU_ASSERT(fabs(xy / sqrt(xx * yy)) < 4 / sqrt(DRAWS));
}

/* Each parameter of geometry by itself, from what it does to three spots. */
static void test_distributions(void) {
    double first[DRAWS], second[DRAWS];
    found *f = find_motions(&(lks_augment_config){.rotate = 30});
    for (int i = 0; i < DRAWS; i++)
        first[i] = atan2(f[i].right[0], f[i].right[1]) * 180 / PI;
    check_uniform(first, DRAWS, 30);
    free(f);
    f = find_motions(&(lks_augment_config){.scale = 0.2});
    for (int i = 0; i < DRAWS; i++) {
        first[i] = f[i].right[1] - 1;
        second[i] = f[i].down[0] - 1;
    }
    check_unrelated(first, second);
    check_uniform(first, DRAWS, 0.2);
    check_uniform(second, DRAWS, 0.2);
    free(f);
    f = find_motions(&(lks_augment_config){.shear = 0.4});
    for (int i = 0; i < DRAWS; i++)
        first[i] = f[i].down[1];
    check_uniform(first, DRAWS, 0.4);
    free(f);
    f = find_motions(&(lks_augment_config){.shift = 5});
    for (int i = 0; i < DRAWS; i++) {
        first[i] = f[i].shift[0];
        second[i] = f[i].shift[1];
    }
    check_unrelated(first, second);
    check_uniform(first, DRAWS, 5);
    check_uniform(second, DRAWS, 5);
    free(f);
    f = find_motions(&(lks_augment_config){.flip = true});
    int mirrored = 0, straight = 0;
    for (int i = 0; i < DRAWS; i++) {
        mirrored += fabs(f[i].right[1] + 1) < 0.01;
        straight += fabs(f[i].right[1] - 1) < 0.01;
    }
    CU_ASSERT_EQUAL(mirrored + straight, DRAWS);
    CU_ASSERT(abs(mirrored - DRAWS / 2) < 64); /* four deviations */
    free(f);
}

/* What is drawn is another for each epoch, sample and seed, whoever asks. */
static void test_independence(void) {
    const lks_augment_config c = {.rotate = 20, .scale = 0.2, .shear = 0.2, .shift = 3};
    lks_augment *a = make(&c), *other;
    lks_error err;
    uint8_t image[SIDE * SIDE], x[4][SIDE * SIDE];
    fill_random(image, sizeof image);
    for (int i = 0; i < 4; i++)
        memcpy(x[i], image, sizeof image);
    lks_augment_image(a, 0, x[0], 0, 1);
    lks_augment_image(a, 1, x[1], 1, 1);
    lks_augment_image(a, 0, x[2], 0, 2);
    lks_augment_image(a, 1, x[3], 0, 1);
    CU_ASSERT(memcmp(x[0], x[3], sizeof image) == 0); /* of any thread, in any order */
    CU_ASSERT(memcmp(x[0], x[1], sizeof image) != 0); /* another epoch */
    CU_ASSERT(memcmp(x[0], x[2], sizeof image) != 0); /* another sample */
    CU_ASSERT_EQUAL_FATAL(
        lks_augment_create(&other, &c, SEED + 1, (lks_shape){SIDE, SIDE, 1}, best(), 1, &err),
        LKS_OK);
    memcpy(x[1], image, sizeof image);
    lks_augment_image(other, 0, x[1], 0, 1);
    CU_ASSERT(memcmp(x[0], x[1], sizeof image) != 0); /* another seed */
    lks_augment_free(a);
    lks_augment_free(other);
}

/* A ramp tells how far each pixel looks aside. */
static void displacements(lks_augment *a, uint32_t id, double way[SIDE * SIDE]) {
    uint8_t ramp[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++)
        ramp[i] = (uint8_t)(16 + 8 * (i % SIDE));
    lks_augment_image(a, 0, ramp, 0, id);
    for (int i = 0; i < SIDE * SIDE; i++)
        way[i] = (ramp[i] - 16) / 8.0 - i % SIDE;
}

/* Smooth fields of elastic distortion have the deviation that was asked for, and over a way of d the correlation
 * exp(-d^2 / 4 sigma^2) of white noise that passed a Gaussian. */
static void test_elastic_field(void) {
    const double sigma = 3, wanted = 0.8;
    lks_augment *a = make(&(lks_augment_config){.elastic = wanted, .elastic_sigma = sigma});
    double way[SIDE * SIDE], squares = 0, near = 0, far = 0;
    const int n = 800, from = 13 * SIDE + 10; /* in the middle, where nothing looks outside */
    for (uint32_t id = 0; id < (uint32_t)n; id++) {
        displacements(a, id, way);
        squares += way[from] * way[from];
        near += way[from] * way[from + 3];
        far += way[from] * way[from + 3 * SIDE + 6];
    }
    CU_ASSERT(fabs(sqrt(squares / n) / wanted - 1) < 0.08);
    CU_ASSERT(fabs(near / squares - exp(-9 / (4 * sigma * sigma))) < 0.06);
    CU_ASSERT(fabs(far / squares - exp(-45 / (4 * sigma * sigma))) < 0.1);
    lks_augment_free(a);
}

/* --- everything together ---------------------------------------------------------------------- */

static const lks_augment_config all_of_it = {.rotate = 15,
                                             .scale = 0.15,
                                             .shear = 0.2,
                                             .shift = 2.5,
                                             .flip = true,
                                             .fill = 3,
                                             .elastic = 1,
                                             .elastic_sigma = 4,
                                             .grid = 0.5,
                                             .grid_nodes = 6,
                                             .stroke = 0.5,
                                             .contrast = 0.3,
                                             .brightness = 0.1,
                                             .noise = 0.05,
                                             .erase = 0.5,
                                             .erase_area = 0.2,
                                             .cutout = 6};

static uint64_t digest_of(const lks_kernels *k, lks_shape s) {
    lks_augment *a = make_on(&all_of_it, s, k);
    const size_t n = (size_t)(s.rows * s.columns * s.channels);
    uint8_t *image = malloc(n);
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    lks_random_seed(7);
    for (uint32_t id = 0; id < 60; id++) {
        fill_random(image, n);
        lks_augment_image(a, 0, image, id % 3, id);
        for (size_t i = 0; i < n; i++)
            hash = (hash ^ image[i]) * 1099511628211u;
    }
    lks_augment_free(a);
    free(image);
    return hash;
}

/* Guards the rules of what is drawn, and in which order: a change that moves these bytes has to raise LKS_NUMERICS. */
static void test_bits(void) {
    static const lks_shape shapes[] = {{28, 28, 1}, {17, 35, 3}};
    static const uint64_t golden[] = {13725232895606146415u, 18037900713161546468u};
    for (int s = 0; s < 2; s++)
        for (int t = 0; t < n_tables; t++)
            CU_ASSERT_EQUAL(digest_of(tables[t], shapes[s]), golden[s]);
}

/* Images of few pixels, of many channels, and settings at their ends: nothing is written beyond (the sanitizers' run
 * sees that), and what does not move stays as it is. */
static void test_extremes(void) {
    static const lks_shape shapes[] = {{1, 1, 1}, {1, 40, 2}, {40, 1, 5}, {2, 2, 64}, {3, 130, 3}};
    lks_augment_config most = all_of_it;
    most.rotate = 180;
    most.shift = 1000;
    most.scale = 0.5;
    most.shear = 1;
    most.elastic = most.grid = 100;
    most.elastic_sigma = 20;
    most.grid_nodes = 32;
    most.noise = most.stroke = most.contrast = most.brightness = most.erase = 1;
    most.erase_area = 0.9;
    most.cutout = 4096;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t n = (size_t)(shapes[i].rows * shapes[i].columns * shapes[i].channels);
        uint8_t *image = malloc(n), *kept = malloc(n);
        lks_augment *a = make_on(&most, shapes[i], best());
        fill_random(image, n);
        for (uint32_t id = 0; id < 50; id++)
            lks_augment_image(a, 0, image, 0, id);
        CU_ASSERT(image[0] == 3 && image[n - 1] == 3); /* cutout hides all of it */
        lks_augment_free(a);
        a = make_on(&(lks_augment_config){.rotate = 1e-9}, shapes[i], best());
        fill_random(image, n);
        memcpy(kept, image, n);
        lks_augment_image(a, 0, image, 0, 1);
        CU_ASSERT_EQUAL(memcmp(image, kept, n), 0);
        lks_augment_free(a);
        free(image);
        free(kept);
    }
}

static void test_nothing(void) {
    lks_augment *a = (lks_augment *)&a;
    lks_error err;
    const lks_augment_config none = {
        .elastic_sigma = 4, .grid_nodes = 7, .erase_area = 0.3, .fill = 5};
    CU_ASSERT_EQUAL(lks_augment_create(&a, &none, 1, (lks_shape){SIDE, SIDE, 1}, best(), 1, &err),
                    LKS_OK);
    CU_ASSERT_PTR_NULL(a);
    CU_ASSERT(!lks_augment_is_on(&none));
    CU_ASSERT(lks_augment_is_on(&all_of_it));
    CU_ASSERT_EQUAL(lks_augment_create(&a, &all_of_it, 1, (lks_shape){4097, 1, 1}, best(), 1, &err),
                    LKS_ERR_CONFIG);
    lks_augment_free(a);
}

int main(void) {
    static const lks_test tests[] = {{"resampling", test_resampling},
                                     {"stroke width", test_stroke},
                                     {"contrast and brightness", test_tone},
                                     {"noise", test_noise},
                                     {"cutout", test_cutout},
                                     {"random erasing", test_erase},
                                     {"distributions", test_distributions},
                                     {"independence", test_independence},
                                     {"elastic field", test_elastic_field},
                                     {"bits", test_bits},
                                     {"extremes", test_extremes},
                                     {"nothing to do", test_nothing},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("augment", tests);
}
