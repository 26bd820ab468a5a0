/* Status and messages, memory, digests, clock. */
#include "support/test.h"

#include "base/digest.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "lockstep/status.h"
#include "base/timer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static lks_status refuse(lks_error *err) {
    return lks_fail(err, LKS_ERR_DATA, "%s: label %d", "labels.idx", 10);
}

static lks_status try_refuse(lks_error *err, bool *reached) {
    LKS_TRY(LKS_OK);
    LKS_TRY(refuse(err));
    *reached = true;
    return LKS_OK;
}

static void test_fail(void) {
    lks_error err = {LKS_OK, ""};
    bool reached = false;
    CU_ASSERT_EQUAL(try_refuse(&err, &reached), LKS_ERR_DATA);
    CU_ASSERT_FALSE(reached);
    CU_ASSERT_EQUAL(err.status, LKS_ERR_DATA);
    CU_ASSERT_STRING_EQUAL(err.text, "labels.idx: label 10");
    CU_ASSERT_EQUAL(lks_fail_context(&err, "rank %d", 3), LKS_ERR_DATA);
    CU_ASSERT_STRING_EQUAL(err.text, "rank 3: labels.idx: label 10");
    /* The old message may be an argument of the new one. */
    CU_ASSERT_EQUAL(lks_fail(&err, LKS_ERR_IO, "<%s>", err.text), LKS_ERR_IO);
    CU_ASSERT_STRING_EQUAL(err.text, "<rank 3: labels.idx: label 10>");
    CU_ASSERT_EQUAL(lks_fail_context(&err, "{%s}", err.text), LKS_ERR_IO);
    CU_ASSERT_STRING_EQUAL(err.text,
                           "{<rank 3: labels.idx: label 10>}: <rank 3: labels.idx: label 10>");
}

static void test_fail_without_error(void) {
    CU_ASSERT_EQUAL(lks_fail(NULL, LKS_ERR_FORMAT, "nobody reads this"), LKS_ERR_FORMAT);
    CU_ASSERT_NOT_EQUAL(lks_fail_context(NULL, "nor this"), LKS_OK);
}

/* Too long for the buffer: cut, terminated, never beyond it. */
static void test_fail_long(void) {
    char name[4096];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    lks_error err;
    lks_fail(&err, LKS_ERR_IO, "%s", name);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
    lks_fail_context(&err, "here");
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
    CU_ASSERT(strncmp(err.text, "here: xxx", 9) == 0);
    lks_fail_context(&err, "%s", name);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
}

/* What lks_print() writes, into `out`. */
static void check_printed(const char *wanted, const char *format, const char *a) {
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    lks_print(f, format, a);
#pragma GCC diagnostic pop
    fclose(f);
    CU_ASSERT_STRING_EQUAL(out, wanted);
    free(out);
}

static void test_print(void) {
    check_printed("\na \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\tb\n\n", "\na %s\tb\n\n",
                  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    check_printed("?[31m?]0;x??\n", "%s\n", "\033[31m\033]0;x\a\x7f");
    check_printed("a?status done?\n", "a%s\n", "\nstatus done\n"); /* no line of its own */
    check_printed("????", "%s", "\xc2\x9b\xff\xc0");               /* C1, and what is no UTF-8 */
    check_printed("a???b", "a%sb", "\xe2\x80\xae");                /* right-to-left override */
    check_printed("?", "%s", "\n");
    check_printed("", "%s", "");
    char *text = calloc(1, 20001), *wanted = calloc(1, 20001);
    memset(text, '\033', 20000); /* longer than any buffer */
    memset(wanted, '?', 20000);
    check_printed(wanted, "%s", text);
    free(text);
    free(wanted);
}

static void test_exit_status(void) {
    for (int status = 0; status < LKS_STATUS_COUNT; status++) {
        int expected = status == LKS_OK                                      ? 0
                       : status == LKS_ERR_USAGE || status == LKS_ERR_CONFIG ? 2
                       : status == LKS_ERR_BUSY                              ? 73
                       : status == LKS_ERR_STOPPED                           ? 75
                       : status == LKS_ERR_REPLICA                           ? 76
                       : status == LKS_ERR_STALLED                           ? 79
                                                                             : 1;
        CU_ASSERT_EQUAL(lks_exit_status((lks_status)status), expected);
    }
}

static void test_memory(void) {
    static const size_t counts[] = {0, 1, 63, 64, 65, 1000003};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        lks_error err;
        /* The same block again, as malloc tends to give it: dirty, if nobody cleans it. */
        volatile unsigned char *used = lks_alloc(counts[i], 3, "test", &err);
        CU_ASSERT_FATAL(used != NULL);
        for (size_t b = 0; b < 3 * counts[i]; b++)
            used[b] = 0xff;
        lks_free((void *)used);
        unsigned char *p = lks_alloc(counts[i], 3, "test", &err);
        CU_ASSERT_FATAL(p != NULL);
        CU_ASSERT_EQUAL((uintptr_t)p % LKS_ALIGN, 0);
        size_t dirty = 0;
        for (size_t b = 0; b < 3 * counts[i]; b++)
            dirty += p[b] != 0;
        CU_ASSERT_EQUAL(dirty, 0);
        lks_free(p);
    }
    lks_free(NULL);
}

