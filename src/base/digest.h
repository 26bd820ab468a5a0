/** @file digest.h  SHA-256 (FIPS 180-4, by OpenSSL libcrypto), a 64-bit id hash, and a 64-bit hash that costs
 * little more than reading. */
#ifndef LKS_BASE_DIGEST_H
#define LKS_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include "lockstep/status.h"

#define LKS_SHA256_HEX 65 /**< 64 hex digits and the terminating zero */

typedef struct lks_sha256 lks_sha256;

/** Starts a digest; NULL with @p err filled when memory is short. Ended by lks_sha256_finish(). */
lks_sha256 *lks_sha256_start(lks_error *err);
void lks_sha256_add(lks_sha256 *digest, const void *bytes, size_t count);
/** Writes the lower-case hex digest (an empty text should OpenSSL fail) and frees @p digest. */
void lks_sha256_finish(lks_sha256 *digest, char hex[LKS_SHA256_HEX]);

/** The digest of one buffer. */
lks_status lks_sha256_buffer(const void *bytes, size_t count, char hex[LKS_SHA256_HEX],
                             lks_error *err);

/** What the last line of a text, its seal, says of the lines before it. */
typedef enum lks_seal {
    LKS_SEAL_NONE,  /**< there is none */
    LKS_SEAL_WHOLE, /**< these are the lines that were sealed */
    LKS_SEAL_BROKEN /**< they are not: damaged, or edited */
} lks_seal;

/** The seal of @p text: the newest line that begins with @p opening, which is followed by the SHA-256 of all
 * before that line, and by @p closing, with which the text ends. *size: the text's bytes, without its 0; gets those
 * before the seal, where there is one. LKS_SEAL_BROKEN also where memory is too short to tell. */
lks_seal lks_seal_of_text(const char *text, const char *opening, const char *closing, size_t *size);

/** A 64-bit mixing of @p id (splitmix64 finaliser, Steele et al. 2014): the once-per-epoch check
 * adds these modulo 2^64 over all samples seen. */
uint64_t lks_hash64(uint64_t id);

/** What word i of a hash is multiplied by, modulo 2^32: odd, and another one for each i < 2^31. The step's half
 * is 2^31 over the golden ratio, made odd. */
#define LKS_HASH_STEP          UINT32_C(0x9e3779ba)
#define LKS_HASH_MULTIPLIER(i) ((uint32_t)(i)*LKS_HASH_STEP + 1)

/** A hash that sees what faulty memory does: the sum over i, modulo 2^64, of word i times its multiplier; words
 * have 32 bits, little-endian, the last one is filled up with zeros. A word that changes by d moves the sum by d
 * times an odd number below 2^32: never by a multiple of 2^64. So **each change within one word is seen**, and
 * each two bits that flip anywhere, and two words that change places; of other changes all but 1 in 2^64 if they
 * are random. It is no defence against somebody who wants to deceive. */
uint64_t lks_hash_bytes(const void *bytes, size_t n);

/** The same for @p n words from number @p first on: hashes of consecutive parts add up to that of the whole. */
uint64_t lks_hash_words(const void *words, size_t n, uint32_t first);

#endif
