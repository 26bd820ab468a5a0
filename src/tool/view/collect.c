#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "tool/view/view.h"

/* --- one image -------------------------------------------------------------------------------- */

typedef struct image {
    int rows, columns, channels;
    const uint8_t *pixels; /* [rows][columns][channels] */
    int64_t id;
    int label; /* -1: nobody knows */
} image;

/* What is shown of an image: its colours where it has three channels, else the first one. */
static lks_status shrink(const image *m, int rows, int columns, int channels, uint8_t *out,
                         lks_error *err) {
    const size_t n = (size_t)m->rows * (size_t)m->columns, of = (size_t)m->channels;
    const size_t kept = of == 3 ? 3 : 1;
    const lks_picture_form form = {rows, columns, channels, 0, false};
    lks_picture copy = {m->rows, m->columns, (int)kept, lks_alloc(n, kept, "an image", err)};
    if (!copy.pixels)
        return err->status;
    for (size_t i = 0; i < n; i++)
        memcpy(copy.pixels + i * kept, m->pixels + i * of, kept);
    const lks_status status = lks_picture_fit(&copy, &form, out, err);
    lks_picture_free(&copy);
    return status;
}

/* Twice as many rows as are kept: pairs become their mean. */
static lks_status keep_first(lks_part_view *p, const image *m, lks_error *err) {
    uint8_t square[2 * LKS_VIEW_ROWS][LKS_VIEW_COLUMNS];
    const int n = p->n_first++;
    LKS_TRY(shrink(m, 2 * LKS_VIEW_ROWS, LKS_VIEW_COLUMNS, 1, square[0], err));
    for (int r = 0; r < LKS_VIEW_ROWS; r++)
        for (int c = 0; c < LKS_VIEW_COLUMNS; c++)
            p->first[n][r][c] = (uint8_t)((square[2 * r][c] + square[2 * r + 1][c] + 1) / 2);
    p->first_labels[n] = (uint8_t)(m->label < 0 ? 0 : m->label);
    return LKS_OK;
}

static size_t cell_bytes(const lks_view *v) {
    return (size_t)v->cell_rows * (size_t)v->cell_columns * (size_t)v->cell_channels;
}

/* Every n-th of a class, so that all of the file is seen. Without labels: rows of ten. */
static lks_status keep_cell(const lks_view *v, lks_part_view *p, const image *m, lks_error *err) {
    const bool labelled = m->label >= 0;
    const int64_t of = labelled ? p->survey.labels[m->label] : p->count;
    const int64_t most = labelled ? LKS_VIEW_EACH : LKS_VIEW_UNLABELLED;
    const int64_t wanted = of < most ? of : most;
    const int group = labelled ? m->label : 0;
    const int64_t number = p->seen[group]++, next = p->on_sheet[group];
    if (!p->cells || next >= wanted || number != next * of / wanted)
        return LKS_OK;
    p->on_sheet[group]++;
    const size_t place = (size_t)group * LKS_VIEW_EACH + (size_t)next;
    return shrink(m, v->cell_rows, v->cell_columns, v->cell_channels,
                  p->cells + place * cell_bytes(v), err);
}

/* Adds the extent of what is on the `light` side of the middle grey. */
static void add_box(lks_part_view *p, const image *m, int light) {
    int top = m->rows, bottom = -1, left = m->columns, right = -1;
    for (int r = 0; r < m->rows; r++) {
        const uint8_t *row = m->pixels + (size_t)r * (size_t)m->columns * (size_t)m->channels;
        int c = 0, last = m->columns - 1;
        while (c <= last && (row[(size_t)c * (size_t)m->channels] > 127) != light)
            c++;
        while (last >= c && (row[(size_t)last * (size_t)m->channels] > 127) != light)
            last--;
        if (c > last)
            continue;
        top = r < top ? r : top;
        bottom = r;
        left = c < left ? c : left;
        right = last > right ? last : right;
    }
    p->box_rows[light] += bottom < 0 ? 0 : bottom - top + 1;
    p->box_columns[light] += right < 0 ? 0 : right - left + 1;
}

static void add_size(lks_part_view *p, const image *m) {
    if (p->survey.images == 1) {
        p->low_rows = m->rows;
        p->low_columns = m->columns;
    }
    p->low_rows = m->rows < p->low_rows ? m->rows : p->low_rows;
    p->low_columns = m->columns < p->low_columns ? m->columns : p->low_columns;
    p->high_rows = m->rows > p->high_rows ? m->rows : p->high_rows;
    p->high_columns = m->columns > p->high_columns ? m->columns : p->high_columns;
    p->sum_rows += m->rows;
    p->sum_columns += m->columns;
}