static void test_memory_refused(void) {
    static const size_t sizes[][2] = {{SIZE_MAX, 2},
                                      {SIZE_MAX / 2, 3},
                                      {SIZE_MAX, 1},
                                      {(size_t)1 << 33, (size_t)1 << 31},
                                      {PTRDIFF_MAX, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        lks_error err = {LKS_OK, ""};
        CU_ASSERT_PTR_NULL(lks_alloc(sizes[i][0], sizes[i][1], "gradient sums", &err));
        CU_ASSERT_EQUAL(err.status, LKS_ERR_MEMORY);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "gradient sums"));
        CU_ASSERT_PTR_NULL(lks_alloc(sizes[i][0], sizes[i][1], "gradient sums", NULL));
    }
}

/* Whether the system was asked to back the byte at p with large pages: "hg" (proc(5), VmFlags). */
static bool asked_for_large_pages(const void *p) {
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[4096];
    uintptr_t first, end;
    bool inside = false, asked = false;
    CU_ASSERT_FATAL(f != NULL);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &first, &end) == 2)
            inside = (uintptr_t)p >= first && (uintptr_t)p < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            asked |= strstr(line, " hg") != NULL;
    }
    fclose(f);
    return asked;
}

static void test_large_pages(void) {
    const size_t page = (size_t)2 << 20, bytes = 3 * page + 5;
    const bool known = access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0;
    lks_error err;
    for (int lazy = 0; lazy < 2; lazy++) {
        unsigned char *p = (lazy ? lks_alloc_lazy : lks_alloc)(bytes, 1, "test", &err);
        CU_ASSERT_FATAL(p != NULL);
        CU_ASSERT_EQUAL((uintptr_t)p % page, 0);
        CU_ASSERT_EQUAL(asked_for_large_pages(p), known);
        CU_ASSERT_EQUAL(asked_for_large_pages(p + 3 * page - 1), known);
        CU_ASSERT_FALSE(asked_for_large_pages(p + 3 * page));
        size_t dirty = 0;
        for (size_t b = 0; b < bytes; b++)
            dirty += p[b] != 0;
        CU_ASSERT_EQUAL(dirty, 0);
        (lazy ? lks_free_lazy : lks_free)(p);
    }
}

/* An address sanitizer keeps an eighth of a block about it, and what it puts around it may take a large page of 2 MiB at
 * each end. */
#ifdef __SANITIZE_ADDRESS__
enum { NOTES_OF_64_MIB = 64 / 8 + 2 * 2 };
#else
enum { NOTES_OF_64_MIB = 0 };
#endif

/* What was resident once stays in the figure. The system may count a few pages late, up to 1 MiB is
 * let pass. */
static void test_peak_resident(void) {
    const size_t mib = 1024 * 1024;
    lks_error err = {LKS_OK, ""};
    size_t before = lks_peak_resident();
    void *p = lks_alloc(64, mib, "a test", &err);
    size_t with = lks_peak_resident();
    lks_free(p);
    CU_ASSERT(before > 100 * 1024);
    CU_ASSERT(with >= 64 * mib);
    CU_ASSERT(with <= before + (65 + NOTES_OF_64_MIB) * mib);
    CU_ASSERT(lks_peak_resident() >= with - mib);
}

