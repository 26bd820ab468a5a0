/* What is said of a data set: images, labels and repeats as somebody might have them, and the line that tells. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "feed/findings.h"

enum { N = 200, SIDE = 6, BYTES = SIDE * SIDE };

typedef struct set {
    uint8_t images[N][BYTES], labels[N];
    int n;
} set;

static set training, test;
static lks_data_config config;
static lks_findings found;

/* Different images of 10 classes, light on dark. */
static void fill(set *s, int n, int seed) {
    s->n = n;
    for (int i = 0; i < n; i++) {
        s->labels[i] = (uint8_t)(i % 10);
        memset(s->images[i], 0, BYTES);
        s->images[i][8] = (uint8_t)(i + 1);
        s->images[i][14] = (uint8_t)seed;
        s->images[i][20] = 255;
    }
}

static void survey(const set *s, bool is_test, lks_survey *out, lks_image_trace *traces,
                   size_t *n) {
    lks_survey_start(out, 1);
    for (int i = 0; i < s->n; i++)
        if (!lks_survey_add(out, i, s->images[i], BYTES))
            traces[(*n)++] = (lks_image_trace){lks_image_hash(s->images[i], BYTES), (uint32_t)i,
                                               s->labels[i], is_test};
    lks_survey_add_labels(out, s->labels, s->n);
}

static void look(void) {
    static lks_image_trace traces[2 * N];
    static lks_survey a, b;
    size_t n = 0;
    survey(&training, false, &a, traces, &n);
    survey(&test, true, &b, traces, &n);
    const lks_repeats repeats = lks_repeats_count(traces, n);
    const lks_set_facts facts = {
        .config = &config, .path = "data/images", .training = &a, .test = &b, .repeats = &repeats};
    lks_find(&found, &facts);
}

static void start(void) {
    memset(&config, 0, sizeof config);
    config.normalize = LKS_NORMALIZE_NONE;
    fill(&training, N, 1);
    fill(&test, 50, 2);
}

/* The one line of that weight says both; or where there is more or less, all lines are shown. */
static void only(lks_finding_weight weight, const char *first, const char *second) {
    look();
    const bool good = found.n == 1 && found.of[0].weight == weight &&
                      strstr(found.of[0].text, first) && strstr(found.of[0].text, second);
    for (int i = 0; i < found.n && !good; i++)
        printf("\n    %d %s\n", found.of[i].weight, found.of[i].text);
    CU_ASSERT_TRUE(good);
    lks_error err;
    CU_ASSERT_EQUAL(lks_findings_check(&found, &err),
                    weight == LKS_FINDING_ERROR ? LKS_ERR_DATA : LKS_OK);
}

static void nothing(void) {
    start();
    look();
    CU_ASSERT_EQUAL(found.n, 0);
    test.n = 0;
    look();
    CU_ASSERT_EQUAL(found.n, 0);
}

static void scale(set *s, int by) {
    for (int i = 0; i < s->n; i++)
        for (int p = 0; p < BYTES; p++)
            s->images[i][p] = (uint8_t)(s->images[i][p] / by);
}

static void dark(void) {
    start();
    for (int i = 0; i < N; i++) /* distinct within 4 bits each */
        memcpy(&training.images[i][8],
               &(uint8_t[3]){(uint8_t)(16 * (i % 16)), (uint8_t)(i & 0xf0), 255}, 3);
    test.n = 0;
    scale(&training, 16);
    only(LKS_FINDING_WARNING, "the largest pixel is 15,", "multiply them by 17 ");
    config.normalize = LKS_NORMALIZE_COMPUTED;
    only(LKS_FINDING_NOTE, "the largest pixel is 15,", "`predict`");
    start();
    for (int i = 0; i < test.n; i++) {
        test.images[i][20] = 63;
        test.images[i][9 + i % 5] = (uint8_t)i;
    }
    only(LKS_FINDING_WARNING, "is 255 in the training images, but 63 in the test", "scale both");
}

