/* Archives of plain files: what is written comes back, tar(1)'s rules hold byte for byte, and what is damaged or no plain
 * file is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/ustar.h"
#include "files/whole_file.h"
#include "support/test.h"

enum { BLOCK = 512, NAME = 0, SIZE = 124, CHECKSUM = 148, TYPE = 156, LINK = 157, PREFIX = 345 };

static lks_error err;
static unsigned char *bytes;
static size_t size;

/* Two files, the second of more than one block, as `bytes`. */
static void make(void) {
    static unsigned char text[] = "seed: 1\n", large[BLOCK + 1];
    const lks_ustar_file files[] = {{"run/a.yaml", text, 8}, {"b-2_.h5", large, sizeof large}};
    char path[4200];
    memset(large, 'x', sizeof large);
    snprintf(path, sizeof path, "%s/a.tar", lks_test_folder());
    CU_ASSERT_EQUAL_FATAL(lks_ustar_write(path, files, 2, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_read_whole_file(path, 0, NULL, &bytes, &size, &err), LKS_OK);
}

static lks_status read_as(size_t n_bytes, size_t *n) {
    lks_ustar_file *files;
    unsigned char *exact = malloc(n_bytes + 1); /* sanitizers see what is read beyond */
    memcpy(exact, bytes, n_bytes);
    const lks_status status = lks_ustar_read("a.tar", exact, n_bytes, &files, n, &err);
    free(files);
    free(exact);
    return status;
}

static void test_there_and_back(void) {
    lks_ustar_file *files;
    size_t n;
    make();
    /* a header each, 1 and 2 blocks of content, two of zeros */
    CU_ASSERT_EQUAL(size, (1 + 1 + 1 + 2 + 2) * BLOCK);
    CU_ASSERT_EQUAL_FATAL(lks_ustar_read("a.tar", bytes, size, &files, &n, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(n, 2);
    CU_ASSERT_STRING_EQUAL(files[0].name, "run/a.yaml");
    CU_ASSERT_EQUAL(files[0].size, 8);
    CU_ASSERT_EQUAL(memcmp(files[0].bytes, "seed: 1\n", 8), 0);
    CU_ASSERT_STRING_EQUAL(files[1].name, "b-2_.h5");
    CU_ASSERT_EQUAL(files[1].size, BLOCK + 1);
    CU_ASSERT_EQUAL(files[1].bytes[BLOCK], 'x');
    free(files);
    free(bytes);
}

/* POSIX.1-1988, section 10.1.1: places of the fields, octal digits, no times and no owners. */
static void test_header(void) {
    unsigned sum = 8 * ' ', told = 0;
    make();
    CU_ASSERT_STRING_EQUAL((char *)bytes + NAME, "run/a.yaml");
    CU_ASSERT_STRING_EQUAL((char *)bytes + SIZE, "00000000010");
    CU_ASSERT_STRING_EQUAL((char *)bytes + 136, "00000000000");
    CU_ASSERT_EQUAL(memcmp(bytes + 257, "ustar\00000", 8), 0);
    CU_ASSERT_EQUAL(bytes[TYPE], '0');
    for (int i = 0; i < BLOCK; i++)
        sum += i >= CHECKSUM && i < CHECKSUM + 8 ? 0 : bytes[i];
    CU_ASSERT_EQUAL(sscanf((char *)bytes + CHECKSUM, "%o", &told), 1);
    CU_ASSERT_EQUAL(told, sum);
    free(bytes);
}

static void test_damage(void) {
    size_t n;
    make();
    for (size_t cut = 0; cut < size; cut += 64)
        CU_ASSERT_EQUAL(read_as(cut, &n), LKS_ERR_FORMAT);
    for (size_t i = 0; i < BLOCK;
         i++) { /* each byte of a header counts, but the one behind the checksum */
        bytes[i] ^= 1;
        CU_ASSERT_EQUAL(read_as(size, &n), i == CHECKSUM + 7 ? LKS_OK : LKS_ERR_FORMAT);
        bytes[i] ^= 1;
    }
    bytes[size - 1] = 1;
    CU_ASSERT_EQUAL(read_as(size, &n), LKS_ERR_FORMAT);
    bytes[size - 1] = 0;
    CU_ASSERT_EQUAL(read_as(size, &n), LKS_OK);
    CU_ASSERT_EQUAL(n, 2);
    free(bytes);
}

/* Writes `text` into the first header, with a checksum that fits. */
static void forge(size_t at, const char *text, size_t count) {
    unsigned sum = 8 * ' ';
    memcpy(bytes + at, text, count);
    for (int i = 0; i < BLOCK; i++)
        sum += i >= CHECKSUM && i < CHECKSUM + 8 ? 0 : bytes[i];
    snprintf((char *)bytes + CHECKSUM, 8, "%06o", sum);
}

static void test_forgeries(void) {
    static const struct {
        size_t at;
        const char *text;
        const char *why;
    } cases[] = {{NAME, "../a", "not plain"},          {NAME, "/etc/a", "not plain"},
                 {NAME, "run/.a", "not plain"},        {NAME, "run//a", "not plain"},
                 {NAME, "run/", "not plain"},          {NAME, "-a", "not plain"},
                 {NAME, "a b", "not plain"},           {NAME, "b-2_.h5", "comes twice"},
                 {SIZE, "77777777777", "ends within"}, {SIZE, "0000000004000", "ends within"},
                 {SIZE, "0000000009", "ends within"},  {SIZE, "-0000000001", "ends within"},
                 {TYPE, "2", "plain files"},           {TYPE, "5", "plain files"},
                 {LINK, "/etc/passwd", "plain files"}, {PREFIX, "..", "plain files"}};
    size_t n;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make();
        forge(cases[i].at, cases[i].text, strlen(cases[i].text) + (cases[i].at == NAME));
        CU_ASSERT_EQUAL(read_as(size, &n), LKS_ERR_FORMAT);
        if (!strstr(err.text, cases[i].why))
            printf("\n  %s: %s\n", cases[i].text, err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].why));
        free(bytes);
    }
}

static void test_names(void) {
    static const char *const wrong[] = {"", ".", "..", "a/../b", "/a", "a/", "-a", "a\\b", "a\nb"};
    unsigned char byte = 1;
    char path[4200];
    lks_ustar_file file = {.bytes = &byte, .size = 1};
    snprintf(path, sizeof path, "%s/names.tar", lks_test_folder());
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        strcpy(file.name, wrong[i]);
        CU_ASSERT_EQUAL(lks_ustar_write(path, &file, 1, &err), LKS_ERR_USAGE);
    }
    CU_ASSERT_PTR_NULL(fopen(path, "r"));
    memset(file.name, 'n', LKS_USTAR_NAME_MAX - 1); /* the longest */
    file.name[LKS_USTAR_NAME_MAX - 1] = 0;
    CU_ASSERT_EQUAL(lks_ustar_write(path, &file, 1, &err), LKS_OK);
}

int main(void) {
    static const lks_test tests[] = {
        {"there and back", test_there_and_back}, {"a header", test_header}, {"damage", test_damage},
        {"forgeries", test_forgeries},           {"names", test_names},     {NULL, NULL}};
    return lks_test_main("ustar", tests);
}
