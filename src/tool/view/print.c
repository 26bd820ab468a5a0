#include <stdio.h>
#include <string.h>

#include "lockstep/log.h"
#include "tool/view/draw.h"
#include "tool/view/view.h"

/* --- one part --------------------------------------------------------------------------------- */

/* "" for a class that has none, or is called by its number. */
const char *lks_view_class_name(const lks_view *v, int k) {
    const lks_data_config *c = v->config;
    const char *name = v->class_names         ? v->class_names[k]
                       : k < c->n_class_names ? c->class_names[k]
                                              : "";
    char number[16];
    snprintf(number, sizeof number, "%d", k);
    return strcmp(name, number) == 0 ? "" : name;
}

static void print_sizes(const lks_view *v, const lks_part_view *p) {
    const double n = (double)p->survey.images;
    if (!v->folder) {
        lks_print(stdout, "%s: %lld images of %d x %d x %d\n", p->path, (long long)p->count,
                  p->high_rows, p->high_columns, p->survey.channels);
        return;
    }
    lks_print(stdout, "%s: %lld pictures", p->path, (long long)p->survey.images);
    if (p->survey.images == 0) {
        lks_print(stdout, " that can be read\n");
        return;
    }
    if (p->low_rows == p->high_rows && p->low_columns == p->high_columns)
        lks_print(stdout, " of %d x %d pixels", p->low_rows, p->low_columns);
    else
        lks_print(stdout, " from %d x %d to %d x %d pixels, %.0f x %.0f on average", p->low_rows,
                  p->low_columns, p->high_rows, p->high_columns, (double)p->sum_rows / n,
                  (double)p->sum_columns / n);
    lks_print(stdout, ", %s", p->survey.channels == 3 ? "with colours" : "grey");
    if (p->n_clear)
        lks_print(stdout, "; %lld let the ground through, put on black", (long long)p->n_clear);
    lks_print(stdout, "\n");
}

/* What is not ground: the darker half of the values on a light set, else the lighter one. */
static void print_pixels(const lks_part_view *p) {
    const double mean = lks_survey_mean(&p->survey), n = (double)p->survey.images;
    const int light = mean < UINT8_MAX / 2.0;
    lks_print(
        stdout,
        "  pixels     %d to %d, mean %.1f: %s; what is %s than %d takes %.1f x %.1f pixels on "
        "average\n",
        lks_survey_low(&p->survey), lks_survey_high(&p->survey), mean,
        light ? "light on dark" : "dark on light", light ? "lighter" : "darker", light ? 127 : 128,
        (double)p->box_rows[light] / n, (double)p->box_columns[light] / n);
}

static void print_classes(const lks_view *v, const lks_part_view *p) {
    int found = 0;
    for (int k = 0; k < LKS_CLASSES_MAX; k++)
        found += p->survey.labels[k] > 0;
    lks_print(stdout, "  classes    %d:", found);
    for (int k = 0, at = 0; k < LKS_CLASSES_MAX; k++) {
        if (!p->survey.labels[k])
            continue;
        fputs(at && at % 6 == 0 ? ",\n             " : at ? ", " : " ", stdout);
        lks_print(stdout, lks_view_class_name(v, k)[0] ? "%d %s: %lld" : "%d%s: %lld", k,
                  lks_view_class_name(v, k), (long long)p->survey.labels[k]);
        at++;
    }
    lks_print(stdout, "\n");
}

static void print_part(const lks_view *v, const lks_part_view *p, bool labelled) {
    print_sizes(v, p);
    if (p->survey.images)
        print_pixels(p);
    if (labelled) {
        if (p->labels_path[0])
            lks_print(stdout, "%s: %lld labels\n", p->labels_path, (long long)p->count);
        print_classes(v, p);
    }
}

/* --- the set ---------------------------------------------------------------------------------- */

bool lks_view_has_labels(const lks_view *v) {
    return v->folder || v->part[0].labels_path[0] || v->part[1].labels_path[0];
}

