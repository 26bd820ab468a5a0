/* A data set for programs. */
#include <stdio.h>

#include "base/json/rows.h"
#include "tool/view/view.h"

static const char *const part_names[] = {"training", "test"};

static void put_class(lks_rows *r, const char *part, int k, const char *name, int64_t images) {
    lks_row_begin(r);
    lks_row_text(r, "part", part);
    lks_row_integer(r, "class", k);
    lks_row_text(r, "name", name);
    lks_row_integer(r, "images", images);
    lks_row_end(r);
}

static void put_classes(FILE *f, const lks_view *v, lks_format format) {
    lks_rows rows = lks_rows_begin(f, format);
    lks_rows_head(&rows);
    put_class(&rows, "", 0, "", 0);
    for (int p = 0; lks_view_has_labels(v) && p < 2; p++)
        for (int k = 0; k < LKS_CLASSES_MAX; k++)
            if (v->part[p].survey.labels[k])
                put_class(&rows, part_names[p], k, lks_view_class_name(v, k),
                          v->part[p].survey.labels[k]);
    lks_rows_end(&rows);
}

static void put_part(lks_rows *r, const char *name, const lks_part_view *p) {
    const bool any = p->survey.images > 0;
    lks_row_begin(r);
    lks_row_text(r, "part", name);
    lks_row_text(r, "path", p->path);
    lks_row_text(r, "labels", p->labels_path[0] ? p->labels_path : NULL);
    lks_row_integer(r, "images", p->survey.images);
    lks_row_integer(r, "rows_least", p->low_rows);
    lks_row_integer(r, "rows_most", p->high_rows);
    lks_row_integer(r, "columns_least", p->low_columns);
    lks_row_integer(r, "columns_most", p->high_columns);
    lks_row_integer(r, "channels", p->survey.channels);
    lks_row_integer(r, "low", any ? lks_survey_low(&p->survey) : 0);
    lks_row_integer(r, "high", any ? lks_survey_high(&p->survey) : 0);
    lks_row_number(r, "mean", any ? lks_survey_mean(&p->survey) : 0);
    lks_row_end(r);
}

static void put_parts(FILE *f, const lks_view *v) {
    lks_rows rows = lks_rows_begin(f, LKS_FORMAT_JSON);
    for (int p = 0; p < 2; p++)
        if (v->part[p].count)
            put_part(&rows, part_names[p], &v->part[p]);
    lks_rows_end(&rows);
}

/* null: they were not looked for. */
static void put_repeats(lks_json_object *o, const lks_view *v) {
    const lks_repeats *r = &v->repeats;
    const struct {
        const char *name;
        int64_t count;
    } counts[] = {{"training_repeats", r->training.count},
                  {"test_repeats", r->test.count},
                  {"test_images_in_training", r->leaked.count},
                  {"contradictory_labels", r->contradictory.count}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (v->traces_room)
            lks_json_put_integer(o, counts[i].name, counts[i].count);
        else
            lks_json_put_text_or_null(o, counts[i].name, NULL);
}

static void put_findings(FILE *f, const lks_view *v) {
    lks_findings found;
    lks_rows rows = lks_rows_begin(f, LKS_FORMAT_JSON);
    lks_view_find(v, &found);
    for (int i = 0; i < found.n; i++) {
        lks_row_begin(&rows);
        lks_row_text(&rows, "weight", lks_view_weight(found.of[i].weight));
        lks_row_text(&rows, "text", found.of[i].text);
        lks_row_end(&rows);
    }
    lks_rows_end(&rows);
}

lks_status lks_view_print_rows(const lks_view *v, lks_format format, lks_error *err) {
    lks_json_page page;
    if (format == LKS_FORMAT_CSV) {
        put_classes(stdout, v, format);
        return LKS_OK;
    }
    LKS_TRY(lks_json_page_open(&page, err));
    lks_json_key(&page.object, "parts");
    put_parts(page.object.f, v);
    lks_json_key(&page.object, "classes");
    put_classes(page.object.f, v, LKS_FORMAT_JSON);
    put_repeats(&page.object, v);
    lks_json_key(&page.object, "findings");
    put_findings(page.object.f, v);
    return lks_json_page_close(&page, LKS_OK, err);
}

/* --- labels alone ------------------------------------------------------------------------------ */

static void put_label(lks_rows *r, int k, int64_t labels) {
    lks_row_begin(r);
    lks_row_integer(r, "class", k);
    lks_row_integer(r, "labels", labels);
    lks_row_end(r);
}

static void put_labels(FILE *f, const int64_t *counts, lks_format format) {
    lks_rows rows = lks_rows_begin(f, format);
    lks_rows_head(&rows);
    put_label(&rows, 0, 0);
    for (int k = 0; k < LKS_CLASSES_MAX; k++)
        if (counts[k])
            put_label(&rows, k, counts[k]);
    lks_rows_end(&rows);
}

lks_status lks_view_print_labels(const char *path, int64_t n, const int64_t counts[LKS_CLASSES_MAX],
                                 lks_format format, lks_error *err) {
    lks_json_page page;
    if (format == LKS_FORMAT_CSV) {
        put_labels(stdout, counts, format);
        return LKS_OK;
    }
    LKS_TRY(lks_json_page_open(&page, err));
    lks_json_put_text(&page.object, "path", path);
    lks_json_put_integer(&page.object, "labels", n);
    lks_json_key(&page.object, "classes");
    put_labels(page.object.f, counts, LKS_FORMAT_JSON);
    return lks_json_page_close(&page, LKS_OK, err);
}
