/* A run that is looked at from outside: curves as characters, dot by dot; pictures that fit any terminal; and metrics.jsonl
 * while it grows, is cut in the midst of a line, and is made anew. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "run/metrics.h"
#include "run/metrics_read.h"
#include "support/test.h"
#include "tool/follow/plot.h"
#include "tool/follow/screen.h"

static lks_error err;

/* --- curves ------------------------------------------------------------------------------------ */

static lks_plot plot;

static void begin(int columns, int rows, bool braille, lks_points range) {
    CU_ASSERT_EQUAL_FATAL(lks_plot_open(&plot, columns, rows, braille, &err), LKS_OK);
    lks_plot_include(&plot, range);
}

static void shows(const char *const *rows) {
    for (int row = 0; row < plot.rows; row++) {
        lks_text text;
        CU_ASSERT_EQUAL_FATAL(lks_text_open(&text, "a row", &err), LKS_OK);
        lks_plot_row(&plot, row, text.f);
        CU_ASSERT_EQUAL_FATAL(lks_text_close(&text, "a row", &err), LKS_OK);
        CU_ASSERT_STRING_EQUAL(text.bytes, rows[row]);
        free(text.bytes);
    }
    lks_plot_free(&plot);
}

/* Unicode 21.1: dots 7 and 6, then 2 and 4. */
static void a_diagonal_in_braille(void) {
    const double x[] = {0, 3}, y[] = {0, 3};
    const lks_points line = {x, y, 2};
    begin(2, 1, true, line);
    lks_plot_line(&plot, line);
    shows((const char *[]){"\u2860\u280a"});
    const double down[] = {3, 0};
    const lks_points falling = {x, down, 2};
    begin(2, 1, true, falling);
    lks_plot_line(&plot, falling);
    shows((const char *[]){"\u2811\u2884"});
}

static void a_diagonal_in_ascii(void) {
    const double x[] = {1, 5}, y[] = {10, 20};
    const lks_points line = {x, y, 2};
    begin(3, 1, false, line);
    lks_plot_line(&plot, line);
    shows((const char *[]){".-'"});
    begin(6, 2, false, line);
    lks_plot_line(&plot, line);
    shows((const char *[]){"   .-'", ".-'   "});
}

/* Each dot of a character by itself, in both forms. */
static void each_dot_has_its_place(void) {
    static const char *const braille[2][4] = {{"\u2801", "\u2802", "\u2804", "\u2840"},
                                              {"\u2808", "\u2810", "\u2820", "\u2880"}};
    const double corners[] = {0, 1}, heights[] = {0, 3};
    for (int k = 0; k < 8; k++) {
        const double x = k / 4, y = 3 - k % 4;
        begin(1, 1, true, (lks_points){corners, heights, 2});
        lks_plot_line(&plot, (lks_points){&x, &y, 1});
        shows((const char *[]){braille[k / 4][k % 4]});
    }
    static const char *const letters[] = {"'", "-", "."};
    const double three[] = {0, 2};
    for (int k = 0; k < 3; k++) {
        const double x = 0, y = 2 - k;
        begin(1, 1, false, (lks_points){corners, three, 2});
        lks_plot_line(&plot, (lks_points){&x, &y, 1});
        shows((const char *[]){letters[k]});
    }
}

/* What many points of one column do is seen: from the lowest to the highest. */
static void points_of_a_column_are_joined(void) {
    const double x[] = {0, 0, 0, 1}, y[] = {0, 9, 4, 4};
    const lks_points line = {x, y, 4};
    begin(2, 3, false, line);
    lks_plot_line(&plot, line);
    shows((const char *[]){"| ", "|-", "| "});
}

static void what_is_not_finite_is_left_out(void) {
    const double x[] = {0, 1, 2, 3}, y[] = {0, NAN, INFINITY, 2};
    const lks_points line = {x, y, 4};
    begin(4, 1, false, line);
    CU_ASSERT_EQUAL(plot.top, 2);
    lks_plot_line(&plot, line);
    shows((const char *[]){".--'"});
    const double nothing = NAN;
    CU_ASSERT_EQUAL_FATAL(lks_plot_open(&plot, 4, 1, false, &err), LKS_OK);
    CU_ASSERT_FALSE(lks_plot_include(&plot, (lks_points){x, &nothing, 1}));
    shows((const char *[]){"    "});
}