/* Labels were counted before, so that it is known which ones are shown. */
static lks_status add_image(lks_view *v, lks_part_view *p, const image *m, lks_error *err) {
    const size_t bytes = (size_t)m->rows * (size_t)m->columns * (size_t)m->channels;
    const bool flat = lks_survey_add(&p->survey, m->id, m->pixels, bytes);
    add_size(p, m);
    for (int light = 0; light < 2; light++)
        add_box(p, m, light);
    if (!flat && v->n_traces < v->traces_room)
        v->traces[v->n_traces++] = (lks_image_trace){
            lks_image_hash(m->pixels, bytes) ^ lks_hash64((uint64_t)m->columns), (uint32_t)m->id,
            (uint8_t)(m->label < 0 ? 0 : m->label), p == &v->part[1]};
    if (p->n_first < LKS_VIEW_FIRST)
        LKS_TRY(keep_first(p, m, err));
    return keep_cell(v, p, m, err);
}

/* --- sets ------------------------------------------------------------------------------------- */

/* Beyond this, hashes and what is shown would take gigabytes. */
enum { TRACES_MAX = 1 << 26 };

static lks_status make_room(lks_view *v, lks_error *err) {
    const int64_t images = v->part[0].count + v->part[1].count;
    v->traces_room = images <= TRACES_MAX ? (size_t)images : 0;
    v->traces = lks_alloc(v->traces_room, sizeof *v->traces, "hashes of the images", err);
    if (!v->traces)
        return err->status;
    const size_t groups = (size_t)(v->classes > LKS_VIEW_EACH ? v->classes : LKS_VIEW_EACH);
    for (int i = 0; i < 2; i++)
        if (v->part[i].count &&
            !(v->part[i].cells =
                  lks_alloc(groups * LKS_VIEW_EACH, cell_bytes(v), "a sheet of images", err)))
            return err->status;
    return LKS_OK;
}

static void choose_cells(lks_view *v, int rows, int columns, int channels) {
    v->cell_rows = rows < LKS_VIEW_CELL_MAX ? rows : LKS_VIEW_CELL_MAX;
    v->cell_columns = columns < LKS_VIEW_CELL_MAX ? columns : LKS_VIEW_CELL_MAX;
    v->cell_channels = channels == 3 ? 3 : 1;
}

static int count_classes(const lks_view *v) {
    int classes = v->config->classes;
    for (int i = 0; i < 2; i++)
        for (int c = classes; c < LKS_CLASSES_MAX; c++)
            classes = v->part[i].survey.labels[c] ? c + 1 : classes;
    return classes;
}

typedef struct opened {
    lks_image_file file;
    uint8_t *labels; /* NULL: none */
} opened;

static lks_status start_part(lks_part_view *p, opened *o, bool labelled, lks_error *err) {
    const lks_image_file *f = &o->file;
    memcpy(p->path, f->path, sizeof p->path);
    p->count = f->count;
    lks_survey_start(&p->survey, f->channels);
    if (!labelled)
        return LKS_OK;
    memcpy(p->labels_path, f->labels_path, sizeof p->labels_path);
    o->labels = lks_alloc((size_t)f->count, 1, "the labels", err);
    if (!o->labels)
        return err->status;
    LKS_TRY(lks_image_file_read_labels(f, o->labels, err));
    lks_survey_add_labels(&p->survey, o->labels, f->count);
    return LKS_OK;
}

typedef struct walk {
    lks_view *v;
    lks_part_view *p;
    const opened *o;
} walk;

static lks_status add_portion(void *context, int64_t first, int64_t n, const uint8_t *images,
                              lks_error *err) {
    const walk *w = context;
    const lks_image_file *f = &w->o->file;
    image m = {f->rows, f->columns, f->channels, images, first, -1};
    for (int64_t i = 0; i < n; i++, m.id++) {
        m.label = w->o->labels ? w->o->labels[m.id] : -1;
        LKS_TRY(add_image(w->v, w->p, &m, err));
        m.pixels += (size_t)f->rows * (size_t)f->columns * (size_t)f->channels;
    }
    return LKS_OK;
}

