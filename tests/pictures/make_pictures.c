/* Makes pictures of handwritten digits as people make them, from images and labels in IDX files.
 *
 * make_pictures --list
 * make_pictures KIND|lines|form FOLDER IMAGES LABELS [COUNT [WIDTH [decoded]]]
 *
 * COUNT (100) pictures from digits spread evenly over the file; WIDTH 2 doubles what a kind is about. FOLDER gets the
 * pictures and the file `answers`: name, the digits (lines of a form with spaces between), neighbours that touch.
 * A digit that a pen cannot trace gives place to the next one that it can.
 * decoded: all are upright PNGs of 8 bits, as a reader hands them on. Equal arguments give equal pictures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"

enum { DIGITS_MAX = 8 };

typedef struct digits {
    uint8_t *images, *labels;
    long n;
} digits;

static _Noreturn void fail(const char *what, const char *path) {
    fprintf(stderr, "make_pictures: error: %s %s\n", what, path);
    exit(1);
}

static uint8_t *read_idx(const char *path, int magic, long *n, long each) {
    unsigned char head[16] = {0};
    FILE *file = fopen(path, "rb");
    const size_t start = magic == 3 ? 16 : 8;
    if (!file || fread(head, 1, start, file) != start || head[2] != 8 || head[3] != magic)
        fail("no IDX file of such images or labels:", path);
    *n = (long)head[4] << 24 | head[5] << 16 | head[6] << 8 | head[7];
    uint8_t *bytes = malloc((size_t)(*n * each));
    if (!bytes || fread(bytes, (size_t)each, (size_t)*n, file) != (size_t)*n)
        fail("cut short:", path);
    fclose(file);
    return bytes;
}

/* Digit number i of `of` that are spread over the whole file. */
static long spread(const digits *all, long i, long of) {
    return (long)((long long)(i % of) * all->n / of);
}

static const uint8_t *image_of(const digits *all, long which) {
    return all->images + which * MNIST * MNIST;
}

/* A seed of its own for each picture of each kind. */
static void roll(draft *d, const char *name, long i) {
    d->dice.state = (uint64_t)i * 0xD1B54A32D192ED03U;
    for (; *name; name++)
        d->dice.state = (d->dice.state + (unsigned char)*name) * 0x100000001B3U;
}

typedef struct job {
    const char *name, *folder;
    const digits *all;
    long count;
    double width;
    bool decoded;
    FILE *answers;
} job;

static void start(draft *d, const job *j, long i) {
    *d = (draft){.width = j->width, .most = 255, .quality = 90};
    roll(d, j->name, i);
}

static void finish(draft *d, const job *j, long i, const char *right, int touching) {
    char stem[4096], path[4200];
    snprintf(stem, sizeof stem, "%s/%05ld", j->folder, i);
    if (j->decoded) {
        d->form = FORM_PNG;
        d->orientation = 0;
        d->most = d->most > 255 ? d->most >> 8 : d->most;
    }
    if (!draft_save(d, stem, path, sizeof path))
        fail("cannot write", path);
    fprintf(j->answers, "%s\t%s\t%d\n", strrchr(path, '/') + 1, right, touching);
    draft_free(d);
}

static void make_one(const job *j, const kind *k) {
    for (long i = 0; i < j->count; i++) {
        long which = spread(j->all, i, j->count);
        for (long n = 0;
             k->traces && !draft_can_trace(image_of(j->all, which), j->all->labels[which]);
             which = (which + 1) % j->all->n)
            if (n++ == j->all->n)
                fail("no digit can be traced:", j->folder);
        const char right[2] = {(char)('0' + j->all->labels[which]), 0};
        draft d;
        start(&d, j, i);
        k->draw(&d, image_of(j->all, which));
        finish(&d, j, i, right, 0);
    }
}

/* 1 to 8 digits in turn; one neighbour in ten touches. */
static void make_lines(const job *j) {
    long used = 0;
    for (long i = 0; i < j->count; i++) {
        const uint8_t *images[DIGITS_MAX];
        char right[DIGITS_MAX + 1] = "";
        bool touches[DIGITS_MAX] = {false};
        int touching = 0;
        draft d;
        start(&d, j, i);
        const int n = 1 + (int)(i % DIGITS_MAX);
        for (int k = 0; k < n; k++) {
            const long which = spread(j->all, used++, j->count * 9 / 2 + DIGITS_MAX);
            images[k] = image_of(j->all, which);
            right[k] = (char)('0' + j->all->labels[which]);
            right[k + 1] = 0;
            touches[k] = k > 0 && dice_below(&d.dice, 10) == 0;
            touching += touches[k];
        }
        draw_line_of_digits(&d, images, n, touches);
        finish(&d, j, i, right, touching);
    }
}

static void make_forms(const job *j) {
    enum { N = FORM_LINES * FORM_PLACES };
    for (long i = 0; i < j->count; i++) {
        const uint8_t *images[N];
        char right[N + FORM_LINES];
        int at = 0;
        draft d;
        start(&d, j, i);
        for (int k = 0; k < N; k++) {
            const long which = spread(j->all, i * N + k, j->count * N);
            images[k] = image_of(j->all, which);
            if (k > 0 && k % FORM_PLACES == 0)
                right[at++] = ' ';
            right[at++] = (char)('0' + j->all->labels[which]);
        }
        right[at] = 0;
        draw_form(&d, images);
        finish(&d, j, i, right, 0);
    }
}

static const kind *find(const char *name) {
    for (int k = 0; k < n_kinds; k++)
        if (strcmp(kinds[k].name, name) == 0)
            return kinds + k;
    return NULL;
}

static void list(void) {
    for (int k = 0; k < n_kinds; k++)
        printf("%-12s %s\n", kinds[k].name, kinds[k].what);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    if (argc < 5 || argc > 8)
        fail("usage: make_pictures KIND|lines|form FOLDER IMAGES LABELS [COUNT [WIDTH [decoded]]];",
             "--list lists kinds");
    digits all;
    long n_labels;
    all.images = read_idx(argv[3], 3, &all.n, MNIST * MNIST);
    all.labels = read_idx(argv[4], 1, &n_labels, 1);
    job j = {.name = argv[1],
             .folder = argv[2],
             .all = &all,
             .count = argc > 5 ? atol(argv[5]) : 100,
             .width = argc > 6 ? atof(argv[6]) : 1,
             .decoded = argc > 7 && strcmp(argv[7], "decoded") == 0};
    if (n_labels != all.n || all.n == 0 || j.count < 1 || j.width < 1)
        fail("no such number of images and labels, count or width:", argv[3]);
    for (long i = 0; i < all.n; i++)
        if (all.labels[i] > 9)
            fail("labels of no digits:", argv[4]);
    char path[4200];
    snprintf(path, sizeof path, "%s/answers", j.folder);
    j.answers = fopen(path, "w");
    if (!j.answers)
        fail("cannot write", path);
    const kind *k = find(j.name);
    if (k)
        make_one(&j, k);
    else if (strcmp(j.name, "lines") == 0)
        make_lines(&j);
    else if (strcmp(j.name, "form") == 0)
        make_forms(&j);
    else
        fail("no such kind:", j.name);
    if (fclose(j.answers) != 0)
        fail("cannot write", path);
    free(all.images);
    free(all.labels);
    return 0;
}
