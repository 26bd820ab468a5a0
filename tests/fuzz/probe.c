/* Whether checksums and digests really are out of the way (unchecked.c): a checkpoint is changed in its values and in
 * what HDF5 says about them, and read. Usage: probe CHECKPOINT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "io/checkpoint_format.h"
#include "lockstep/model.h"

enum { SIZE_MOST = 1 << 17 };

static void need(bool done, const char *what) {
    if (done)
        return;
    fprintf(stderr, "probe: %s\n", what);
    exit(1);
}

static void read_it(uint8_t *file, size_t size, lks_checkpoint *c) {
    lks_error err;
    need(lks_seal_write(file, size, &err) == LKS_OK, err.text);
    need(lks_checkpoint_read(fuzz_file(0, file, size), LKS_NUMERICS, c, &err) == LKS_OK, err.text);
}

/* Changes the last bit of the only place in the file where these bytes are. */
static void change(uint8_t *file, size_t size, const void *bytes, size_t n) {
    uint8_t *at = memmem(file, size, bytes, n);
    need(at && !memmem(at + 1, size - (size_t)(at + 1 - file), bytes, n), "not in one place");
    *at ^= 1;
}

int main(int argc, char **argv) {
    static uint8_t file[SIZE_MOST];
    lks_checkpoint before, after;
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    const size_t size = f ? fread(file, 1, SIZE_MOST, f) : 0;
    need(f && fclose(f) == 0 && size > LKS_SEAL_SIZE && size < SIZE_MOST, "no checkpoint");
    read_it(file, size, &before);
    change(file, size, before.flats[0].values, before.flats[0].tensors[0].count * sizeof(float));
    change(file, size, before.state_sha256, strlen(before.state_sha256));
    read_it(file, size, &after);
    need(memcmp(before.flats[0].values, after.flats[0].values, sizeof(float)) != 0, "same values");
    need(strcmp(before.state_sha256, after.state_sha256) != 0, "the same digest");
    lks_checkpoint_free(&before);
    lks_checkpoint_free(&after);
    return 0;
}
