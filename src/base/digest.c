#include "base/digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/observe/pulse.h"

#define SHA256_BYTES 32

struct lks_sha256 {
    EVP_MD_CTX *context;
    bool good;
};

lks_sha256 *lks_sha256_start(lks_error *err) {
    lks_sha256 *digest = malloc(sizeof *digest);
    if (!digest) {
        lks_fail(err, LKS_ERR_MEMORY, "SHA-256: out of memory");
        return NULL;
    }
    digest->context = EVP_MD_CTX_new();
    digest->good = true;
    if (!digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
        lks_fail(err, LKS_ERR_MEMORY, "SHA-256: OpenSSL's libcrypto could not start a digest");
        EVP_MD_CTX_free(digest->context);
        free(digest);
        return NULL;
    }
    return digest;
}

void lks_sha256_add(lks_sha256 *digest, const void *bytes, size_t count) {
    lks_pulse_tick();
    if (count > 0 && EVP_DigestUpdate(digest->context, bytes, count) != 1)
        digest->good = false;
}

void lks_sha256_finish(lks_sha256 *digest, char hex[LKS_SHA256_HEX]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[SHA256_BYTES];
    size_t length = 0;
    if (EVP_DigestFinal_ex(digest->context, raw, NULL) == 1 && digest->good) {
        for (size_t i = 0; i < SHA256_BYTES; i++) {
            hex[length++] = digits[raw[i] >> 4];
            hex[length++] = digits[raw[i] & 15];
        }
    }
    hex[length] = '\0';
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

lks_status lks_sha256_buffer(const void *bytes, size_t count, char hex[LKS_SHA256_HEX],
                             lks_error *err) {
    lks_sha256 *digest = lks_sha256_start(err);
    if (!digest)
        return LKS_ERR_MEMORY;
    lks_sha256_add(digest, bytes, count);
    lks_sha256_finish(digest, hex);
    if (hex[0] == '\0')
        return lks_fail(err, LKS_ERR_MEMORY, "SHA-256: OpenSSL's libcrypto failed");
    return LKS_OK;
}

/* The newest line that begins with `opening`; NULL: none. */
static const char *find_seal(const char *text, const char *opening) {
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, opening)); at++)
        if (at == text || at[-1] == '\n')
            found = at;
    return found;
}

lks_seal lks_seal_of_text(const char *text, const char *opening, const char *closing,
                          size_t *size) {
    char wanted[LKS_SHA256_HEX];
    lks_error ignored;
    const size_t digits = LKS_SHA256_HEX - 1;
    const char *seal = find_seal(text, opening);
    if (strlen(text) != *size) /* it ends before its end */
        return LKS_SEAL_BROKEN;
    if (!seal)
        return LKS_SEAL_NONE;
    *size = (size_t)(seal - text);
    if (lks_sha256_buffer(text, *size, wanted, &ignored) != LKS_OK)
        return LKS_SEAL_BROKEN;
    seal += strlen(opening);
    return strncmp(seal, wanted, digits) == 0 && strcmp(seal + digits, closing) == 0
               ? LKS_SEAL_WHOLE
               : LKS_SEAL_BROKEN;
}
