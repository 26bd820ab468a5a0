/* Figures from counts. Definitions of precision, recall and F1 as in van Rijsbergen, "Information
 * Retrieval", 1979. */
#include "nn/metrics.h"

#include <math.h>

#include "lockstep/log.h"

double lks_accuracy(const lks_counts *c) {
    return c->total ? (double)c->correct / (double)c->total : NAN;
}

double lks_mean_loss(const lks_counts *c) {
    return c->total ? lks_limbs_value(c->loss) / (double)c->total : NAN;
}

static double share(int64_t part, int64_t whole) {
    return whole ? (double)part / (double)whole : 0.0;
}

lks_class_metrics lks_class_metrics_of(const lks_counts *c, int k) {
    int64_t hit = c->confusion[k * c->classes + k], predicted = 0;
    lks_class_metrics m = {0};
    for (int i = 0; i < c->classes; i++) {
        m.support += c->confusion[k * c->classes + i];
        predicted += c->confusion[i * c->classes + k];
    }
    m.precision = share(hit, predicted);
    m.recall = share(hit, m.support);
    m.f1 = share(2 * hit, predicted + m.support);
    return m;
}

lks_class_metrics lks_macro_metrics(const lks_counts *c) {
    lks_class_metrics mean = {0};
    int present = 0;
    for (int k = 0; k < c->classes; k++) {
        lks_class_metrics m = lks_class_metrics_of(c, k);
        if (m.support == 0)
            continue;
        present++;
        mean.precision += m.precision;
        mean.recall += m.recall;
        mean.f1 += m.f1;
        mean.support += m.support;
    }
    if (present) {
        mean.precision /= present;
        mean.recall /= present;
        mean.f1 /= present;
    }
    return mean;
}

void lks_wilson(int64_t correct, int64_t total, double *low, double *high) {
    const double z = LKS_Z95;
    if (total == 0) {
        *low = 0;
        *high = 1;
        return;
    }
    double n = (double)total, p = (double)correct / n, scale = 1 / (1 + z * z / n);
    double middle = (p + z * z / (2 * n)) * scale;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) * scale;
    *low = correct == 0 ? 0 : middle - half;
    *high = correct == total ? 1 : middle + half;
}

static int widest_name(const lks_data_config *data) {
    int widest = 0;
    for (int k = 0; k < data->n_class_names; k++) {
        const int width = lks_text_width(data->class_names[k]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* The number of a class, and its name where there are names. */
static void print_class(const lks_data_config *data, int k, FILE *out) {
    fprintf(out, "  %5d", k);
    if (k < data->n_class_names)
        fprintf(out, " %s%*s", data->class_names[k],
                widest_name(data) - lks_text_width(data->class_names[k]), "");
}

/* The room that names take after the number of a class, with the space before them. */
static int room_for_names(const lks_data_config *data) {
    return data->n_class_names ? 1 + widest_name(data) : 0;
}

static void print_confusion(const lks_counts *c, const lks_data_config *data, FILE *out) {
    fprintf(out, "\n  confusion matrix (row: true class, column: predicted)\n       %*s",
            room_for_names(data), "");
    for (int k = 0; k < c->classes; k++)
        fprintf(out, "%6d", k);
    fprintf(out, "\n");
    for (int i = 0; i < c->classes; i++) {
        print_class(data, i, out);
        for (int k = 0; k < c->classes; k++)
            fprintf(out, "%6lld", (long long)c->confusion[i * c->classes + k]);
        fprintf(out, "\n");
    }
}

void lks_counts_print(const lks_counts *c, const lks_data_config *data, const char *title,
                      FILE *out) {
    double low, high;
    lks_wilson(c->correct, c->total, &low, &high);
    fprintf(out,
            "\n%s: accuracy %.2f %% (%lld of %lld; 95 %% interval %.2f..%.2f %%), top-3 %.2f %%, "
            "loss %.5f\n",
            title, 100 * lks_accuracy(c), (long long)c->correct, (long long)c->total, 100 * low,
            100 * high, 100 * share(c->top3, c->total), lks_mean_loss(c));
    fprintf(out, "\n  class%*s  precision   recall       F1   images\n", room_for_names(data), "");
    for (int k = 0; k <= c->classes; k++) {
        lks_class_metrics m = k < c->classes ? lks_class_metrics_of(c, k) : lks_macro_metrics(c);
        if (k < c->classes)
            print_class(data, k, out);
        else
            fprintf(out, "  %5s%*s", "all", room_for_names(data),
                    ""); /* means of the figures, sum of the images */
        fprintf(out, "  %8.4f  %8.4f %8.4f %8lld\n", m.precision, m.recall, m.f1,
                (long long)m.support);
    }
    if (c->classes <= 20)
        print_confusion(c, data, out);
    fflush(out);
}
