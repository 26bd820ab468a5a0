/* The file of digests beside a set of images, with its seal made right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/set_digest.h"
#include "fuzz.h"
#include "base/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lks_set_digest digest;
    lks_error err;
    bool found;
    char hex[LKS_SHA256_HEX];
    char *sealed = malloc(size + 128);
    if (!sealed || lks_sha256_buffer(data, size, hex, &err) != LKS_OK)
        abort();
    if (size)
        memcpy(sealed, data, size);
    const int line = snprintf(sealed + size, 128, "sha256 %s\n", hex);
    const char *path = fuzz_file(0, (uint8_t *)sealed, size + (size_t)line);
    if (lks_set_digest_read(&digest, path, &found, &err) == LKS_OK && found)
        lks_set_digest_free(&digest);
    free(sealed);
    return 0;
}
