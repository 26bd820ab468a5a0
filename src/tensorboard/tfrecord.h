/* Records of a file, each with its length and two checksums: TensorFlow's TFRecord, as tensorflow/core/lib/io/
 * record_writer.cc has it. All numbers are little-endian:
 *
 *   uint64 length | uint32 masked CRC-32C of the length | bytes [length] | uint32 masked CRC-32C of these */
#ifndef LKS_TENSORBOARD_TFRECORD_H
#define LKS_TENSORBOARD_TFRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Writes a record. Errors of `to` show where it is closed. */
void lks_tfrecord_put(FILE *to, const void *bytes, size_t size);

/* The record at file[*at], of a file [size] that may be anybody's; *at goes behind it. False where there is no whole and
 * sound one: the end, or damage, behind which nothing can be found. */
bool lks_tfrecord_get(const unsigned char *file, size_t size, size_t *at,
                      const unsigned char **bytes, size_t *n);

#endif
