/** @file detect.h  The parts of the table of kinds; each gives NULL for what it does not know. Private to this folder. */
#ifndef LKS_FILES_KIND_DETECT_H
#define LKS_FILES_KIND_DETECT_H

#include <stddef.h>

#include "files/kind/kind.h"

/** Kinds that have fixed bytes at a fixed place. */
const lks_file_kind *lks_kind_by_signature(const unsigned char *bytes, size_t count);

/** Kinds that a signature alone does not tell: what is in a zip, whose TIFF it is, which ISO media file. */
const lks_file_kind *lks_kind_by_structure(const unsigned char *bytes, size_t count);

/** Kinds of text. */
const lks_file_kind *lks_kind_by_text(const unsigned char *bytes, size_t count);

#endif