/* Their difference is no double. */
static void the_largest_numbers_are_told_apart(void) {
    const double x[] = {0, 1, 2}, y[] = {-1.7e308, 0, 1.7e308};
    const lks_points line = {x, y, 3};
    begin(3, 1, false, line);
    lks_plot_line(&plot, line);
    shows((const char *[]){".-'"});
}

static void one_value_stands_in_the_middle(void) {
    const double x[] = {7, 7}, y[] = {1, 1};
    const lks_points line = {x, y, 2};
    begin(3, 3, false, line);
    lks_plot_line(&plot, line);
    shows((const char *[]){"   ", " - ", "   "});
}

static void letters_stand_before_dots(void) {
    const double x[] = {0, 2}, y[] = {0, 2};
    const lks_points line = {x, y, 2};
    begin(3, 1, true, line);
    lks_plot_line(&plot, line);
    lks_plot_mark(&plot, (lks_points){x + 1, y + 1, 1}, 'o');
    lks_text text;
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&text, "a row", &err), LKS_OK);
    lks_plot_row(&plot, 0, text.f);
    CU_ASSERT_EQUAL_FATAL(lks_text_close(&text, "a row", &err), LKS_OK);
    CU_ASSERT_EQUAL(text.bytes[text.size - 1], 'o');
    free(text.bytes);
    lks_plot_free(&plot);
}

/* --- pictures ---------------------------------------------------------------------------------- */

static void fill(lks_watched *w, int steps) {
    *w = (lks_watched){.folder = "runs/a\033[2J",
                       .state = LKS_RUN_WORKS,
                       .resident_mib = NAN,
                       .checkpoint = "step-00000020.h5",
                       .checkpoint_age = 75};
    w->work = (lks_work){.name = "net\033]0;x\a",
                         .last_step = 400,
                         .steps_per_epoch = 10,
                         .epochs = 40,
                         .step_images = 50,
                         .ranks = 2,
                         .threads = 1,
                         .hosts = "node1*2\nnode2",
                         .memory_mib = 12};
    for (int i = 1; i <= steps; i++) {
        const lks_step_record s = {.step = i, .epoch = 1 + (i - 1) / 10, .loss = 5.0 / i};
        CU_ASSERT_EQUAL_FATAL(lks_history_add_step(&w->metrics.history, &s, NULL, &err), LKS_OK);
        const lks_epoch_record e = {.epoch = i / 10,
                                    .step = i,
                                    .validation_loss = 4.0 / i,
                                    .images_per_second = 1234,
                                    .seconds = 2};
        if (i % 10 == 0)
            CU_ASSERT_EQUAL_FATAL(lks_history_add_epoch(&w->metrics.history, &e, &err), LKS_OK);
    }
}

static char *picture(const lks_watched *w, lks_screen screen) {
    lks_text text;
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&text, "a screen", &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_screen_write(w, &screen, text.f, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_text_close(&text, "a screen", &err), LKS_OK);
    return text.bytes;
}

/* Columns that a line takes: characters of UTF-8. */
static int width_of(const char *line, size_t n) {
    int width = 0;
    for (size_t i = 0; i < n; i++)
        width += ((unsigned char)line[i] & 0xC0) != 0x80;
    return width;
}

static void check_fits(const lks_watched *w, lks_screen screen) {
    char *bytes = picture(w, screen);
    int lines = 0;
    bool fits = true;
    for (const char *line = bytes; *line; lines++) {
        const size_t n = strcspn(line, "\n");
        fits = fits && line[n] == '\n' && width_of(line, n) < screen.columns;
        line += n + 1;
    }
    CU_ASSERT(fits);
    CU_ASSERT(lines < screen.rows);
    CU_ASSERT_PTR_NULL(strpbrk(bytes, "\033\a\r"));
    free(bytes);
}

static void a_picture_fits_any_terminal(void) {
    lks_watched w;
    fill(&w, 95);
    for (int columns = 2; columns < 200; columns += columns < 90 ? 1 : 17)
        for (int rows = 2; rows < 70; rows += rows < 30 ? 1 : 13) {
            check_fits(&w, (lks_screen){columns, rows, true});
            check_fits(&w, (lks_screen){columns, rows, false});
        }
    lks_metrics_tail_close(&w.metrics);
    fill(&w, 0); /* nothing yet */
    check_fits(&w, (lks_screen){80, 24, true});
    lks_metrics_tail_close(&w.metrics);
}