static lks_status add_sets(lks_view *v, opened *o, lks_error *err) {
    const lks_image_file *first = &o[v->part[0].count ? 0 : 1].file;
    v->classes = count_classes(v);
    choose_cells(v, first->rows, first->columns, first->channels);
    LKS_TRY(make_room(v, err));
    for (int i = 0; i < 2; i++)
        if (v->part[i].count)
            LKS_TRY(
                lks_image_file_walk(&o[i].file, add_portion, &(walk){v, &v->part[i], &o[i]}, err));
    v->repeats = lks_repeats_count(v->traces, v->n_traces);
    return LKS_OK;
}

static lks_status open_parts(lks_view *v, opened *o, lks_error *err) {
    for (int i = 0; i < 2; i++) {
        const lks_image_part part = i ? LKS_PART_TEST : LKS_PART_TRAIN;
        if (i && (!v->config->test_images[0] || !lks_image_file_exists(v->config, part)))
            continue;
        LKS_TRY(lks_image_file_open(&o[i].file, v->config, part, err));
        LKS_TRY(start_part(&v->part[i], &o[i], true, err));
    }
    return add_sets(v, o, err);
}

lks_status lks_view_open(lks_view *v, const lks_data_config *config, lks_error *err) {
    opened o[2] = {{.labels = NULL}};
    v->config = config;
    const lks_status status = open_parts(v, o, err);
    lks_free(o[0].labels);
    lks_free(o[1].labels);
    return status;
}

lks_status lks_view_open_images(lks_view *v, const lks_data_config *config, const char *path,
                                lks_error *err) {
    opened o[2] = {{.labels = NULL}};
    v->config = config;
    LKS_TRY(lks_image_file_open_images(&o[0].file, path, config->transpose, err));
    LKS_TRY(start_part(&v->part[0], &o[0], false, err));
    return add_sets(v, o, err);
}

/* --- pictures --------------------------------------------------------------------------------- */

static lks_status add_picture(lks_view *v, lks_part_view *p, int64_t id,
                              const lks_labelled_picture *from, lks_error *err) {
    lks_picture picture;
    if (lks_picture_read(&picture, from->path, err) != LKS_OK) {
        lks_warn("%s; left out", err->text);
        return LKS_OK;
    }
    p->n_clear += !lks_picture_is_opaque(&picture);
    lks_picture_flatten(&picture, 0);
    const lks_picture_form form = {picture.rows, picture.columns, v->cell_channels, 0, false};
    const size_t bytes = (size_t)form.rows * (size_t)form.columns * (size_t)form.channels;
    uint8_t *pixels = lks_alloc(bytes, 1, "a picture", err);
    lks_status status = pixels ? lks_picture_fit(&picture, &form, pixels, err) : err->status;
    const image m = {form.rows, form.columns, form.channels, pixels, id, from->label};
    if (status == LKS_OK)
        status = add_image(v, p, &m, err);
    lks_free(pixels);
    lks_picture_free(&picture);
    return status;
}

/* All cells are as large as the first picture that can be read, and coloured as it is. */
static void choose_picture_cells(lks_view *v, const lks_picture_folder *folder) {
    lks_picture picture;
    lks_error ignored;
    for (int64_t i = 0; i < folder->n_pictures; i++)
        if (lks_picture_read(&picture, folder->pictures[i].path, &ignored) == LKS_OK) {
            choose_cells(v, picture.rows, picture.columns, lks_picture_is_grey(&picture) ? 1 : 3);
            lks_picture_free(&picture);
            return;
        }
    choose_cells(v, 1, 1, 1);
}

lks_status lks_view_open_folder(lks_view *v, const lks_data_config *config,
                                const lks_picture_folder *folder, lks_error *err) {
    v->config = config;
    v->folder = folder;
    v->classes = folder->n_classes;
    choose_picture_cells(v, folder);
    for (int i = 0; i < 2; i++)
        lks_survey_start(&v->part[i].survey, v->cell_channels);
    for (int64_t i = 0; i < folder->n_pictures; i++) {
        lks_part_view *p = &v->part[folder->pictures[i].test];
        p->count++;
        p->survey.labels[folder->pictures[i].label]++;
    }
    LKS_TRY(make_room(v, err));
    for (int64_t i = 0; i < folder->n_pictures; i++) {
        const lks_labelled_picture *from = &folder->pictures[i];
        LKS_TRY(add_picture(v, &v->part[from->test], i, from, err));
    }
    v->repeats = lks_repeats_count(v->traces, v->n_traces);
    return LKS_OK;
}

void lks_view_free(lks_view *v) {
    lks_free(v->part[0].cells);
    lks_free(v->part[1].cells);
    lks_free(v->traces);
    memset(v, 0, sizeof *v);
}
