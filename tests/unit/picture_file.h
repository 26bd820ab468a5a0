/** @file picture_file.h  What the programs that test the reading of pictures share. */
#ifndef LKS_TEST_PICTURE_FILE_H
#define LKS_TEST_PICTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The path of a file in the test's folder; holds until the next call. */
const char *path_of(const char *name);

void write_file(const char *name, const void *bytes, size_t size);
void write_text(const char *name, const char *text);

/** Reads a file that is shorter than @p room; returns its size. */
size_t load(const char *name, uint8_t *bytes, size_t room);

/** Bytes that follow no pattern. */
void scramble(uint8_t *at, size_t count);

/** The file must be a picture of that form with these bytes, none of which differs by more than @p tolerance. */
void check_close(const char *name, int rows, int columns, int channels, const uint8_t *wanted,
                 int tolerance);
void check_bytes(const char *name, int rows, int columns, int channels, const uint8_t *wanted);

/** The file must be refused, with its name and @p why in the message. */
void check_refused(const char *name, const char *why);

/** Every shorter file is refused; so is, where the format has check sums, every changed bit. */
void damage_everywhere(const char *name, bool check_sums);

/** Bytes of Exif data: a TIFF whose one number, of @p type (3: 16 bits), is Orientation. */
enum { EXIF_BYTES = 26 };
void make_exif(uint8_t exif[EXIF_BYTES], bool big_endian, int type, int orientation);

#endif
