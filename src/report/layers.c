/* The network layer by layer. */
#include <stdio.h>

#include "nn/layer.h"
#include "report/sections.h"

typedef struct totals {
    int64_t parameters, bytes;
    double flop;
} totals;

static totals add_up(const lks_report_run *run) {
    totals t = {0};
    for (int i = 0; i < run->config.n_layers; i++) {
        t.parameters += run->layers[i].parameters;
        t.bytes += run->layers[i].out_bytes;
        t.flop += run->layers[i].flop;
    }
    return t;
}

static void write_layer(lks_html *page, const lks_report_run *run, int i, const totals *sum) {
    const lks_layer_config *l = &run->config.layers[i];
    const lks_layer_info *info = &run->layers[i];
    char text[96], shape[LKS_FIGURE_ROOM], count[LKS_FIGURE_ROOM];
    text[0] = '\0';
    if (l->kind->rules->details)
        l->kind->rules->details(l, text, sizeof text);
    lks_html_printf(page, "<tr><td>%d</td><th scope=\"row\">%s", i + 1,
                    lks_layer_kind_name(l->kind));
    if (text[0]) {
        lks_html_add(page, " <small>");
        lks_html_text(page, text);
        lks_html_add(page, "</small>");
    }
    lks_html_add(page, "</th><td class=\"text\">");
    lks_html_text(page, l->name);
    if (l->input[0]) {
        lks_html_add(page, " <small>reads ");
        lks_html_text(page, l->input);
        lks_html_add(page, "</small>");
    }
    lks_html_printf(
        page,
        "</td><td>%s</td><td>%s</td><td>%.3f</td><td aria-hidden=\"true\"><i class=\"bar\" "
        "style=\"width:%.1f%%\"></i></td></tr>\n",
        lks_shape_text(info->out, shape), lks_grouped(info->parameters, count), info->flop / 1e6,
        sum->flop > 0 ? 100 * info->flop / sum->flop : 0.0);
}

static void write_layers(lks_html *page, const lks_report_run *run) {
    const totals sum = add_up(run);
    char shape[LKS_FIGURE_ROOM], count[LKS_FIGURE_ROOM];
    lks_html_printf(page,
                    "<p>An image of %s becomes %d class probabilities through <b>%s parameters</b> "
                    "and %.2f million floating-point operations.</p>\n",
                    lks_shape_text(lks_report_shape(run), shape), run->checkpoint.data.classes,
                    lks_grouped(sum.parameters, count), sum.flop / 1e6);
    lks_table_open(page, "bars network",
                   "The layers: output for one image, parameters, and million "
                   "floating-point operations forward (a fused multiply-add is 2)");
    lks_html_add(page, "<thead><tr><th scope=\"col\">#</th><th scope=\"col\">layer</th>"
                       "<th scope=\"col\">name</th><th scope=\"col\">output</th>"
                       "<th scope=\"col\">parameters</th><th scope=\"col\">MFLOP</th>"
                       "<th scope=\"col\" aria-hidden=\"true\"></th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < run->config.n_layers; i++)
        write_layer(page, run, i, &sum);
    lks_html_printf(
        page,
        "</tbody>\n<tfoot><tr><td></td><th scope=\"row\">total</th><td></td><td>%.1f KiB"
        "</td><td>%s</td><td>%.3f</td><td aria-hidden=\"true\"></td></tr></tfoot>\n",
        (double)sum.bytes / 1024, lks_grouped(sum.parameters, count), sum.flop / 1e6);
    lks_table_close(page);
}

void lks_section_network(lks_html *page, const lks_report *r) {
    const lks_report_run *run = r->runs;
    lks_section_open(page, "network", "The network, layer by layer");
    if (run->layers)
        write_layers(page, run);
    else
        lks_missing_since(page, "Without a checkpoint the shapes are not known", run->problem);
    lks_section_close(page);
}
