/* What pages are made of: escapes, Base64, numbers for people, charts. */
#include "page/chart.h"
#include "report/section.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

/* The page so far as a string; the page is then empty. */
static char *taken(lks_html *page) {
    lks_html_bytes(page, "", 1);
    CU_ASSERT_FALSE_FATAL(page->failed);
    char *text = strdup(page->text);
    lks_html_free(page);
    return text;
}

static void check(lks_html *page, const char *wanted) {
    char *text = taken(page);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    free(text);
}

static void text_cannot_become_markup(void) {
    lks_html page = {0};
    lks_html_text(&page, "<script>\"a\" & 'b'</script> ü");
    check(&page, "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt; ü");
}

/* The test vectors of RFC 4648. */
static void base64_is_that_of_the_standard(void) {
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lks_html page = {0};
        lks_html_base64(&page, cases[i][0], strlen(cases[i][0]));
        check(&page, cases[i][1]);
    }
}

static void numbers_are_for_people(void) {
    char text[LKS_FIGURE_ROOM];
    CU_ASSERT_STRING_EQUAL(lks_grouped(0, text), "0");
    CU_ASSERT_STRING_EQUAL(lks_grouped(999, text), "999");
    CU_ASSERT_STRING_EQUAL(lks_grouped(1000, text), "1,000");
    CU_ASSERT_STRING_EQUAL(lks_grouped(-123456, text), "-123,456");
    CU_ASSERT_STRING_EQUAL(lks_grouped(INT64_MIN, text), "-9,223,372,036,854,775,808");
    CU_ASSERT_STRING_EQUAL(lks_duration(3.456, text), "3.46 s");
    CU_ASSERT_STRING_EQUAL(lks_duration(99.94, text), "99.9 s");
    CU_ASSERT_STRING_EQUAL(lks_duration(119.6, text), "2 min 00 s");
    CU_ASSERT_STRING_EQUAL(lks_duration(3599.7, text), "1 h 00 min");
    CU_ASSERT_STRING_EQUAL(lks_duration(NAN, text), "–");
    CU_ASSERT_STRING_EQUAL(lks_percent(0.9913, 10000, text), "99.13\u00a0%");
    CU_ASSERT_STRING_EQUAL(lks_percent(NAN, 10000, text), "–");
}

static int count(const char *text, const char *part) {
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

/* Points without a value are left out, and the values stand beside the points. */
static void charts_show_their_points(void) {
    const double x[] = {1, 2, 3, 4}, y[] = {10, NAN, 30, 20};
    const lks_series s = {.name = "a <b>", .dots = true, .x = x, .y = y, .n = 4};
    const lks_chart chart = {
        .title = "T", .x_label = "epoch", .unit = "", .floor = NAN, .series = &s, .n_series = 1};
    lks_html page = {0};
    lks_chart_write(&page, &chart);
    char *text = taken(&page);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "data-values=\"10 30 20\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "a &lt;b&gt;: from 10 to 20, least 10, most 30."));
    CU_ASSERT_EQUAL(count(text, "<circle"), 3 + 1); /* and the legend's */
    CU_ASSERT_EQUAL(count(text, "nan"), 0);
    free(text);
}

/* The place of a value in the drawing: y from 220 at the bottom to 10 at the top. */
static void axes_are_true(void) {
    const double x[] = {0, 1, 2}, y[] = {1, 10, 100};
    const lks_series s = {.name = "s", .x = x, .y = y, .n = 3};
    lks_chart chart = {
        .title = "T", .x_label = "x", .unit = "", .floor = NAN, .series = &s, .n_series = 1};
    lks_html page = {0};
    chart.from_zero = true; /* 0 to 100: 1 is 2.1 above the bottom */
    lks_chart_write(&page, &chart);
    char *text = taken(&page);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "points=\"52.0,217.9 241.0,199.0 430.0,10.0 \""));
    free(text);
    CU_ASSERT_TRUE(lks_chart_wants_log(&s, 1));
    chart.from_zero = false;
    chart.log_y = true; /* equal ratios are equal distances */
    lks_chart_write(&page, &chart);
    text = taken(&page);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " 241.0,115.0 "));
    free(text);
}

