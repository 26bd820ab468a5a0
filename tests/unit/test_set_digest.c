/* Digests of a data set: sums that do not depend on who adds, a file that tells when it was changed. */
#include "support/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/set_digest.h"
#include "base/digest.h"
#include "base/memory.h"

enum { N = 2003, ROWS = 3, COLUMNS = 2, BYTES = ROWS * COLUMNS };

static uint8_t images[N][BYTES], labels[N];

static void fill(void) {
    for (int i = 0; i < N; i++) {
        labels[i] = (uint8_t)(i % 7);
        for (int b = 0; b < BYTES; b++)
            images[i][b] = (uint8_t)(i * 31 + b * 5);
    }
}

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", lks_test_folder(), name);
    return path;
}

static void start(lks_set_digest *d) {
    static const int shape[3] = {ROWS, COLUMNS, 1};
    lks_error err;
    CU_ASSERT_FATAL(lks_set_digest_start(d, N, shape, "/data/some-labels.gz", &err) == LKS_OK);
}

static void add(lks_set_digest *d, int first, int end) {
    lks_error err;
    for (int i = end - 1; i >= first; i--) /* in any order */
        CU_ASSERT_EQUAL_FATAL(lks_set_digest_add(d, i, labels[i], images[i], &err), LKS_OK);
}

static lks_set_digest whole(void) {
    lks_set_digest d;
    start(&d);
    add(&d, 0, N);
    return d;
}

/* One image alone: what anybody can compute with a tool for SHA-256. */
static void test_words(void) {
    uint8_t bytes[8 + 1 + BYTES] = {2, 1}; /* number 258, little-endian */
    char hex[LKS_SHA256_HEX];
    lks_digest_text text;
    lks_digest_words w = {{0}};
    lks_error err;
    bytes[8] = 5;
    memcpy(bytes + 9, images[1], BYTES);
    CU_ASSERT_EQUAL_FATAL(lks_sha256_buffer(bytes, sizeof bytes, hex, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_digest_words_add(&w, 258, 5, images[1], BYTES, &err), LKS_OK);
    lks_digest_words_print(&w, text);
    CU_ASSERT_STRING_EQUAL(text, hex);
}

/* Shares that cut the blocks, as ranks have them. */
static void test_shares(void) {
    lks_set_digest all = whole(), a, b;
    start(&a);
    start(&b);
    add(&a, 0, 1234);
    add(&b, 1234, N);
    CU_ASSERT_EQUAL(all.n_blocks, 3);
    CU_ASSERT_STRING_EQUAL(all.labels, "some-labels");
    for (int64_t i = 0; i < all.n_blocks; i++)
        for (int w = 0; w < 4; w++)
            CU_ASSERT_EQUAL(all.blocks[i].of[w], a.blocks[i].of[w] + b.blocks[i].of[w]);
    lks_set_digest_free(&all);
    lks_set_digest_free(&a);
    lks_set_digest_free(&b);
}

/* Another pixel, another label, two images exchanged: another block, and only that one. */
static void test_changes(void) {
    for (int what = 0; what < 3; what++) {
        lks_set_digest right = whole();
        uint8_t kept[BYTES];
        memcpy(kept, images[1500], BYTES);
        images[1500][3] ^= what == 0 ? 1 : 0;
        labels[1500] = (uint8_t)(labels[1500] + (what == 1));
        if (what == 2) {
            memcpy(images[1500], images[1501], BYTES);
            memcpy(images[1501], kept, BYTES);
        }
        lks_set_digest other = whole();
        for (int64_t b = 0; b < right.n_blocks; b++)
            CU_ASSERT_EQUAL(memcmp(&right.blocks[b], &other.blocks[b], sizeof right.blocks[b]) != 0,
                            b == 1);
        lks_set_digest_free(&right);
        lks_set_digest_free(&other);
        fill();
    }
}

static void write_text(const char *text, size_t size) {
    FILE *f = fopen(path_of("set.digest"), "w");
    CU_ASSERT_FATAL(f && fwrite(text, 1, size, f) == size && fclose(f) == 0);
}

static lks_status read_back(lks_set_digest *d, bool *found, lks_error *err) {
    return lks_set_digest_read(d, path_of("set.digest"), found, err);
}

static void test_file(void) {
    lks_set_digest d = whole(), back;
    lks_error err;
    bool found = true;
    CU_ASSERT_EQUAL(lks_set_digest_read(&back, path_of("none.digest"), &found, &err), LKS_OK);
    CU_ASSERT(!found);
    char *text = lks_set_digest_write(&d, &err);
    CU_ASSERT_FATAL(text != NULL);
    write_text(text, strlen(text));
    CU_ASSERT_EQUAL_FATAL(read_back(&back, &found, &err), LKS_OK);
    CU_ASSERT(found && back.count == N && back.rows == ROWS && back.columns == COLUMNS);
    CU_ASSERT(back.channels == 1 && strcmp(back.labels, "some-labels") == 0);
    CU_ASSERT_EQUAL(memcmp(back.blocks, d.blocks, 3 * sizeof *d.blocks), 0);
    lks_set_digest_free(&back);
    lks_set_digest_free(&d);
    lks_free(text);
}

/* Every bit of the file, and every length: nothing that was changed is taken for digests. */
static void test_damage(void) {
    lks_set_digest d = whole(), back;
    lks_error err;
    bool found;
    int taken = 0;
    char *text = lks_set_digest_write(&d, &err);
    CU_ASSERT_FATAL(text != NULL);
    const size_t size = strlen(text);
    for (size_t bit = 0; bit < 8 * size; bit += 3) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        write_text(text, size);
        taken += read_back(&back, &found, &err) != LKS_ERR_DATA;
        lks_set_digest_free(&back);
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t length = 0; length < size; length++) {
        write_text(text, length);
        taken += read_back(&back, &found, &err) != LKS_ERR_DATA;
        lks_set_digest_free(&back);
    }
    CU_ASSERT_EQUAL(taken, 0);
    lks_set_digest_free(&d);
    lks_free(text);
}

