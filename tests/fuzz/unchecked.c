/* Checksums would stop almost every changed file at the door, while somebody who makes a file on purpose makes them
 * right. Here they always are: HDF5's own two, and Lockstep's digests (linked by --wrap). Names and types are those
 * of HDF5 1.10's H5Fprivate.h and H5private.h, whose calls the linker leads here. */
#include <stdint.h>
#include <string.h>

#include "io/checkpoint.h"

int H5F_get_checksums(const uint8_t *buffer, size_t size, uint32_t *stored, uint32_t *computed);
uint32_t H5_checksum_fletcher32(const void *data, size_t size);
lks_status __wrap_lks_checkpoint_digest(lks_checkpoint *c, lks_error *err);

/* Of metadata: whatever is computed is what is stored. */
int H5F_get_checksums(const uint8_t *buffer, size_t size, uint32_t *stored, uint32_t *computed) {
    (void)buffer, (void)size;
    if (stored)
        *stored = 0;
    if (computed)
        *computed = 0;
    return 0;
}

/* Of data: it stands right after them, little-endian, where the filter reads it. */
uint32_t H5_checksum_fletcher32(const void *data, size_t size) {
    uint32_t stored;
    memcpy(&stored, (const uint8_t *)data + size, sizeof stored);
    return stored;
}

/* Of weights and state: the reader compares what this fills in with what the file says, and begins with the latter. */
lks_status __wrap_lks_checkpoint_digest(lks_checkpoint *c, lks_error *err) {
    (void)c, (void)err;
    return LKS_OK;
}
