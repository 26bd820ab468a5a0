/* The checksum of iSCSI and of TensorFlow's records. */
#ifndef LKS_TENSORBOARD_CRC32C_H
#define LKS_TENSORBOARD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C of bytes [n]: Castagnoli's polynomial 0x1EDC6F41, bits reflected, all ones before and after (RFC 3720, section
 * 12.1, with known values in appendix B.4). zlib's crc32() has another polynomial. */
uint32_t lks_crc32c(const void *bytes, size_t n);

#endif
