/** @file utf8.h  Texts that may come from anybody: characters of UTF-8 (RFC 3629), and those that may be shown. */
#ifndef LKS_BASE_UTF8_H
#define LKS_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Bytes of the UTF-8 sequence at @p text (@p length bytes are left), 0 if it is none. */
size_t lks_utf8_sequence(const char *text, size_t length);

/** The character of the sequence of @p n bytes at @p text. */
uint32_t lks_utf8_code(const char *text, size_t n);

/** As lks_utf8_sequence(), and 0 also for what a terminal might obey instead of showing it: control characters (C0, DEL
 * and C1 of ECMA-48, line ends and tabs too) and marks that turn the direction of writing (Unicode UAX 9). */
size_t lks_utf8_shown(const char *text, size_t length);

/** Replaces each byte of @p text [@p length] that is not shown by '?', except line ends and tabs. */
void lks_utf8_disarm(char *text, size_t length);

/** Copies @p text for a message: what is not shown becomes '?', and a text too long for @p size ends in
 * "...". Returns @p out. */
char *lks_printable(char *out, size_t size, const char *text, size_t length);

#endif
