/** @file tiff_tag.h  One number out of a TIFF's first directory. Exif data is a TIFF, too (Exif 2.32, 4.5.2). */
#ifndef LKS_FILES_TIFF_TAG_H
#define LKS_FILES_TIFF_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Looks for @p tag among the entries of the first directory of the TIFF @p bytes [@p count], which may be only
 * its beginning. True where it is there: then *value is its one value of 8, 16 or 32 bits, unsigned, or 0
 * where it has several values or another type. Whatever is malformed is not there. (TIFF 6.0, section 2.) */
bool lks_tiff_tag(const unsigned char *bytes, size_t count, unsigned tag, uint32_t *value);

#endif
