#include "tool/predict_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/rows.h"
#include "base/utf8.h"
#include "base/json/json.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "lockstep/picture.h"
#include "tool/view/draw.h"

/* More columns of pixels than this are brought to as many, so that a line of a terminal holds them. */
enum { SHOWN_MOST = 56 };

static const char *const prepared_names[] = {
    [LKS_PREPARED_NONE] = "none", [LKS_PREPARED_FIT] = "fit", [LKS_PREPARED_MNIST] = "mnist"};

/* --- classes ---------------------------------------------------------------------------------- */

static const char *class_name(const lks_predict_printer *p, int k, char text[16]) {
    if (k < p->data->n_class_names)
        return p->data->class_names[k];
    snprintf(text, 16, "%d", k);
    return text;
}

/* The classes with the largest probabilities into top [p->top], the smaller number first of equal
 * ones; the first is the answer, also where rounding made it equal to another. */
static void rank(const lks_predict_printer *p, const lks_answer *a, int *top) {
    bool taken[LKS_CLASSES_MAX] = {0};
    top[0] = a->predicted;
    taken[a->predicted] = true;
    for (int i = 1; i < p->top; i++) {
        top[i] = -1;
        for (int k = 0; k < p->classes; k++)
            if (!taken[k] && (top[i] < 0 || a->probabilities[k] > a->probabilities[top[i]]))
                top[i] = k;
        taken[top[i]] = true;
    }
}

/* The names of the classes of a line, one after another: freed by the caller, NULL without memory. */
static char *number_of(const lks_predict_printer *p, const lks_place *place) {
    char *number = NULL, text[16];
    size_t size;
    FILE *f = open_memstream(&number, &size);
    if (!f)
        return NULL;
    for (int i = 0; i < place->digits; i++)
        fputs(class_name(p, place->number[i], text), f);
    fclose(f);
    return number;
}

/* --- doubt ------------------------------------------------------------------------------------ */

/* The reasons, each between `quote`s, with `between` between them. */
static void print_doubt(const lks_answer *a, const char *quote, const char *between) {
    const char *before = "";
    for (int k = 0; k < LKS_DOUBTS; k++)
        if (a->doubt >> k & 1) {
            printf("%s%s%s%s", before, quote, lks_doubt_name((lks_doubt)k), quote);
            before = between;
        }
}

/* --- what the network saw --------------------------------------------------------------------- */

/* Two characters a pixel, which makes about a square. */
static void print_row(const uint8_t *row, int columns) {
    printf("  |");
    for (int x = 0; x < columns; x++)
        printf("%s%s", lks_shade(row[x]), lks_shade(row[x]));
    printf("|\n");
}

/* Grey, and not too wide. */
static void show(const lks_predict_printer *p, const lks_answer *a) {
    const int columns = p->shape.columns < SHOWN_MOST ? p->shape.columns : SHOWN_MOST;
    const int rows = columns < p->shape.columns
                         ? (int)((int64_t)p->shape.rows * columns / p->shape.columns)
                         : p->shape.rows;
    const lks_picture_form form = {rows > 0 ? rows : 1, columns, 1, 0, false};
    const size_t bytes =
        (size_t)p->shape.rows * (size_t)p->shape.columns * (size_t)p->shape.channels;
    lks_error err;
    lks_picture copy = {p->shape.rows, p->shape.columns, p->shape.channels,
                        lks_alloc(bytes, 1, "a picture", &err)};
    uint8_t *grey = lks_alloc((size_t)form.rows, (size_t)form.columns, "a picture", &err);
    if (copy.pixels && grey) {
        memcpy(copy.pixels, a->pixels, bytes);
        lks_picture_fit(&copy, &form, grey, &err);
        for (int y = 0; y < form.rows; y++)
            print_row(grey + (size_t)y * (size_t)form.columns, form.columns);
    }
    lks_free(grey);
    lks_picture_free(&copy);
}

/* --- text ------------------------------------------------------------------------------------- */