static void print_repeats(const lks_view *v) {
    const lks_repeats *r = &v->repeats;
    if (v->traces_room == 0)
        lks_print(stdout, "repeats      not looked for: the set is too large\n");
    else if (!r->training.count && !r->leaked.count && !r->test.count)
        lks_print(stdout, "repeats      none: no image occurs twice\n");
    else
        lks_print(stdout,
                  "repeats      %lld training images equal earlier ones, %lld test images equal "
                  "training images, %lld equal earlier test images\n",
                  (long long)r->training.count, (long long)r->leaked.count,
                  (long long)r->test.count);
}

/* How pictures became these images, where that is known. */
static void print_preparation(const lks_view *v) {
    const lks_pictures_config *p = &v->config->pictures;
    if (p->preprocess == LKS_PREPROCESS_MNIST)
        fputs("prepared     from pictures, centred as MNIST's images are\n", stdout);
    if (p->preprocess == LKS_PREPROCESS_NONE)
        lks_print(stdout, "prepared     from pictures, resized on a ground of %d%s\n",
                  p->background, p->invert ? ", inverted" : "");
}

static const char *name_picture(const void *context, bool test, int64_t id) {
    const lks_picture_folder *folder = context;
    (void)test; /* both are in one list */
    return folder->pictures[id].path;
}

const char *lks_view_weight(lks_finding_weight weight) {
    static const char *const words[] = {[LKS_FINDING_NOTE] = "note",
                                        [LKS_FINDING_WARNING] = "warning",
                                        [LKS_FINDING_ERROR] = "error"};
    return words[weight];
}

void lks_view_find(const lks_view *v, lks_findings *found) {
    lks_find(found, &(lks_set_facts){.config = v->config,
                                     .path = v->part[0].path,
                                     .rows = v->folder ? 0 : v->part[0].high_rows,
                                     .columns = v->folder ? 0 : v->part[0].high_columns,
                                     .training = &v->part[0].survey,
                                     .test = &v->part[1].survey,
                                     .repeats = &v->repeats,
                                     .name = v->folder ? name_picture : NULL,
                                     .named = v->folder,
                                     .classes = v->folder ? v->classes : v->config->classes,
                                     .unlabelled = !lks_view_has_labels(v)});
}

static void print_findings(const lks_view *v) {
    lks_findings found;
    lks_view_find(v, &found);
    for (int i = 0; i < found.n; i++)
        lks_print(stdout, "%-12s %s\n", lks_view_weight(found.of[i].weight), found.of[i].text);
}

static void print_first(const lks_view *v) {
    const lks_part_view *p = &v->part[v->part[0].count ? 0 : 1];
    enum { BESIDE = 3 };
    for (int first = 0; first < p->n_first; first += BESIDE) {
        const int end = first + BESIDE < p->n_first ? first + BESIDE : p->n_first;
        lks_print(stdout, "\n");
        for (int i = first; lks_view_has_labels(v) && i < end; i++) {
            char title[LKS_VIEW_COLUMNS + 1];
            const int label = p->first_labels[i];
            snprintf(title, sizeof title, "%d %.16s", label, lks_view_class_name(v, label));
            lks_print(stdout, "  %s", title);
            printf("%*s", LKS_VIEW_COLUMNS + 1 - lks_text_width(title), "");
        }
        fputs(lks_view_has_labels(v) ? "\n" : "", stdout);
        for (int r = 0; r < LKS_VIEW_ROWS; r++) {
            for (int i = first; i < end; i++) {
                printf(" |");
                for (int c = 0; c < LKS_VIEW_COLUMNS; c++)
                    fputs(lks_shade(p->first[i][r][c]), stdout);
                printf("|");
            }
            printf("\n");
        }
    }
}

void lks_view_print(const lks_view *v) {
    for (int i = 0; i < 2; i++)
        if (v->part[i].count)
            print_part(v, &v->part[i], lks_view_has_labels(v));
    if (v->part[0].count && !v->part[1].count && lks_view_has_labels(v))
        lks_print(stdout, "%s: no test set\n",
                  v->config->dir[0] ? v->config->dir : v->part[0].path);
    print_preparation(v);
    print_repeats(v);
    print_findings(v);
    print_first(v);
}
