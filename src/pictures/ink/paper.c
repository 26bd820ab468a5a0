/* The paper behind the ink, and how far a pixel is from it. Paper is what remains when all that is dark and narrow is
 * filled: a morphological closing (J. Serra, Image Analysis and Mathematical Morphology, Academic Press 1982) of medians
 * of 3 x 3. It leaves a slope and the edge of a shadow where they are. Maximum and minimum of a window cost the same for
 * any width (M. van Herk, Pattern Recognition Letters 13 (1992), p. 517). */
#include <string.h>

#include "base/memory.h"
#include "pictures/ink/steps.h"

enum {
    REACH_LEAST = 2,
    KEPT_PERCENT = 97, /* of strong ink */
    EVEN_PERCENT = 85, /* of paper that has one value */
    DARKEST_PAPER = 64 /* what is darker counts as this: the noise of black things is not ink */
};

typedef struct plane {
    int rows, columns;
    uint8_t *values;
} plane;

typedef struct room {
    uint8_t *line, *ahead, *back; /* [longest side + twice the reach] */
} room;

static void order(uint8_t *a, uint8_t *b) {
    if (*a > *b) {
        const uint8_t t = *a;
        *a = *b;
        *b = t;
    }
}

/* The middle one of nine: of three columns in order, that of the largest of the small, the middle of the middle and the
 * smallest of the large ones. */
static uint8_t middle_of(uint8_t v[9]) {
    for (int i = 0; i < 9; i += 3) {
        order(v + i, v + i + 1);
        order(v + i + 1, v + i + 2);
        order(v + i, v + i + 1);
    }
    uint8_t low = v[0] > v[3] ? v[0] : v[3], high = v[2] < v[5] ? v[2] : v[5];
    low = low > v[6] ? low : v[6];
    high = high < v[8] ? high : v[8];
    order(v + 1, v + 4);
    uint8_t middle = v[4] < v[7] ? v[4] : v[7];
    middle = middle > v[1] ? middle : v[1];
    order(&low, &high);
    return middle < low ? low : middle > high ? high : middle;
}

/* Medians of 3 x 3: grain goes, edges stay. The outermost pixels are repeated. */
static void smooth(plane *to, const plane *from) {
    const int rows = from->rows, columns = from->columns;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            uint8_t around[9];
            for (int k = 0; k < 9; k++) {
                const int j = y + k / 3 - 1, i = x + k % 3 - 1;
                const int64_t row = j < 0 ? 0 : j >= rows ? rows - 1 : j;
                around[k] = from->values[row * columns + (i < 0          ? 0
                                                          : i >= columns ? columns - 1
                                                                         : i)];
            }
            to->values[(int64_t)y * columns + x] = middle_of(around);
        }
}

/* The largest value within @p reach of each of @p n values that are @p step apart; the smallest by turning values
 * round. */
static void widen(uint8_t *v, int n, int step, int reach, uint8_t turn, room *r) {
    const int window = 2 * reach + 1, all = n + 2 * reach;
    memset(r->line, 0, (size_t)all);
    for (int i = 0; i < n; i++)
        r->line[reach + i] = v[(int64_t)i * step] ^ turn;
    for (int i = 0; i < all; i++)
        r->ahead[i] =
            i % window == 0 || r->line[i] > r->ahead[i - 1] ? r->line[i] : r->ahead[i - 1];
    for (int i = all - 1; i >= 0; i--)
        r->back[i] = i == all - 1 || (i + 1) % window == 0 || r->line[i] > r->back[i + 1]
                         ? r->line[i]
                         : r->back[i + 1];
    for (int i = 0; i < n; i++) {
        const uint8_t a = r->back[i], b = r->ahead[i + 2 * reach];
        v[(int64_t)i * step] = (uint8_t)((a > b ? a : b) ^ turn);
    }
}

static void close_dark(plane *p, int reach, room *r) {
    for (int turn = 0; turn <= 255; turn += 255) {
        for (int y = 0; y < p->rows; y++)
            widen(p->values + (int64_t)y * p->columns, p->columns, 1, reach, (uint8_t)turn, r);
        for (int x = 0; x < p->columns; x++)
            widen(p->values + x, p->rows, p->columns, reach, (uint8_t)turn, r);
    }
}

/* Paper of one value, but for what is hidden in the narrows of the ink, has that value everywhere. */
static void even_out(plane *paper) {
    const int64_t n = (int64_t)paper->rows * paper->columns;
    int64_t counts[256] = {0};
    int most = 0;
    for (int64_t i = 0; i < n; i++)
        counts[paper->values[i]]++;
    for (int v = 1; v < 256; v++)
        most = counts[v] > counts[most] ? v : most;
    if (100 * counts[most] >= EVEN_PERCENT * n)
        memset(paper->values, most, (size_t)n);
}