/* However many points there are, the page stays small, and their mean stays. */
static void many_points_are_averaged(void) {
    enum { MANY = 100000 };
    double *x = calloc(MANY, sizeof *x), *y = calloc(MANY, sizeof *y);
    for (int i = 0; i < MANY; i++) {
        x[i] = i;
        y[i] = i % 2 ? 3 : 1;
    }
    const lks_series s = {.name = "s", .x = x, .y = y, .n = MANY};
    const lks_chart chart = {
        .title = "T", .x_label = "x", .unit = "", .floor = NAN, .series = &s, .n_series = 1};
    lks_html page = {0};
    lks_chart_write(&page, &chart);
    CU_ASSERT(page.size < 20000);
    char *text = taken(&page);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "data-values=\"2 2 2 2"));
    free(text);
    free(x);
    free(y);
}

static void odd_charts_are_drawn(void) {
    const double x[] = {5, 6}, none[] = {NAN, INFINITY}, zero[] = {0, 0}, one[] = {-7};
    lks_series s = {.name = "s", .x = x, .y = none, .n = 2};
    const lks_chart chart = {
        .title = "T", .x_label = "x", .unit = "", .floor = NAN, .series = &s, .n_series = 1};
    lks_html page = {0};
    lks_chart_write(&page, &chart);
    char *text = taken(&page);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "No figures were recorded."));
    free(text);
    s.y = zero;
    lks_chart_write(&page, &chart);
    s.y = one;
    s.n = 1;
    lks_chart_write(&page, &chart);
    text = taken(&page);
    CU_ASSERT_EQUAL(count(text, "<polyline"), 2);
    CU_ASSERT_EQUAL(count(text, "nan") + count(text, "inf"), 0);
    free(text);
}

/* Numbers that no run records, but a file may hold: the axes come to an end. */
static void absurd_values_do_not_hang(void) {
    static const double values[][2] = {{1e17, 1e17 + 16},
                                       {1e-310, 1},
                                       {-1e308, 1e308},
                                       {5e-324, 5e-324},
                                       {9007199254740992, 9007199254740996},
                                       {-1e-300, 1e-300}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        for (int k = 0; k < 4; k++) {
            const double x[] = {1, 2};
            const lks_series s = {.name = "s", .x = k & 2 ? values[i] : x, .y = values[i], .n = 2};
            const lks_chart chart = {.title = "T",
                                     .x_label = "x",
                                     .unit = "",
                                     .floor = NAN,
                                     .log_y = k & 1,
                                     .series = &s,
                                     .n_series = 1};
            lks_html page = {0};
            lks_chart_write(&page, &chart);
            CU_ASSERT(page.size < 10000);
            char *text = taken(&page);
            CU_ASSERT_EQUAL(count(text, "nan") + count(text, "inf"), 0);
            free(text);
        }
}

/* What a caller of the library can get wrong is an error, in release builds too. */
static void misuse_is_an_error(void) {
    const char *const folders[LKS_REPORT_RUNS_MAX + 1] = {"nowhere"};
    const lks_report_options plain = {0};
    lks_error err;
    lks_html page = {0};
    lks_html_asset(&page, "nothing");
    CU_ASSERT_EQUAL(lks_html_status(&page, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'nothing'"));
    lks_html_free(&page);
    CU_ASSERT_EQUAL(lks_report_write(folders, LKS_REPORT_RUNS_MAX + 1, &plain, "page.html", &err),
                    LKS_ERR_USAGE);
    CU_ASSERT_EQUAL(lks_report_write(folders, 0, &plain, "page.html", &err), LKS_ERR_USAGE);
}

int main(void) {
    const lks_test tests[] = {
        {"text cannot become markup", text_cannot_become_markup},
        {"Base64 is that of the standard", base64_is_that_of_the_standard},
        {"numbers are for people", numbers_are_for_people},
        {"charts show their points", charts_show_their_points},
        {"axes are true", axes_are_true},
        {"many points are averaged", many_points_are_averaged},
        {"odd charts are drawn", odd_charts_are_drawn},
        {"absurd values do not hang", absurd_values_do_not_hang},
        {"misuse is an error", misuse_is_an_error},
        {NULL, NULL},
    };
    return lks_test_main("report_page", tests);
}
