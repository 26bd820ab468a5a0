/* The section "draw" of the page. */
#include "panel/panel.h"

/* Numbers below this go in as they are; above, weights are rounded; and beyond the last limit,
 * rounded too, they stay out. Behind them is the size a whole page may have, 2 MiB. */
#define PLAIN_MAX   ((size_t)1150 << 10)
#define ROUNDED_MAX ((size_t)1450 << 10)

/* MNIST's and its like: ten classes without other names. */
static bool is_digits(const lks_panel_source *source) {
    return source->data->classes == 10 && source->config->data.n_class_names == 0;
}

static void add_script(lks_html *page, const char *type, const char *id) {
    lks_html_printf(page, "<script type=\"%s\" id=\"draw-%s\">", type, id);
}

static void add_numbers(lks_html *page, const lks_panel_numbers *numbers) {
    add_script(page, "text/plain", "values");
    lks_html_base64(page, numbers->values, numbers->n * sizeof *numbers->values);
    lks_html_add(page, "</script>\n");
    if (!numbers->text)
        return;
    add_script(page, "text/plain", "rounded");
    lks_html_bytes(page, numbers->text, numbers->n_text);
    lks_html_add(page, "</script>\n");
}

static void add_lead(lks_html *page, const lks_panel_source *source, bool rounded) {
    lks_html_printf(page,
                    "<p>Draw %s with mouse, finger or pen, or open or drop a picture. The trained "
                    "network runs in this page. Nothing leaves this machine.",
                    is_digits(source) ? "a digit" : "what it should recognise");
    if (rounded)
        lks_html_add(page,
                     " To keep the page small, its weights are rounded to 93 levels here. "
                     "Probabilities differ a little from those of <code>lockstep predict</code>.");
    lks_html_add(page, "</p>\n");
}

static void add_panel(lks_html *page, const lks_panel_source *source) {
    const lks_data_identity *data = source->data;
    lks_html_printf(
        page,
        "<noscript><p class=\"missing\">Drawing needs JavaScript. Charts work "
        "without it, and <code>lockstep predict</code> classifies pictures.</p></noscript>\n"
        "<div id=\"draw-panel\" hidden>\n"
        "<div>\n<div class=\"draw-board\"><canvas id=\"draw-board\" width=\"560\" height=\"560\" "
        "tabindex=\"-1\" role=\"img\" aria-label=\"Board to draw on with a pointer; a picture can "
        "be opened instead\"></canvas><p class=\"draw-invitation\" "
        "aria-hidden=\"true\">%s</p><div id=\"draw-boxes\" aria-hidden=\"true\"></div></div>\n"
        "<div class=\"draw-buttons\"><button type=\"button\" id=\"draw-undo\">Undo</button>"
        "<button type=\"button\" id=\"draw-clear\">Clear</button>"
        "<label><input type=\"file\" id=\"draw-file\" accept=\"image/*\">Open a picture…</label>"
        "</div>\n<p id=\"draw-note\"></p>\n</div>\n"
        "<div class=\"draw-view\"><figure><canvas id=\"draw-seen\" width=\"%d\" height=\"%d\" "
        "role=\"img\" aria-label=\"The picture as the network sees it\"></canvas>"
        "<figcaption>What the network sees</figcaption></figure>"
        "<p id=\"draw-answer\"></p><p id=\"draw-sure\"></p></div>\n"
        "<ol id=\"draw-classes\" aria-label=\"Probability of each class\"></ol>\n"
        "<p id=\"draw-said\" role=\"status\" aria-live=\"polite\"></p>\n</div>\n",
        is_digits(source) ? "Draw a digit here" : "Draw here", data->columns, data->rows);
}

/* In any order: they are functions and constants. What is drawn on the page uses them, and stands last. */
static const char *const scripts[] = {
    "network",      "bfloat16",    "activations", "picture",   "ink",       "ink_tone",
    "ink_paper",    "ink_lines",   "ink_parts",   "ink_image", "ink_width", "digits",
    "digits_lines", "digits_cuts", "digits_runs", "doubt",     "reading"};

static lks_status add_program(lks_html *page, const lks_panel_source *source,
                              const lks_panel_numbers *numbers, lks_error *err) {
    add_script(page, "application/json", "network");
    LKS_TRY(lks_panel_network_describe(page, source, err));
    lks_html_add(page, "</script>\n");
    add_numbers(page, numbers);
    lks_html_add(page, "<script>\n\"use strict\";\n{\n");
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        lks_html_asset(page, scripts[i]);
    lks_panel_network_kinds(page);
    lks_html_asset(page, "panel");
    lks_html_add(page, "}\n</script>\n");
    return LKS_OK;
}

static void add_without(lks_html *page, const char *why) {
    lks_html_printf(
        page, "<p class=\"missing\">%s. <code>lockstep predict</code> answers for it.</p>\n", why);
}

static const char closing[] = "</section>\n";

/* All but the heading. */
static lks_status add_all(lks_html *page, const lks_panel_source *source,
                          const lks_panel_numbers *numbers, lks_error *err) {
    lks_html_add(page, "<style>\n");
    lks_html_asset(page, "panel_style");
    lks_html_add(page, "</style>\n");
    add_lead(page, source, numbers->text != NULL);
    add_panel(page, source);
    return add_program(page, source, numbers, err);
}

/* False where that takes the page beyond `end`, and then nothing is added. */
static lks_status try_all(lks_html *page, const lks_panel_source *source, bool rounded, size_t end,
                          bool *fits, lks_error *err) {
    const size_t start = page->size;
    lks_panel_numbers numbers = {0};
    lks_status status = lks_panel_numbers_make(&numbers, source, rounded, err);
    *fits = status == LKS_OK &&
            lks_panel_numbers_length(&numbers) <= (rounded ? ROUNDED_MAX : PLAIN_MAX);
    if (*fits)
        status = add_all(page, source, &numbers, err);
    if (status != LKS_OK || page->size + sizeof closing > end) {
        page->size = start;
        *fits = false;
    }
    lks_panel_numbers_free(&numbers);
    return status;
}

/* Rounded only where it has to be. */
static lks_status add_best(lks_html *page, const lks_panel_source *source, size_t end,
                           lks_error *err) {
    bool fits = false;
    for (int rounded = 0; rounded < 2 && !fits; rounded++)
        LKS_TRY(try_all(page, source, rounded, end, &fits, err));
    if (!fits)
        add_without(page, "This network is too large to run in the page");
    return LKS_OK;
}

lks_status lks_panel_write(lks_html *page, const lks_panel_source *source, size_t end,
                           lks_error *err) {
    int channels = source->data->channels;
    const char *misses = lks_panel_network_misses(source->config);
    lks_status status = LKS_OK;
    lks_html_printf(page,
                    "<section id=\"draw\" aria-labelledby=\"draw-title\">\n"
                    "<h2 id=\"draw-title\">%s</h2>\n",
                    is_digits(source) ? "Draw a digit" : "Try the network");
    if (channels != 1 && channels != 3)
        add_without(page, "Its images are neither grey nor in colour, so nothing can "
                          "be drawn for this network");
    else if (misses) {
        char why[96];
        snprintf(why, sizeof why, "The page cannot compute its layer %s", misses);
        add_without(page, why);
    } else
        status = add_best(page, source, end, err);
    if (status != LKS_OK) {
        lks_html_add(page, "<p class=\"missing\">This network cannot run in the page: ");
        lks_html_text(page, err->text);
        lks_html_add(page, ".</p>\n");
    }
    lks_html_add(page, closing);
    return status;
}
