/* What is done with a checkpoint that was read. */
#ifndef LKS_FUZZ_NETWORK_H
#define LKS_FUZZ_NETWORK_H

#include <stddef.h>
#include <stdint.h>

/* Gives the bytes of a checkpoint, longer than LKS_SEAL_SIZE, a right seal; reads it, makes a network of it, and lets
 * that look at an image. */
void fuzz_network(const uint8_t *data, size_t size);

#endif