static void add_contrast(uint8_t *out, const plane *light, const plane *paper) {
    const int64_t n = (int64_t)light->rows * light->columns;
    for (int64_t i = 0; i < n; i++) {
        const int p = paper->values[i], v = light->values[i];
        const int most = p > DARKEST_PAPER ? p : DARKEST_PAPER;
        const int ink = p > v ? ((p - v) * 255 + most / 2) / most : 0;
        out[i] = ink > out[i] ? (uint8_t)ink : out[i];
    }
}

/* Values of @p dark's contrary as light paper and dark ink: channel @p c of @p p. */
static void take_channel(plane *to, const lks_picture *p, int c, bool dark) {
    const size_t n = (size_t)p->rows * (size_t)p->columns;
    for (size_t i = 0; i < n; i++)
        to->values[i] =
            (uint8_t)(p->pixels[i * (size_t)p->channels + (size_t)c] ^ (dark ? 0 : 255));
}

/* @p plane closed with windows that reach @p reach each way, in the middle of @p canvas, which has that much black
 * around it: a shadow that the picture's edge cuts off stays a shadow. */
static void close_on(plane *canvas, plane *p, int reach, room *r) {
    memset(canvas->values, 0, (size_t)canvas->rows * (size_t)canvas->columns);
    uint8_t *first = canvas->values + (int64_t)reach * canvas->columns + reach;
    for (int y = 0; y < p->rows; y++)
        memcpy(first + (int64_t)y * canvas->columns, p->values + (int64_t)y * p->columns,
               (size_t)p->columns);
    close_dark(canvas, reach, r);
    for (int y = 0; y < p->rows; y++)
        memcpy(p->values + (int64_t)y * p->columns, first + (int64_t)y * canvas->columns,
               (size_t)p->columns);
}

/* With windows that reach @p reach each way. */
static lks_status contrast(uint8_t *out, const lks_picture *p, bool dark, int reach,
                           lks_error *err) {
    const size_t n = (size_t)p->rows * (size_t)p->columns;
    plane canvas = {p->rows + 2 * reach, p->columns + 2 * reach, NULL};
    const size_t large = (size_t)canvas.rows * (size_t)canvas.columns;
    const size_t line =
        (size_t)(canvas.rows > canvas.columns ? canvas.rows : canvas.columns) + 2 * (size_t)reach;
    uint8_t *memory = lks_alloc(2 * n + large + 3 * line, 1, "the paper of a picture", err);
    if (!memory)
        return LKS_ERR_MEMORY;
    plane light = {p->rows, p->columns, memory}, paper = {p->rows, p->columns, memory + n};
    canvas.values = memory + 2 * n;
    uint8_t *lines = canvas.values + large;
    room r = {lines, lines + line, lines + 2 * line};
    memset(out, 0, n);
    for (int c = 0; c < p->channels; c++) {
        take_channel(&light, p, c, dark);
        smooth(&paper, &light);
        close_on(&canvas, &paper, reach, &r);
        even_out(&paper);
        add_contrast(out, &light, &paper);
    }
    lks_free(memory);
    return LKS_OK;
}

/* Half of what one pixel in 50 reaches: grain and slopes do not. */
static int strong_of(const uint8_t *v, int64_t n) {
    int64_t counts[256] = {0}, above = 0;
    int top = 255;
    for (int64_t i = 0; i < n; i++)
        counts[v[i]]++;
    while (top > 0 && (above += counts[top]) * 50 < n)
        top--;
    return top / 2;
}

/* True if what is strong in @p wide is half as strong in @p narrow. */
static bool keeps(const uint8_t *narrow, const uint8_t *wide, int64_t n, int strong) {
    int64_t all = 0, kept = 0;
    for (int64_t i = 0; i < n; i++)
        if (wide[i] >= strong) {
            all++;
            kept += 2 * narrow[i] >= wide[i];
        }
    return 100 * kept >= KEPT_PERCENT * all;
}

/* The narrowest window that no stroke fills follows the paper best. */
lks_status lks_ink_contrast(uint8_t *out, const lks_picture *p, bool dark, lks_error *err) {
    static const int parts[] = {24, 16, 10, 7, 5}; /* of the shorter side */
    const int64_t n = (int64_t)p->rows * p->columns;
    const int shorter = p->rows < p->columns ? p->rows : p->columns;
    const int widest = shorter / 3 > REACH_LEAST ? shorter / 3 : REACH_LEAST;
    LKS_TRY(contrast(out, p, dark, widest, err));
    uint8_t *narrow = lks_alloc((size_t)n, 1, "the ink of a picture", err);
    if (!narrow)
        return LKS_ERR_MEMORY;
    const int strong = strong_of(out, n);
    lks_status status = LKS_OK;
    for (int k = 0; k < 5 && status == LKS_OK; k++) {
        const int reach = shorter / parts[k];
        if (reach < REACH_LEAST || reach >= widest)
            continue;
        status = contrast(narrow, p, dark, reach, err);
        if (status != LKS_OK || !keeps(narrow, out, n, strong))
            continue;
        memcpy(out, narrow, (size_t)n);
        break;
    }
    lks_free(narrow);
    return status;
}