static int widest_class(const lks_predict_printer *p) {
    char text[16];
    int widest = 0;
    for (int k = 0; k < p->classes; k++) {
        const int width = lks_text_width(class_name(p, k, text));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void pad(int width, int used) {
    printf("%*s", width > used ? width - used : 0, "");
}

static void print_file(const lks_predict_printer *p, const lks_answer *a) {
    int used = lks_text_width(a->file);
    lks_print(stdout, "%s", a->file);
    if (a->index >= 0)
        used += printf("[%lld]", (long long)a->index);
    pad(p->name_width, used);
}

static void show_seen(const lks_predict_printer *p, const lks_answer *a) {
    static const char *const what[] = {[LKS_PREPARED_NONE] = "as it is",
                                       [LKS_PREPARED_FIT] = "fitted to size",
                                       [LKS_PREPARED_MNIST] = "centred as MNIST's images"};
    printf("  seen: %d x %d x %d, %s\n", p->shape.rows, p->shape.columns, p->shape.channels,
           what[a->prepared]);
    show(p, a);
}

static void print_box(const lks_place *place) {
    const lks_box *b = &place->box;
    printf("  at row %d, column %d, %d x %d", b->row, b->column, b->rows, b->columns);
}

/* After the last digit of a line: all of it, and how sure its least sure one is. */
static void print_line(lks_predict_printer *p, const lks_answer *a) {
    const lks_place *place = a->place;
    const double sure = a->confidence;
    p->least = place->place == 0 || sure < p->least ? sure : p->least;
    p->in_doubt = (place->place > 0 && p->in_doubt) || a->doubt;
    if (place->place + 1 < place->digits)
        return;
    char *number = number_of(p, place);
    print_file(p, a);
    printf("  line %d: ", place->line + 1);
    lks_print(stdout, "%s", number ? number : "?");
    printf("  %6.2f %%%s\n", 100 * p->least, p->in_doubt ? "  unsure" : "");
    free(number);
}

static void print_text(lks_predict_printer *p, const lks_answer *a, const int *top) {
    const int width = widest_class(p);
    char text[16];
    print_file(p, a);
    if (a->place)
        printf("  line %d, digit %d", a->place->line + 1, a->place->place + 1);
    for (int i = 0; i < p->top; i++) {
        const char *name = class_name(p, top[i], text);
        printf("  %s", name);
        pad(width, lks_text_width(name));
        printf(" %6.2f %%", 100 * a->probabilities[top[i]]);
    }
    if (a->place)
        print_box(a->place);
    if (a->doubt)
        printf("  unsure: ");
    print_doubt(a, "", ", ");
    printf("\n");
    if (p->show)
        show_seen(p, a);
    if (a->place)
        print_line(p, a);
}

/* --- JSON Lines: an object a line -------------------------------------------------------------- */

static void print_class(const lks_predict_printer *p, const lks_answer *a, int k) {
    char text[32];
    printf("\"class\":%d,\"name\":", k);
    lks_json_text(stdout, class_name(p, k, text));
    printf(",\"probability\":%s", lks_json_float((float)a->probabilities[k], text));
}

static void print_place(const lks_predict_printer *p, const lks_place *place) {
    const lks_box *b = &place->box;
    char *number = number_of(p, place), text[32];
    printf(",\"box\":{\"row\":%d,\"column\":%d,\"rows\":%d,\"columns\":%d}", b->row, b->column,
           b->rows, b->columns);
    printf(",\"line\":%d,\"place\":%d,\"number\":", place->line + 1, place->place + 1);
    lks_json_text(stdout, number ? number : "");
    printf(",\"certainty\":%s", lks_json_float((float)place->certainty, text));
    free(number);
}

static void print_json(const lks_predict_printer *p, const lks_answer *a, const int *top) {
    char text[32];
    const size_t bytes =
        (size_t)p->shape.rows * (size_t)p->shape.columns * (size_t)p->shape.channels;
    printf("{\"file\":");
    lks_json_text(stdout, a->file);
    if (a->index >= 0)
        printf(",\"index\":%lld", (long long)a->index);
    else
        printf(",\"index\":null");
    printf(",\"preprocess\":\"%s\",", prepared_names[a->prepared]);
    print_class(p, a, top[0]);
    printf(",\"top\":[");
    for (int i = 0; i < p->top; i++) {
        fputs(i ? ",{" : "{", stdout);
        print_class(p, a, top[i]);
        putchar('}');
    }
    printf("],\"probabilities\":[");
    for (int k = 0; k < p->classes; k++)
        printf("%s%s", k ? "," : "", lks_json_float((float)a->probabilities[k], text));
    printf("]");
    if (p->show)
        printf(",\"pixels\":[");
    for (size_t i = 0; p->show && i < bytes; i++)
        printf("%s%d", i ? "," : "", a->pixels[i]);
    fputs(p->show ? "],\"unsure\":[" : ",\"unsure\":[", stdout);
    print_doubt(a, "\"", ",");
    printf("],\"confidence\":%s,\"calibrated\":%s", lks_json_float((float)a->confidence, text),
           p->calibrated ? "true" : "false");
    if (a->place)
        print_place(p, a->place);
    fputs("}\n", stdout);
}

/* --- CSV ---------------------------------------------------------------------------------------- */

static void print_csv(const lks_predict_printer *p, const lks_answer *a, const int *top) {
    char text[32];
    lks_csv_text(stdout, a->file);
    if (a->index >= 0)
        printf(",%lld,%s", (long long)a->index, prepared_names[a->prepared]);
    else
        printf(",,%s", prepared_names[a->prepared]);
    for (int i = 0; i < p->top; i++) {
        printf(",%d,", top[i]);
        lks_csv_text(stdout, class_name(p, top[i], text));
        printf(",%s", lks_json_float((float)a->probabilities[top[i]], text));
    }
    putchar(',');
    print_doubt(a, "", "; ");
    printf(",%s", lks_json_float((float)a->confidence, text));
    if (a->place) {
        const lks_box *b = &a->place->box;
        char *number = number_of(p, a->place);
        printf(",%d,%d,", a->place->line + 1, a->place->place + 1);
        lks_csv_text(stdout, number ? number : "");
        printf(",%d,%d,%d,%d,%s", b->row, b->column, b->rows, b->columns,
               lks_json_float((float)a->place->certainty, text));
        free(number);
    }
    printf("\n");
}

/* ---------------------------------------------------------------------------------------------- */

void lks_predict_print_head(const lks_predict_printer *p) {
    if (p->format != LKS_FORMAT_CSV)
        return;
    printf("file,index,preprocess,class,name,probability");
    for (int i = 2; i <= p->top; i++)
        printf(",class%d,name%d,probability%d", i, i, i);
    printf(",unsure,confidence%s\n",
           p->segment ? ",line,place,number,row,column,rows,columns,certainty" : "");
}

void lks_predict_print(void *printer, const lks_answer *a) {
    lks_predict_printer *p = printer;
    int top[LKS_CLASSES_MAX];
    rank(p, a, top);
    p->answered = true;
    p->unsure = p->unsure || a->doubt;
    if (p->format == LKS_FORMAT_JSON)
        print_json(p, a, top);
    else if (p->format == LKS_FORMAT_CSV)
        print_csv(p, a, top);
    else
        print_text(p, a, top);
    if (a->place)
        lks_boxes_add(&p->boxes, a);
}