/* A seal that holds over contents that make no sense. */
static void test_nonsense(void) {
    static const char *const bodies[] = {
        "lockstep-digest 1\n",
        "lockstep-digest 1\n0 images of 1 x 1 x 1 in blocks of 1000\nlabels l\ntotal 0\n",
        "lockstep-digest 1\n-5 images of 1 x 1 x 1 in blocks of 1000\nlabels l\ntotal 0\n",
        "lockstep-digest 1\n5 images of 1 x 1 x 1 in blocks of 10\nlabels l\ntotal 0\n",
        "lockstep-digest 1\n5 images of 1 x 1 x 1 in blocks of 1000\nlabels l\n0 12\n",
        "lockstep-digest 1\n5 images of 1 x 1 x 1 in blocks of 1000\nlabels l\n",
        "lockstep-digest 1\n5 images of 1 x 1 x 1 in blocks of 1000\nlabels l"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char hex[LKS_SHA256_HEX], text[512];
        lks_set_digest back;
        lks_error err;
        bool found;
        CU_ASSERT_EQUAL_FATAL(lks_sha256_buffer(bodies[i], strlen(bodies[i]), hex, &err), LKS_OK);
        const int size = snprintf(text, sizeof text, "%ssha256 %s\n", bodies[i], hex);
        write_text(text, (size_t)size);
        CU_ASSERT_EQUAL(read_back(&back, &found, &err), LKS_ERR_DATA);
        lks_set_digest_free(&back);
    }
}

static void test_path(void) {
    char path[LKS_PATH_MAX], lengthy[LKS_PATH_MAX];
    lks_error err;
    CU_ASSERT_EQUAL(lks_set_digest_path("d/x-images.gz", path, &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(path, "d/x-images.digest");
    CU_ASSERT_EQUAL(lks_set_digest_path("set.h5", path, &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(path, "set.h5.digest");
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = 0;
    CU_ASSERT_EQUAL(lks_set_digest_path(lengthy, path, &err), LKS_ERR_DATA);
}

int main(void) {
    static const lks_test tests[] = {{"words of one image", test_words},
                                     {"shares add up", test_shares},
                                     {"changes are in their block", test_changes},
                                     {"the file", test_file},
                                     {"a damaged file", test_damage},
                                     {"a sealed file of nonsense", test_nonsense},
                                     {"its path", test_path},
                                     {NULL, NULL}};
    fill();
    return lks_test_main("set_digest", tests);
}