static void a_picture_says_where_the_run_stands(void) {
    lks_watched w;
    fill(&w, 95);
    char *bytes = picture(&w, (lks_screen){120, 40, false});
    static const char *const wanted[] = {"epoch 10/40  step 95/400  [=======>",
                                         "] 24 %\n",
                                         "1234 images/s  1m01s left  loss 0.0526",
                                         "2 ranks x 1 thread on node1*2?node2",
                                         "memory at most 12 MiB a rank",
                                         "step-00000020.h5, 1m15s ago",
                                         "loss; o validation",
                                         "step 1 to 95"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(bytes, wanted[i]))
            CU_FAIL(wanted[i]);
    free(bytes);
    lks_metrics_tail_close(&w.metrics);
}

/* --- metrics.jsonl ----------------------------------------------------------------------------- */

static char path[4096];

static void store(const char *mode, const char *bytes, size_t n) {
    FILE *f = fopen(path, mode);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fwrite(bytes, 1, n, f);
    fclose(f);
}

static size_t read_steps(lks_metrics_tail *tail) {
    CU_ASSERT_EQUAL(lks_metrics_tail_read(tail, lks_test_folder(), &err), LKS_OK);
    return tail->history.n_steps;
}

static char *lines_of(int steps, size_t *size) {
    static char *text;
    lks_history h = {0};
    for (int i = 1; i <= steps; i++) {
        const lks_step_record s = {
            .step = i, .epoch = 1, .loss = 1.0 / i, .gradient_variance = NAN};
        CU_ASSERT_EQUAL_FATAL(lks_history_add_step(&h, &s, NULL, &err), LKS_OK);
    }
    CU_ASSERT_EQUAL_FATAL(lks_metrics_text(&h, &text, size, &err), LKS_OK);
    lks_history_free(&h);
    return text;
}

static void a_file_is_read_as_it_grows(void) {
    static const char forged[] =
        "{\"type\":\"step\",\"step\":4,\"epoch\":1,\"check\":\"0123456789abcdef\"}\n";
    lks_metrics_tail tail = {0};
    size_t size, first;
    char *text = lines_of(3, &size);
    snprintf(path, sizeof path, "%s/metrics.jsonl", lks_test_folder());
    first = (size_t)(strchr(text, '\n') - text) + 1;
    CU_ASSERT_EQUAL(read_steps(&tail), 0); /* there is no file yet */
    store("w", text, first);
    CU_ASSERT_EQUAL(read_steps(&tail), 1);
    store("a", text + first, 10);
    CU_ASSERT_EQUAL(read_steps(&tail), 1); /* a line on its way */
    store("a", text + first + 10, size - first - 10);
    CU_ASSERT_EQUAL(read_steps(&tail), 3);
    CU_ASSERT_EQUAL(tail.history.steps[2].loss, 1.0 / 3);
    CU_ASSERT_EQUAL(read_steps(&tail), 3);
    store("a", forged, strlen(forged));
    CU_ASSERT_EQUAL(read_steps(&tail), 3);
    CU_ASSERT_EQUAL(tail.damaged, 1);
    /* a start makes it anew, and may come to the same size */
    unlink(path);
    store("w", text, first);
    CU_ASSERT_EQUAL(read_steps(&tail), 1);
    CU_ASSERT_EQUAL(tail.damaged, 0);
    store("w", text, 5); /* shorter under the same name */
    CU_ASSERT_EQUAL(read_steps(&tail), 0);
    lks_metrics_tail_close(&tail);
    free(text);
}

int main(void) {
    const lks_test tests[] = {
        {"a diagonal in braille", a_diagonal_in_braille},
        {"a diagonal in ASCII", a_diagonal_in_ascii},
        {"each dot has its place", each_dot_has_its_place},
        {"points of a column are joined", points_of_a_column_are_joined},
        {"what is not finite is left out", what_is_not_finite_is_left_out},
        {"the largest numbers are told apart", the_largest_numbers_are_told_apart},
        {"one value stands in the middle", one_value_stands_in_the_middle},
        {"letters stand before dots", letters_stand_before_dots},
        {"a picture fits any terminal", a_picture_fits_any_terminal},
        {"a picture says where the run stands", a_picture_says_where_the_run_stands},
        {"a file is read as it grows", a_file_is_read_as_it_grows},
        {NULL, NULL},
    };
    return lks_test_main("follow", tests);
}
