/* From the ink of a digit to what MNIST's makers would have made of it. The place by the centre of mass was
 * recovered from the data: it gives that of 9,999 of the 10,000 test images. */
#include <string.h>

#include "pictures/ink.h"
#include "base/memory.h"
#include "pictures/ink/steps.h"
#include "pictures/picture_resize.h"

enum { SIDE = LKS_MNIST_SIDE, LONGEST = 20 };

static int largest(const uint8_t *v, size_t n) {
    int most = 0;
    for (size_t i = 0; i < n; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

static void brighten(uint8_t *v, size_t n, int top) {
    for (size_t i = 0; i < n; i++)
        v[i] = (uint8_t)((v[i] * 255 + top / 2) / top);
}

/* The box around what was chosen; its ends until the end. */
static lks_ink_part box_of(const lks_ink *ink, const lks_ink_parts *parts, const bool *chosen) {
    lks_ink_part box = {.top = ink->rows, .left = ink->columns};
    for (int i = 0; i < parts->n; i++) {
        const lks_ink_part *p = &parts->parts[i];
        if (!chosen[i])
            continue;
        box.top = p->top < box.top ? p->top : box.top;
        box.left = p->left < box.left ? p->left : box.left;
        box.rows = p->top + p->rows > box.rows ? p->top + p->rows : box.rows;
        box.columns = p->left + p->columns > box.columns ? p->left + p->columns : box.columns;
    }
    box.rows -= box.top;
    box.columns -= box.left;
    return box;
}

/* The values of what was chosen, and nothing else. */
static void cut(uint8_t *out, const lks_ink *ink, const lks_ink_parts *parts, const bool *chosen,
                const lks_ink_part *box) {
    for (int y = 0; y < box->rows; y++) {
        const size_t from = (size_t)(box->top + y) * (size_t)ink->columns + (size_t)box->left;
        for (int x = 0; x < box->columns; x++) {
            const int32_t label = parts->labels[from + (size_t)x];
            *out++ = label > 0 && chosen[label - 1] ? ink->values[from + (size_t)x] : 0;
        }
    }
}

int lks_ink_place(int64_t mass, int64_t twice, int side) {
    const int64_t above = 30 * mass - twice, unit = 2 * mass;
    const int64_t first = above < 0 ? 0 : above / unit;
    return first > SIDE - side ? SIDE - side : (int)first;
}

static void put(uint8_t *out, const uint8_t *ink, int rows, int columns) {
    int64_t mass = 0, down = 0, right = 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            const int v = ink[y * columns + x];
            mass += v;
            down += v * (2 * y + 1);
            right += v * (2 * x + 1);
        }
    if (mass == 0)
        return;
    const int top = lks_ink_place(mass, down, rows), left = lks_ink_place(mass, right, columns);
    for (int y = 0; y < rows; y++)
        memcpy(out + (top + y) * SIDE + left, ink + y * columns, (size_t)columns);
}

/* The digit as it is drawn, without paper around it. */
static lks_status draw(lks_picture *p, uint8_t *out, lks_error *err) {
    uint8_t small[LONGEST * LONGEST];
    LKS_TRY(lks_ink_fit_width(p, err));
    const int side = p->rows > p->columns ? p->rows : p->columns;
    const int rows = lks_picture_scaled(p->rows, LONGEST, side, LONGEST);
    const int columns = lks_picture_scaled(p->columns, LONGEST, side, LONGEST);
    const size_t pixels = (size_t)rows * (size_t)columns;
    LKS_TRY(lks_picture_resize(p, rows, columns, 1, small, (size_t)columns, err));
    const int top = largest(small, pixels);
    if (side != LONGEST && top > 0) /* thin lines of a large picture come out as faint ones */
        brighten(small, pixels, top);
    put(out, small, rows, columns);
    return LKS_OK;
}

lks_status lks_ink_image(const lks_ink *ink, const lks_ink_parts *parts, const bool *chosen,
                         uint8_t *out, lks_error *err) {
    memset(out, 0, (size_t)SIDE * SIDE);
    const lks_ink_part box = box_of(ink, parts, chosen);
    if (box.rows <= 0)
        return LKS_OK;
    lks_picture p = {box.rows, box.columns, 1, NULL};
    p.pixels = lks_alloc((size_t)p.rows, (size_t)p.columns, "a digit", err);
    if (!p.pixels)
        return LKS_ERR_MEMORY;
    cut(p.pixels, ink, parts, chosen, &box);
    const lks_status status = draw(&p, out, err);
    lks_free(p.pixels);
    return status;
}
