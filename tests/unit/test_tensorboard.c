/* TensorBoard's formats against their published values: checksums of RFC 3720, a record that TensorFlow's writer makes,
 * bins by hand; and what is carried over from one file of events to the next. */
#include "tensorboard/event.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "support/test.h"
#include "tensorboard/crc32c.h"
#include "tensorboard/event_folder.h"
#include "tensorboard/tfrecord.h"

static lks_error err;

/* RFC 3720, appendix B.4; "123456789" is the check value of the catalogue of parametrised CRC algorithms. */
static void checksums_are_the_published_ones(void) {
    unsigned char bytes[32];
    CU_ASSERT_EQUAL(lks_crc32c("", 0), 0);
    CU_ASSERT_EQUAL(lks_crc32c("123456789", 9), 0xE3069283);
    memset(bytes, 0, sizeof bytes);
    CU_ASSERT_EQUAL(lks_crc32c(bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof bytes);
    CU_ASSERT_EQUAL(lks_crc32c(bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    CU_ASSERT_EQUAL(lks_crc32c(bytes, 32), 0x46DD794E);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    CU_ASSERT_EQUAL(lks_crc32c(bytes, 32), 0x113FDB5C);
}

/* What `write` writes. Freed by free(). */
static char *written(void (*write)(FILE *to), size_t *size) {
    lks_text text;
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&text, "a test", &err), LKS_OK);
    write(text.f);
    CU_ASSERT_EQUAL_FATAL(lks_text_close(&text, "a test", &err), LKS_OK);
    *size = text.size;
    return text.bytes;
}

/* --- records ---------------------------------------------------------------------------------- */

static void write_records(FILE *to) {
    lks_tfrecord_put(to, "abc", 3);
    lks_tfrecord_put(to, "", 0);
    lks_tfrecord_put(to, "wxyz", 4);
}

/* The first 8 bytes are the length; those behind were computed apart, bit by bit, by the formula in record_writer.cc. */
static void a_record_is_tensorflows(void) {
    static const unsigned char wanted[] = {3,    0,    0,   0,   0,   0,    0,    0,    0xb0, 0x99,
                                           0x49, 0x0e, 'a', 'b', 'c', 0x6e, 0x57, 0xf1, 0x21};
    size_t size;
    char *bytes = written(write_records, &size);
    CU_ASSERT_EQUAL(size, 3 * 16 + 7);
    CU_ASSERT_EQUAL(memcmp(bytes, wanted, sizeof wanted), 0);
    free(bytes);
}

static int count_records(const unsigned char *file, size_t size) {
    size_t at = 0, n;
    const unsigned char *bytes;
    int count = 0;
    while (lks_tfrecord_get(file, size, &at, &bytes, &n))
        count++;
    return count;
}

/* Cut at each byte, and with each byte changed: what is before the damage is there, and nothing of it or behind. */
static void damage_ends_the_records(void) {
    static const size_t ends[] = {19, 35, 55};
    size_t size;
    char *bytes = written(write_records, &size);
    unsigned char *copy = malloc(size);
    for (size_t i = 0; i < size; i++) {
        const int before = (i >= ends[0]) + (i >= ends[1]);
        unsigned char *cut = malloc(i + 1); /* of just that size, for sanitizers */
        memcpy(cut, bytes, i);
        CU_ASSERT_EQUAL(count_records(cut, i), before);
        free(cut);
        memcpy(copy, bytes, size);
        copy[i] ^= 0x80;
        CU_ASSERT_EQUAL(count_records(copy, size), before);
    }
    CU_ASSERT_EQUAL(count_records((unsigned char *)bytes, size), 3);
    free(copy);
    free(bytes);
}

/* --- histograms ------------------------------------------------------------------------------- */

static void fill(lks_histogram *h, const double *values, int n) {
    *h = lks_histogram_start();
    for (int i = 0; i < n; i++)
        lks_histogram_range(h, values[i]);
    for (int i = 0; i < n; i++)
        lks_histogram_count(h, values[i]);
}

static void bins_are_half_open_but_the_last(void) {
    static const double values[] = {0, 0.5, 1, 1, 29, 29.5, 30};
    lks_histogram h;
    fill(&h, values, 7);
    CU_ASSERT_EQUAL(h.counts[0], 2);
    CU_ASSERT_EQUAL(h.counts[1], 2);
    CU_ASSERT_EQUAL(h.counts[2], 0);
    CU_ASSERT_EQUAL(h.counts[29], 3);
    CU_ASSERT_EQUAL(lks_histogram_edge(&h, 0), 1);
    CU_ASSERT_EQUAL(lks_histogram_edge(&h, 29), 30);
    CU_ASSERT_EQUAL(h.sum, 91);
    CU_ASSERT_EQUAL(h.squares, 0.25 + 1 + 1 + 29 * 29 + 29.5 * 29.5 + 900);
    fill(&h, (const double[]){-2.5, -2.5}, 2);
    CU_ASSERT_EQUAL(h.counts[0], 2);
    CU_ASSERT_EQUAL(h.least, h.most);
}

/* A value counts in the bin whose written edges hold it, whatever the division says. */
static void edges_decide(void) {
    lks_histogram h = {.least = -0.1, .most = 0.7};
    for (int bin = 0; bin + 1 < LKS_HISTOGRAM_BINS; bin++) {
        const double edge = lks_histogram_edge(&h, bin);
        const int64_t before = h.counts[bin], behind = h.counts[bin + 1];
        lks_histogram_count(&h, nextafter(edge, -1));
        lks_histogram_count(&h, edge);
        CU_ASSERT_EQUAL(h.counts[bin], before + 1);
        CU_ASSERT_EQUAL(h.counts[bin + 1], behind + 1);
    }
}

/* A run that diverges has such weights before a step ends it. */
static void what_is_not_finite_is_left_out(void) {
    static const double values[] = {NAN, 1, -INFINITY, 3, INFINITY, -NAN};
    lks_histogram h;
    fill(&h, values, 6);
    CU_ASSERT_EQUAL(h.least, 1);
    CU_ASSERT_EQUAL(h.most, 3);
    CU_ASSERT_EQUAL(h.sum, 4);
    CU_ASSERT_EQUAL(h.counts[0], 1);
    CU_ASSERT_EQUAL(h.counts[29], 1);
    fill(&h, values, 1);
    CU_ASSERT(h.least > h.most);
}

/* --- what is carried over --------------------------------------------------------------------- */

static void write_events(FILE *to) {
    const lks_scalar loss = {LKS_TAG_STEP, 0.5}, result = {LKS_TAGS_RESULT "test_loss", 1};
    const lks_scalar epoch[] = {{LKS_TAG_EPOCH, 0.5}, {"epoch/test_loss", NAN}};
    lks_event_start(to, (lks_event_at){1, 0}, &err);
    for (int step = 1; step <= 4; step++)
        lks_event_scalars(to, (lks_event_at){1, step}, &loss, 1, &err);
    lks_event_scalars(to, (lks_event_at){1, 2}, epoch, 2, &err);
    lks_event_scalars(to, (lks_event_at){1, 2}, &epoch[1], 1, &err); /* nothing in it */
    lks_event_scalars(to, (lks_event_at){1, 2}, &result, 1, &err);
    lks_event_end(to, (lks_event_at){1, 2}, &err);
    lks_event_scalars(to, (lks_event_at){1, 3}, epoch, 1, &err);
    lks_tfrecord_put(to, "\377\377\377", 3); /* no event */
    lks_event_scalars(to, (lks_event_at){1, 1}, epoch, 1, &err);
}

static void store(const char *folder, long long number, const char *bytes, size_t size) {
    char path[4096];
    CU_ASSERT_EQUAL_FATAL(lks_event_folder_path(folder, number, path, sizeof path, &err), LKS_OK);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fwrite(bytes, 1, size, f);
    fclose(f);
}

static int carry(const char *folder, long long number, int64_t limit, lks_event_carried *carried) {
    lks_text text;
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&text, "a test", &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_event_folder_carry(folder, number, limit, text.f, carried, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_text_close(&text, "a test", &err), LKS_OK);
    const int n = count_records((unsigned char *)text.bytes, text.size);
    free(text.bytes);
    return n;
}

static void steps_up_to_the_limit_go_on(void) {
    const char *folder = lks_test_folder();
    lks_event_carried carried;
    long long newest;
    size_t size;
    char *bytes = written(write_events, &size);
    store(folder, 7, bytes, size);
    store(folder, 12, bytes, size);
    free(bytes);
    char other[4096];
    snprintf(other, sizeof other, "%s/events.out.tfevents.9999999999.elsewhere", folder);
    fclose(fopen(other, "w"));
    CU_ASSERT_EQUAL(lks_event_folder_newest(folder, &newest, &err), LKS_OK);
    CU_ASSERT_EQUAL(newest, 12);
    CU_ASSERT_EQUAL(carry(folder, 12, 2, &carried), 3);
    CU_ASSERT_EQUAL(carried.step, 2);
    CU_ASSERT_EQUAL(carried.epoch_step, 2);
    CU_ASSERT_EQUAL(carry(folder, 12, INT64_MAX, &carried), 6);
    CU_ASSERT_EQUAL(carried.step, 4);
    CU_ASSERT_EQUAL(carried.epoch_step, 3);
    CU_ASSERT_EQUAL(carry(folder, 12, 0, &carried), 0);
    CU_ASSERT_EQUAL(carried.step, -1);
    CU_ASSERT_EQUAL(carry(folder, 0, 2, &carried), 0);
    CU_ASSERT_EQUAL(lks_event_folder_remove(folder, 12, &err), LKS_OK);
    CU_ASSERT_EQUAL(carry(folder, 12, 2, &carried), 3);
    lks_text text;
    CU_ASSERT_EQUAL_FATAL(lks_text_open(&text, "a test", &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_event_folder_carry(folder, 7, 2, text.f, &carried, &err), LKS_ERR_IO);
    lks_text_drop(&text);
    struct stat s;
    CU_ASSERT_EQUAL(stat(other, &s), 0);
    CU_ASSERT_EQUAL(lks_event_folder_newest("/no/such/folder", &newest, &err), LKS_OK);
    CU_ASSERT_EQUAL(newest, 0);
}

int main(void) {
    const lks_test tests[] = {
        {"checksums are the published ones", checksums_are_the_published_ones},
        {"a record is TensorFlow's", a_record_is_tensorflows},
        {"damage ends the records", damage_ends_the_records},
        {"bins are half open, but the last", bins_are_half_open_but_the_last},
        {"edges decide", edges_decide},
        {"what is not finite is left out", what_is_not_finite_is_left_out},
        {"steps up to the limit go on", steps_up_to_the_limit_go_on},
        {NULL, NULL},
    };
    return lks_test_main("tensorboard", tests);
}