static void constant(void) {
    start();
    memset(training.images, 0, sizeof training.images);
    test.n = 0;
    only(LKS_FINDING_ERROR, "every pixel of all 200 training images is 0", "--background 255");
    start();
    memset(training.images[7], 9, BYTES);
    memset(training.images[9], 8, BYTES);
    only(LKS_FINDING_NOTE, "2 of 200 training images are of one colour", "image 7");
    memset(training.images[3], 9, BYTES);
    only(LKS_FINDING_WARNING, "3 of 200 training images are of one colour", "image 3:");
}

static void channels(void) {
    static lks_survey a, b;
    const uint8_t images[2][6] = {{1, 200, 255, 90, 7, 255}, {9, 0, 255, 4, 8, 255}};
    lks_survey_start(&a, 3);
    lks_survey_start(&b, 3);
    for (int i = 0; i < 2; i++)
        CU_ASSERT_FALSE(lks_survey_add(&a, i, images[i], 6));
    a.labels[0] = a.labels[1] = 1;
    CU_ASSERT_TRUE(lks_survey_add(&b, 0, (const uint8_t[]){1, 2, 3, 1, 2, 3}, 6));
    CU_ASSERT_FALSE(lks_survey_add(&b, 0, (const uint8_t[]){1, 2, 3}, 3));
    CU_ASSERT_EQUAL(lks_survey_low(&a), 0);
    CU_ASSERT_EQUAL(lks_survey_high(&a), 255);
    CU_ASSERT_DOUBLE_EQUAL(lks_survey_mean(&a), (200 + 90 + 1 + 7 + 9 + 4 + 8 + 4 * 255) / 12.0,
                           1e-12);
    memset(&b, 0, sizeof b);
    const lks_set_facts facts = {.config = &config, .path = "images", .training = &a, .test = &b};
    lks_find(&found, &facts);
    CU_ASSERT_EQUAL_FATAL(found.n, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(found.of[0].text, "channel 2 of the training images is 255"));
}

static void channels_last(void) {
    static lks_survey a, b;
    const uint8_t image[2][32 * 3 * 8] = {{1, 2}, {0, 255}};
    lks_survey_start(&a, 8);
    for (int i = 0; i < 2; i++)
        lks_survey_add(&a, i, image[i], sizeof image[i]);
    for (int c = 0; c < 8; c++)
        a.high[c] = 255;
    a.labels[0] = a.labels[1] = 1;
    lks_set_facts facts = {
        .config = &config, .path = "images", .training = &a, .test = &b, .rows = 32, .columns = 3};
    lks_find(&found, &facts);
    CU_ASSERT_EQUAL_FATAL(found.n, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(found.of[0].text, "if they are 8 x 32 pixels with 3 colours"));
    facts.columns = 30;
    lks_find(&found, &facts);
    CU_ASSERT_EQUAL(found.n, 0);
}

static void limited(void) {
    static lks_survey a, b;
    static const int64_t kept[3] = {4, 0, 1};
    lks_survey_start(&a, 1);
    lks_survey_add(&a, 0, (const uint8_t[]){0, 255}, 2);
    a.labels[0] = a.labels[1] = a.labels[2] = 9;
    config.limit = 5;
    lks_find(&found,
             &(lks_set_facts){
                 .config = &config, .path = "images", .training = &a, .test = &b, .kept = kept});
    CU_ASSERT_EQUAL_FATAL(found.n, 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(found.of[0].text, "data.limit: 5 leaves no training image of 1 class (1)"));
}

static void polarity(void) {
    start();
    for (int i = 0; i < test.n; i++)
        for (int p = 0; p < BYTES; p++)
            test.images[i][p] = (uint8_t)(255 - test.images[i][p]);
    only(LKS_FINDING_WARNING, "in the training images, but 2", "--invert");
}

