/* Images whose labels people contest: which set it is, how many errors are among them, and what the report says. */
#include "infer/contested.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/images.h"
#include "report/sections.h"
#include "support/test.h"

/* --- which set -------------------------------------------------------------------------------- */

/* The digest of MNIST's test set, computed with Python's hashlib from the published files. */
static const lks_digest_words mnist = {{UINT64_C(0xd724a4e02b8a562b), UINT64_C(0x536dde0b6f915b57),
                                        UINT64_C(0x3de1945403a8ccfd),
                                        UINT64_C(0x1d74601f36724b3f)}};

static void a_set_is_known_by_its_digest(void) {
    const lks_contested *c = lks_contested_find(&mnist);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->images, 10000);
    CU_ASSERT_EQUAL(c->n, 15);
    for (int i = 0; i < c->n; i++)
        CU_ASSERT_TRUE(c->ids[i] < c->images && (i == 0 || c->ids[i] > c->ids[i - 1]));
    CU_ASSERT_TRUE(lks_contested_has(c, 947) && lks_contested_has(c, 9729));
    CU_ASSERT_FALSE(lks_contested_has(c, 948) || lks_contested_has(c, 0));
}

static void any_other_set_is_not(void) {
    for (int bit = 0; bit < 256; bit++) {
        lks_digest_words other = mnist;
        other.of[bit / 64] ^= UINT64_C(1) << bit % 64;
        CU_ASSERT_PTR_NULL(lks_contested_find(&other));
    }
    CU_ASSERT_PTR_NULL(lks_contested_find(&(lks_digest_words){{0}}));
    CU_ASSERT_FALSE(lks_contested_has(NULL, 947));
}

/* As many images as MNIST has for testing, but others. */
static void a_file_of_that_size_is_read_and_not_known(void) {
    enum { N = 10000 };
    char path[512];
    lks_data_config config = {0};
    lks_image_file file;
    lks_error err;
    static uint8_t bytes[16 + N] = {0, 0, 8, 3, 0, 0, 39, 16, 0, 0, 0, 1, 0, 0, 0, 1}, labels[N];
    static const uint8_t label_head[8] = {0, 0, 8, 1, 0, 0, 39, 16};
    snprintf(path, sizeof path, "%s/images", lks_test_folder());
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fwrite(bytes, 1, sizeof bytes, f) == sizeof bytes && fclose(f) == 0);
    snprintf(path, sizeof path, "%s/labels", lks_test_folder());
    f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fwrite(label_head, 1, 8, f) == 8 && fwrite(labels, 1, N, f) == N &&
                    fclose(f) == 0);
    snprintf(config.dir, sizeof config.dir, "%s", lks_test_folder());
    snprintf(config.test_images, sizeof config.test_images, "images");
    snprintf(config.test_labels, sizeof config.test_labels, "labels");
    CU_ASSERT_EQUAL_FATAL(lks_image_file_open(&file, &config, LKS_PART_TEST, &err), LKS_OK);
    const lks_contested *c = lks_contested_find(&mnist);
    CU_ASSERT_TRUE(lks_contested_possible(file.count));
    CU_ASSERT_EQUAL(lks_contested_of_file(&c, &file, labels, &err), LKS_OK);
    CU_ASSERT_PTR_NULL(c);
    CU_ASSERT_FALSE(lks_contested_possible(500));
}

/* --- what is said of it ----------------------------------------------------------------------- */

/* Six images of one pixel; of these a made-up set contests 1, 3 and 4. The first run errs in 1, 2 and 3, the second
 * in 0 and 1. */
enum { N = 6, CLASSES = 3 };
static const uint32_t ids[] = {1, 3, 4};
static const lks_contested made_up = {"", N, "Somebody 2001", ids, 3};
static const uint8_t labels[N] = {0, 1, 2, 0, 1, 2};
static const uint8_t answers[2][N] = {{0, 2, 1, 1, 1, 2}, {1, 0, 2, 0, 1, 2}};