/* FIPS 180-4 examples, and the same bytes in pieces. */
static void test_sha256(void) {
    lks_error err;
    char hex[LKS_SHA256_HEX];
    CU_ASSERT_EQUAL(lks_sha256_buffer("abc", 3, hex, &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CU_ASSERT_EQUAL(lks_sha256_buffer(NULL, 0, hex, &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (size_t piece = 1; piece <= sizeof text; piece += 5) {
        lks_sha256 *digest = lks_sha256_start(&err);
        CU_ASSERT_FATAL(digest != NULL);
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            size_t left = sizeof text - 1 - at;
            lks_sha256_add(digest, text + at, left < piece ? left : piece);
            lks_sha256_add(digest, NULL, 0);
        }
        lks_sha256_finish(digest, hex);
        CU_ASSERT_STRING_EQUAL(hex,
                               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
}

/* The digest of "ab\n" is from `printf 'ab\n' | sha256sum`. */
static void test_seal_of_a_text(void) {
    static const char sealed[] =
        "ab\n# seal a63d8014dba891345b30174df2b2a57efbb65b4f9f09b98f245d1b3192277ece\n";
    char text[sizeof sealed + 8];
    size_t size = sizeof sealed - 1, broken = 0;
    CU_ASSERT_EQUAL(lks_seal_of_text("ab\n", "# seal ", "\n", &(size_t){3}), LKS_SEAL_NONE);
    CU_ASSERT_EQUAL(lks_seal_of_text(sealed, "# seal ", "\n", &size), LKS_SEAL_WHOLE);
    CU_ASSERT_EQUAL(size, 3);
    for (size_t bit = 0; bit < 8 * (sizeof sealed - 1);
         bit++) { /* one that hits the opening leaves no seal */
        memcpy(text, sealed, sizeof sealed);
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        size = sizeof sealed - 1;
        const bool opening = bit / 8 >= 2 && bit / 8 < 10 && text[bit / 8] != 0;
        const lks_seal found = lks_seal_of_text(text, "# seal ", "\n", &size);
        broken += found == (opening ? LKS_SEAL_NONE : LKS_SEAL_BROKEN);
    }
    CU_ASSERT_EQUAL(broken, 8 * (sizeof sealed - 1));
    snprintf(text, sizeof text, "%s#\n", sealed); /* what follows was not sealed */
    size = strlen(text);
    CU_ASSERT_EQUAL(lks_seal_of_text(text, "# seal ", "\n", &size), LKS_SEAL_BROKEN);
}

/* The first outputs of splitmix64 from state 0, as its authors' program prints them. */
static void test_hash64(void) {
    const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
    CU_ASSERT_EQUAL(lks_hash64(0), UINT64_C(0xe220a8397b1dcdaf));
    CU_ASSERT_EQUAL(lks_hash64(step), UINT64_C(0x6e789e6aa1b965f4));
    CU_ASSERT_EQUAL(lks_hash64(2 * step), UINT64_C(0x06c45d188009454f));
}

static void test_timer(void) {
    double before = lks_now();
    double after = lks_now();
    CU_ASSERT(before > 0.0 && after >= before);
    char text[32];
    lks_utc(text);
    int year, month, day, hour, minute, second, end = 0;
    CU_ASSERT_EQUAL(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &year, &month, &day, &hour, &minute,
                           &second, &end),
                    6);
    CU_ASSERT_EQUAL(end, 20);
    CU_ASSERT_EQUAL(strlen(text), 20);
    CU_ASSERT(year >= 2024 && month >= 1 && month <= 12 && hour <= 23 && minute <= 59);
}

/* What stdout (1) or stderr (2) receives while @p speak runs. */
static void capture(int stream, void (*speak)(void), char *text, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%s/capture", lks_test_folder());
    fflush(stdout);
    int saved = dup(stream);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CU_ASSERT_FATAL(saved >= 0 && file >= 0);
    dup2(file, stream);
    speak();
    fflush(stdout);
    dup2(saved, stream);
    close(saved);
    ssize_t length = pread(file, text, size - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    close(file);
}

static void speak(void) {
    lks_info("epoch %d", 3);
    lks_warn("%d ranks without work", 2);
    lks_detail("wrote %s", "a");
    lks_error_print("disk full");
}

static void test_log(void) {
    char out[256], errors[256];
    lks_log_setup(LKS_LOG_INFO);
    CU_ASSERT_TRUE(lks_log_enabled());
    capture(STDOUT_FILENO, speak, out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "epoch 3\n");
    capture(STDERR_FILENO, speak, errors, sizeof errors);
    CU_ASSERT_STRING_EQUAL(errors,
                           "lockstep: warning: 2 ranks without work\nlockstep: error: disk full\n");

    lks_log_setup(LKS_LOG_QUIET);
    CU_ASSERT_FALSE(lks_log_enabled());
    capture(STDOUT_FILENO, speak, out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "");
    capture(STDERR_FILENO, speak, errors, sizeof errors);
    CU_ASSERT_PTR_NOT_NULL(strstr(errors, "warning: 2 ranks"));

    lks_log_setup(LKS_LOG_VERBOSE);
    CU_ASSERT_TRUE(lks_log_enabled());
    capture(STDOUT_FILENO, speak, out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "epoch 3\n");
    capture(STDERR_FILENO, speak, errors, sizeof errors);
    CU_ASSERT_PTR_NOT_NULL(strstr(errors, "\nlockstep: wrote a\n"));

    lks_log_setup(LKS_LOG_INFO);
    lks_log_rank(1);
    CU_ASSERT_FALSE(lks_log_enabled());
    capture(STDOUT_FILENO, speak, out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "");
    capture(STDERR_FILENO, speak, errors, sizeof errors);
    CU_ASSERT_STRING_EQUAL(errors, "lockstep: error: disk full\n");
    lks_log_rank(0);
}

int main(void) {
    static const lks_test tests[] = {
        {"errors carry status and message", test_fail},
        {"errors without a receiver", test_fail_without_error},
        {"long messages are cut", test_fail_long},
        {"print", test_print},
        {"exit status", test_exit_status},
        {"memory is aligned and zeroed", test_memory},
        {"absurd sizes are refused", test_memory_refused},
        {"large arrays ask for large pages", test_large_pages},
        {"peak of resident memory", test_peak_resident},
        {"SHA-256 examples", test_sha256},
        {"seal of a text", test_seal_of_a_text},
        {"64-bit hash", test_hash64},
        {"clock", test_timer},
        {"who speaks, and where", test_log},
        {NULL, NULL},
    };
    return lks_test_main("base", tests);
}
