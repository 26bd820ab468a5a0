/* A bundle: a tar archive whose headers have the right checksums, read and written again, and unpacked with a MANIFEST as
 * it came and with one that is made right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/ustar.h"
#include "files/whole_file.h"
#include "fuzz.h"
#include "train/proof/bundle.h"
#include "base/digest.h"

enum { BLOCK = 512, SIZE = 124, CHECKSUM = 148, CHECKSUM_WIDTH = 8 };

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    return setenv("TMPDIR", "/dev/shm", 1);
}

/* Headers as a reader takes them: each says where the next one is. */
static void sum_headers(unsigned char *bytes, size_t size) {
    for (size_t at = 0; size - at >= BLOCK;) {
        char digits[13] = "";
        unsigned sum = CHECKSUM_WIDTH * ' ';
        for (size_t i = 0; i < BLOCK; i++)
            sum += i - CHECKSUM < CHECKSUM_WIDTH ? 0 : bytes[at + i];
        if (sum > CHECKSUM_WIDTH * ' ') /* else it is the end */
            snprintf((char *)bytes + at + CHECKSUM, CHECKSUM_WIDTH, "%06o", sum & 0777777);
        memcpy(digits, bytes + at + SIZE, 12);
        const size_t body = strtoull(digits, NULL, 8);
        if (body > size - at - BLOCK)
            return;
        at += BLOCK + (body + BLOCK - 1) / BLOCK * BLOCK;
        if (at > size)
            return;
    }
}

static void unpack(const char *path) {
    char *folder;
    lks_error err;
    if (lks_bundle_unpack(path, &folder, &err) == LKS_OK)
        lks_bundle_remove(folder);
}

/* The same files come back from what the writer makes of them. */
static void there_and_back(const lks_ustar_file *files, size_t n, const char *path) {
    unsigned char *bytes;
    lks_ustar_file *again;
    size_t size, count;
    lks_error err;
    if (lks_ustar_write(path, files, n, &err) != LKS_OK ||
        lks_read_whole_file(path, 0, NULL, &bytes, &size, &err) != LKS_OK ||
        lks_ustar_read("again.tar", bytes, size, &again, &count, &err) != LKS_OK || count != n)
        abort();
    for (size_t i = 0; i < n; i++)
        if (strcmp(again[i].name, files[i].name) != 0 || again[i].size != files[i].size ||
            memcmp(again[i].bytes, files[i].bytes, files[i].size) != 0)
            abort();
    free(again);
    free(bytes);
}

/* Gives the first file, where it is the MANIFEST, the lines of all others. */
static char *seal(lks_ustar_file *files, size_t n) {
    char *text = NULL, hex[LKS_SHA256_HEX];
    size_t size = 0;
    lks_error err;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        abort();
    for (size_t i = 1; i < n; i++)
        if (lks_sha256_buffer(files[i].bytes, files[i].size, hex, &err) == LKS_OK)
            fprintf(f, "%s  %s\n", hex, files[i].name);
    fclose(f);
    files[0].bytes = (unsigned char *)text;
    files[0].size = size;
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned char *bytes = (unsigned char *)fuzz_text(data, size);
    char path[256];
    lks_ustar_file *files;
    size_t n;
    lks_error err;
    sum_headers(bytes, size);
    unpack(fuzz_file(0, bytes, size));
    if (lks_ustar_read("a.tar", bytes, size, &files, &n, &err) == LKS_OK) {
        snprintf(path, sizeof path, "%s/a.tar", fuzz_folder());
        there_and_back(files, n, path);
        if (n > 0 && strcmp(files[0].name, "MANIFEST") == 0) {
            char *manifest = seal(files, n);
            there_and_back(files, n, path);
            unpack(path);
            free(manifest);
        }
        free(files);
    }
    free(bytes);
    return 0;
}