static void errors_among_them_are_counted(void) {
    CU_ASSERT_EQUAL(lks_contested_errors(&made_up, labels, answers[0]), 2);
    CU_ASSERT_EQUAL(lks_contested_errors(&made_up, labels, answers[1]), 1);
    CU_ASSERT_EQUAL(lks_contested_errors(&made_up, labels, labels), 0);
}

typedef struct runs {
    lks_report_run of[2];
    lks_counts counts[2];
    lks_report_images images;
    uint8_t pixels[N];
    float probabilities[N * CLASSES];
    lks_report report;
} runs;

static runs *make_runs(void) {
    runs *r = calloc(1, sizeof *r);
    r->images = (lks_report_images){.image_bytes = 1, .all = r->pixels};
    for (int i = 0; i < 2; i++) {
        r->counts[i] = (lks_counts){.total = N, .correct = i == 0 ? 3 : 4, .classes = CLASSES};
        r->of[i].test = (lks_predictions){CLASSES, N, NULL, labels, answers[i], r->probabilities};
        r->of[i].counts = &r->counts[i];
        r->of[i].has_checkpoint = r->of[i].has_images = true;
        r->of[i].images = &r->images;
        r->of[i].contested = &made_up;
        lks_data_identity *d = &r->of[i].checkpoint.data;
        d->rows = d->columns = d->channels = 1;
    }
    r->report = (lks_report){.runs = r->of, .n = 2};
    return r;
}

static char *written(void (*write)(lks_html *page, const lks_report *r), const lks_report *r) {
    lks_html page = {0};
    write(&page, r);
    lks_html_bytes(&page, "", 1);
    CU_ASSERT_FALSE_FATAL(page.failed);
    char *text = strdup(page.text);
    lks_html_free(&page);
    return text;
}

static int count(const char *text, const char *part) {
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

/* Whether the figure of image `id` is marked. */
static bool marked(const char *text, int id) {
    char number[16];
    snprintf(number, sizeof number, "#%d<", id);
    const char *at = strstr(text, number);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    const char *mark = strstr(at, "raters contest this label"), *end = strstr(at, "</figure>");
    return mark && mark < end;
}

static void the_report_marks_them(void) {
    runs *r = make_runs();
    char *text = written(lks_section_errors, &r->report);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "labels of 3 of the test images (Somebody 2001): <b>2</b>"));
    /* 2 is the one error of the 3 others */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "<b>66.7"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "</b> of 3 images, with them 50"));
    CU_ASSERT_TRUE(marked(text, 1) && !marked(text, 2) && marked(text, 3));
    free(text);
    r->of[0].contested = NULL;
    text = written(lks_section_errors, &r->report);
    CU_ASSERT_EQUAL(count(text, "contest"), 0);
    CU_ASSERT_EQUAL(count(text, "<figure>"), 3);
    free(text);
    free(r);
}

/* Both err in 1 alone, and answer it differently. */
static void shared_mistakes_are_marked(void) {
    runs *r = make_runs();
    char *text = written(lks_section_shared, &r->report);
    CU_ASSERT_EQUAL(count(text, "<figure>"), 1);
    CU_ASSERT_TRUE(marked(text, 1));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "a 1 taken for 2, 0\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "2 of 2 runs</th><td>1</td><td>1</td>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 of 2 runs</th><td>3</td><td>1</td>"));
    free(text);
    r->of[1].test.predicted = answers[0];
    text = written(lks_section_shared, &r->report);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "All 2 runs get the same 3 test images wrong"));
    free(text);
    r->of[1].test.predicted = labels;
    text = written(lks_section_shared, &r->report);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "No test image is wrong in more than one of 2 runs"));
    CU_ASSERT_EQUAL(count(text, "<figure>"), 0);
    free(text);
    free(r);
}

int main(void) {
    const lks_test tests[] = {
        {"a set is known by its digest", a_set_is_known_by_its_digest},
        {"any other set is not", any_other_set_is_not},
        {"a file of that size is read and not known", a_file_of_that_size_is_read_and_not_known},
        {"errors among them are counted", errors_among_them_are_counted},
        {"the report marks them", the_report_marks_them},
        {"shared mistakes are marked", shared_mistakes_are_marked},
        {NULL, NULL},
    };
    return lks_test_main("contested", tests);
}
