/** @file digest.h  SHA-256 (FIPS 180-4, by OpenSSL libcrypto) and a 64-bit id hash. */
#ifndef LOCKSTEP_DIGEST_H
#define LOCKSTEP_DIGEST_H

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

#endif
