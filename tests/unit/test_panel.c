/* The report's panel: how weights are written down, and when they are not. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "config_text.h"
#include "panel/panel.h"
#include "panel/panel_network.h"

static lks_error err;
static const lks_data_identity image = {
    .classes = 1, .channels = 1, .rows = 1, .columns = 93, .std = {1, 1}};

/* A dense layer [93][1] whose weights are all levels, times 0.5, and a bias. */
typedef struct ladder {
    lks_config config;
    float values[94];
    lks_tensor tensors[2];
    lks_flat flat;
    lks_panel_source source;
} ladder;

static void make(ladder *l) {
    l->config = parse_good("model: [flatten, {dense: 1}]\n", NULL);
    for (int i = 0; i < 93; i++)
        l->values[i] = 0.5f * (float)(i - 46);
    l->values[93] = 7;
    l->tensors[0] = (lks_tensor){.name = "dense1/weight", .count = 93};
    l->tensors[1] = (lks_tensor){.name = "dense1/bias", .offset = 93, .count = 1};
    l->flat = (lks_flat){"model", l->values, 94, l->tensors, 2};
    l->source = (lks_panel_source){.config = &l->config,
                                   .data = &image,
                                   .weights = &l->flat,
                                   .temperature = 1,
                                   .unsure_below = 0.8};
}

enum { PAGE_END = 1 << 20 };

static char *written(const lks_panel_source *source, size_t end) {
    lks_html page = {0};
    CU_ASSERT_EQUAL(lks_panel_write(&page, source, end, &err), LKS_OK);
    lks_html_bytes(&page, "", 1);
    return page.text;
}

static void plain_numbers_are_the_weights(void) {
    ladder l;
    lks_panel_numbers n;
    make(&l);
    CU_ASSERT_EQUAL(lks_panel_numbers_make(&n, &l.source, false, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(n.n, 94);
    CU_ASSERT_PTR_NULL(n.text);
    CU_ASSERT_EQUAL(memcmp(n.values, l.values, sizeof l.values), 0);
    CU_ASSERT_EQUAL(lks_panel_numbers_length(&n), 504); /* 376 bytes in Base64 */
    lks_panel_numbers_free(&n);
    lks_config_free(&l.config);
}

/* Every level has a character of its own, none of which a page could stumble over. */
static void rounded_weights_are_characters(void) {
    ladder l;
    lks_panel_numbers n;
    bool seen[128] = {false};
    make(&l);
    CU_ASSERT_EQUAL(lks_panel_numbers_make(&n, &l.source, true, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(n.n_text, 93);
    for (int i = 0; i < 93; i++) {
        unsigned char c = (unsigned char)n.text[i];
        CU_ASSERT_FATAL(c > ' ' && c < 127 && c != '<' && !seen[c]);
        CU_ASSERT_EQUAL(c, i == '<' - '!' ? '~' : '!' + i);
        seen[c] = true;
    }
    CU_ASSERT_EQUAL_FATAL(n.n, 2);
    CU_ASSERT_EQUAL(n.values[0], 0.5f);
    CU_ASSERT_EQUAL(n.values[1], 7);
    lks_panel_numbers_free(&n);

    memset(l.values, 0, sizeof l.values); /* no scale to divide by */
    CU_ASSERT_EQUAL(lks_panel_numbers_make(&n, &l.source, true, &err), LKS_OK);
    CU_ASSERT_EQUAL(strspn(n.text, "O"), 93);
    lks_panel_numbers_free(&n);
    lks_config_free(&l.config);
}

static void a_missing_tensor_is_named(void) {
    ladder l;
    lks_html page = {0};
    make(&l);
    l.flat.n_tensors = 1;
    CU_ASSERT_EQUAL(lks_panel_write(&page, &l.source, PAGE_END, &err), LKS_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'dense1/bias'"));
    lks_html_bytes(&page, "", 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(page.text, "dense1/bias"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page.text, "</section>"));
    lks_html_free(&page);
    lks_config_free(&l.config);
}

/* Scales of more units than there are numbers would not fit. */
static void a_tensor_of_another_size_is_named(void) {
    ladder l;
    lks_panel_numbers n;
    make(&l);
    for (int rounded = 0; rounded < 2; rounded++) {
        l.tensors[0].count = 92;
        CU_ASSERT_EQUAL(lks_panel_numbers_make(&n, &l.source, rounded, &err), LKS_ERR_MISMATCH);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(err.text, "'dense1/weight' has 92 numbers, the network takes 93"));
        lks_panel_numbers_free(&n);
        l.tensors[0].count = 93;
        l.tensors[1].count = 93;
        CU_ASSERT_EQUAL(lks_panel_numbers_make(&n, &l.source, rounded, &err), LKS_ERR_MISMATCH);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(err.text, "'dense1/bias' has 93 numbers, the network takes 1"));
        lks_panel_numbers_free(&n);
        l.tensors[1].count = 1;
    }
    lks_config_free(&l.config);
}

static void two_channels_cannot_be_drawn(void) {
    ladder l;
    lks_data_identity two = image;
    make(&l);
    two.channels = 2;
    l.source.data = &two;
    char *text = written(&l.source, PAGE_END);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "neither grey nor in colour"));
    CU_ASSERT_PTR_NULL(strstr(text, "<script"));
    free(text);
    lks_config_free(&l.config);
}

/* As it is, rounded, or not at all. */
static void a_page_that_ends_earlier_has_less(void) {
    ladder l;
    make(&l);
    char *text = written(&l.source, PAGE_END);
    const size_t plain = strlen(text) + 1;
    CU_ASSERT_PTR_NULL(strstr(text, "id=\"draw-rounded\""));
    free(text);
    text = written(&l.source, plain);
    CU_ASSERT_EQUAL(strlen(text) + 1, plain);
    free(text);
    text = written(&l.source, plain - 1);
    const size_t rounded = strlen(text) + 1;
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "id=\"draw-rounded\""));
    CU_ASSERT(rounded < plain);
    free(text);
    text = written(&l.source, rounded - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "too large to run in the page"));
    CU_ASSERT_PTR_NULL(strstr(text, "<script"));
    free(text);
    lks_config_free(&l.config);
}

/* Ten classes without names are digits; any other set is not called so. */
static void the_heading_fits_the_data(void) {
    ladder l;
    lks_data_identity ten = image;
    make(&l);
    char *text = written(&l.source, PAGE_END);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ">Try the network</h2>"));
    CU_ASSERT_PTR_NULL(strstr(text, "Draw a digit"));
    free(text);
    lks_config_free(&l.config);
    l.config = parse_good("model: [flatten, {dense: {units: 10, bias: false}}]\n", NULL);
    l.tensors[0].count = 90;
    l.flat.n_tensors = 1;
    ten.classes = 10;
    ten.columns = 9;
    l.source.data = &ten;
    text = written(&l.source, PAGE_END);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ">Draw a digit</h2>"));
    free(text);
    lks_config_free(&l.config);
}

int main(void) {
    static const lks_test tests[] = {
        {"plain numbers are the weights", plain_numbers_are_the_weights},
        {"rounded weights are characters", rounded_weights_are_characters},
        {"a missing tensor is named", a_missing_tensor_is_named},
        {"a tensor of another size is named", a_tensor_of_another_size_is_named},
        {"two channels cannot be drawn", two_channels_cannot_be_drawn},
        {"a page that ends earlier has less", a_page_that_ends_earlier_has_less},
        {"the heading fits the data", the_heading_fits_the_data},
        {NULL, NULL},
    };
    return lks_test_main("panel", tests);
}