static void labels(void) {
    start();
    for (int i = 0; i < N; i++)
        training.labels[i]++;
    test.n = 0;
    only(LKS_FINDING_WARNING, "training labels are 1 to 10, so class 0 never occurs",
         "data.label_offset: 1 ");
    start();
    for (int i = 0; i < N; i++)
        training.labels[i] = (uint8_t)(training.labels[i] == 4 ? 5 : training.labels[i]);
    test.n = 0;
    only(LKS_FINDING_WARNING, "of 10 classes 1 never occurs in the training images (4)",
         "data.classes");
    start();
    for (int i = 0; i < test.n; i++)
        test.labels[i] = (uint8_t)(test.labels[i] > 2 ? test.labels[i] : 9);
    only(LKS_FINDING_WARNING, "of 10 classes 3 never occur in the test images (0, 1, 2)",
         "accuracy");
}

static void unequal(void) {
    start();
    memset(training.labels, 0, N);
    for (int i = 0; i < 6; i++)
        training.labels[i] = 1;
    test.n = 0;
    only(LKS_FINDING_WARNING, "class 0 has 194 training images, class 1 only 6", "97 %");
    config.balanced = true;
    look();
    CU_ASSERT_EQUAL(found.n, 0);
    config.balanced = false;
    training.labels[6] = 1;
    look();
    CU_ASSERT_EQUAL(found.n, 0);
}

static void repeats(void) {
    start();
    memcpy(test.images[31], training.images[17], BYTES);
    memcpy(test.images[21], training.images[18], BYTES);
    only(LKS_FINDING_WARNING, "2 of 50 test images are training images too",
         "(test image 21 is training image 18)");
    start();
    test.n = 0;
    memcpy(training.images[130], training.images[30], BYTES);
    only(LKS_FINDING_NOTE, "1 of 200 training images repeat", "(image 130 is image 30)");
    training.labels[130] = 1;
    look();
    CU_ASSERT_EQUAL_FATAL(found.n, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(
        found.of[0].text, "1 training images repeat others under another label (image 130 "));
}

/* Three of one picture: labels a, b, a. The second and the third each contradict one before them. */
static void repeats_are_counted_once(void) {
    lks_image_trace t[] = {{5, 9, 1, false}, {5, 2, 1, false}, {7, 1, 1, false}, {5, 4, 2, false},
                           {5, 3, 1, true},  {7, 0, 1, true},  {5, 1, 3, true},  {8, 4, 0, true},
                           {8, 3, 0, true},  {6, 0, 0, false}};
    const lks_repeats r = lks_repeats_count(t, sizeof t / sizeof *t);
    CU_ASSERT(r.training.count == 2 && r.training.id == 4 && r.training.first == 2);
    CU_ASSERT(r.contradictory.count == 2 && r.contradictory.id == 4 && r.contradictory.first == 2);
    CU_ASSERT(r.leaked.count == 3 && r.leaked.id == 0 && r.leaked.first == 1);
    CU_ASSERT(r.test.count == 2 && r.test.id == 3 && r.test.first == 1);
}

/* Each byte counts, wherever it stands, and so does how many there are. */
static void hashes_differ(void) {
    uint8_t bytes[19] = {0};
    const uint64_t all_zero = lks_image_hash(bytes, 19);
    CU_ASSERT_NOT_EQUAL(all_zero, lks_image_hash(bytes, 18));
    for (int i = 0; i < 19; i++) {
        bytes[i] = 1;
        CU_ASSERT_NOT_EQUAL(all_zero, lks_image_hash(bytes, 19));
        bytes[i] = 0;
    }
    const uint8_t up[16] = {1, 0, 0, 0, 0, 0, 0, 0, 2}, down[16] = {2, 0, 0, 0, 0, 0, 0, 0, 1};
    CU_ASSERT_NOT_EQUAL(lks_image_hash(up, 16), lks_image_hash(down, 16));
}

int main(void) {
    return lks_test_main("findings",
                         (lks_test[]){{"nothing to say", nothing},
                                      {"nearly black", dark},
                                      {"one colour", constant},
                                      {"channels", channels},
                                      {"channels last", channels_last},
                                      {"too low a limit", limited},
                                      {"two polarities", polarity},
                                      {"labels", labels},
                                      {"classes of unequal sizes", unequal},
                                      {"repeats", repeats},
                                      {"repeats are counted once", repeats_are_counted_once},
                                      {"hashes differ", hashes_differ},
                                      {NULL, NULL}});
}
