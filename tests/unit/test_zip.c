/* zip archives: what is written comes back and is the same at any time; what is cut or changed is seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/zip.h"
#include "support/test.h"

static lks_error err;
static char *bytes;
static size_t size;

static void make(void) {
    static const char text[] = "some text, which nothing packs";
    const lks_zip_file files[] = {{"a/b.npy", text, sizeof text - 1}, {"empty", text, 0}};
    FILE *f = open_memstream(&bytes, &size);
    CU_ASSERT_EQUAL_FATAL(lks_zip_write(f, files, 2, &err), LKS_OK);
    fclose(f);
}

/* The first file's text from a copy of exactly n bytes; LKS_OK also where it is another. */
static lks_status read_as(size_t n, char text[64]) {
    char *exact = malloc(n + 1);
    lks_zip *zip;
    memcpy(exact, bytes, n);
    memset(text, 0, 64);
    lks_status status = lks_zip_open(&zip, exact, n, "a.zip", &err);
    if (status == LKS_OK && (lks_zip_count(zip) < 1 || lks_zip_size(zip, 0) >= 64))
        status = LKS_ERR_FORMAT;
    else if (status == LKS_OK)
        status = lks_zip_read(zip, 0, 0, text, lks_zip_size(zip, 0), &err);
    lks_zip_close(zip);
    free(exact);
    return status;
}

static void test_there_and_back(void) {
    char part[8] = "";
    lks_zip *zip;
    make();
    CU_ASSERT_EQUAL_FATAL(lks_zip_open(&zip, bytes, size, "a.zip", &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_zip_count(zip), 2);
    CU_ASSERT_STRING_EQUAL(lks_zip_name(zip, 0), "a/b.npy");
    CU_ASSERT_EQUAL(lks_zip_size(zip, 0), 30);
    CU_ASSERT_EQUAL(lks_zip_size(zip, 1), 0);
    CU_ASSERT_EQUAL(lks_zip_read(zip, 0, 5, part, 4, &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(part, "text");
    lks_zip_close(zip);
    free(bytes);
}

/* A local header's time and date (PKWARE's APPNOTE 4.4.6): none, so equal files give equal bytes. */
static void test_no_time(void) {
    make();
    CU_ASSERT_EQUAL(memcmp(bytes, "PK\3\4", 4), 0);
    CU_ASSERT_EQUAL(memcmp(bytes + 8, "\0\0\0\0\x21\0", 6), 0); /* stored; 00:00 on 1980-01-01 */
    free(bytes);
}

static void test_damage(void) {
    char text[64], whole[64];
    make();
    CU_ASSERT_EQUAL(read_as(size, whole), LKS_OK);
    for (size_t cut = 0; cut < size; cut++)
        CU_ASSERT_NOT_EQUAL(read_as(cut, text), LKS_OK);
    /* the values themselves, behind a header of 30 bytes and the name, have a checksum */
    for (size_t i = 37; i < 37 + 30; i++) {
        bytes[i] ^= 4;
        CU_ASSERT_EQUAL(read_as(size, text), LKS_ERR_FORMAT);
        bytes[i] ^= 4;
    }
    /* whatever else changes, no other values come out, and nothing is read beyond the bytes */
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x55;
        if (read_as(size, text) == LKS_OK)
            CU_ASSERT_EQUAL(strncmp(text, whole, strlen(text)), 0);
        bytes[i] ^= 0x55;
    }
    free(bytes);
}

int main(void) {
    static const lks_test tests[] = {{"there and back", test_there_and_back},
                                     {"no time", test_no_time},
                                     {"damage", test_damage},
                                     {NULL, NULL}};
    return lks_test_main("zip", tests);
}
