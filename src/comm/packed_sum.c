/* Integers summed over the ranks in fewer bytes.
 *
 * Sums are modular, so a word of 64 bits carries several numbers at once: v0 + v1 * 2^w + v2 * 2^2w
 * added up over the ranks, modulo 2^64, is the same of the sums, and as long as each sum fits into w
 * signed bits they can be told apart again. How many fit is decided block by block, since a few
 * large numbers among many small ones are the rule. */
#include "comm/packed_sum.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"

/* Numbers that are packed alike: small enough to follow the rows of a layer's weights, whose sizes
 * differ, and divided by 2, 3 and 4. */
#define BLOCK 48

/* In numbers of a message. Below, another call costs more than the bytes it saves. Within a host it
 * costs more for longer messages, too; between hosts that depends on their network. */
#define WORTH_PACKING 8192

/* Words that a block takes with `fields` numbers in each. */
#define MOST_FIELDS   4
#define WORDS(fields) (BLOCK / (fields))

/* Three numbers in two words: each word has one in its lower bits, and above it a part of the third.
 */
#define PAIR_WORDS (2 * BLOCK / 3)
#define LOWER      41
#define UPPER      (64 - LOWER)

/* ---- one block
 * ------------------------------------------------------------------------------------- */

/* Bits of the widest number, sign included; 0: all are 0. The highest bit that differs from the one
 * below it is the lowest copy of the sign. */
static int width_of(const uint64_t *values) {
    uint64_t differs = 0;
    for (int i = 0; i < BLOCK; i++)
        differs |= values[i] ^ values[i] << 1;
    return differs ? 64 - __builtin_clzll(differs) : 0;
}

/* A number cut in two has to leave room for the growth of both parts. */
static bool fits_in_pairs(int width, int growth) {
    return width + growth <= LOWER && width + 2 * growth <= 2 * UPPER;
}

/* More for wider numbers, so that the most of any rank is enough for all. */
static int words_for(int width, int growth) {
    if (width == 0)
        return 0;
    for (int fields = MOST_FIELDS; fields > 1; fields--)
        if (width + growth <= 64 / fields)
            return WORDS(fields);
    return fits_in_pairs(width, growth) ? PAIR_WORDS : BLOCK;
}

/* The number in the lowest `width` bits. */
static inline uint64_t signed_field(uint64_t word, int width) {
    const uint64_t sign = UINT64_C(1) << (width - 1);
    return ((word & (2 * sign - 1)) ^ sign) - sign;
}

static inline void pack_fields(uint64_t *restrict words, const uint64_t *restrict values,
                               const int fields) {
    const int n = WORDS(fields), width = 64 / fields;
    for (int i = 0; i < n; i++) {
        uint64_t word = 0;
        for (int f = fields - 1; f >= 0; f--)
            word = (word << width) + values[f * n + i];
        words[i] = word;
    }
}

static inline void unpack_fields(uint64_t *restrict values, const uint64_t *restrict words,
                                 const int fields) {
    const int n = WORDS(fields), width = 64 / fields;
    for (int i = 0; i < n; i++) {
        uint64_t word = words[i];
        for (int f = 0; f < fields; f++) {
            values[f * n + i] = signed_field(word, width);
            word = (word - values[f * n + i]) >> width;
        }
    }
}

/* The third number's low bits, without a sign, go above the first number, its high bits above the
 * second. */
static void pack_pairs(uint64_t *restrict words, const uint64_t *restrict values, int growth) {
    const int n = PAIR_WORDS / 2, low = UPPER - growth;
    const uint64_t mask = (UINT64_C(1) << low) - 1;
    for (int i = 0; i < n; i++) {
        const uint64_t third = values[2 * n + i];
        words[i] = values[i] + ((third & mask) << LOWER);
        words[n + i] = values[n + i] + (third >> low << LOWER);
    }
}

static void unpack_pairs(uint64_t *restrict values, const uint64_t *restrict words, int growth) {
    const int n = PAIR_WORDS / 2, low = UPPER - growth;
    for (int i = 0; i < n; i++) {
        values[i] = signed_field(words[i], LOWER);
        values[n + i] = signed_field(words[n + i], LOWER);
        const uint64_t high = (words[n + i] - values[n + i]) >> LOWER;
        values[2 * n + i] = (signed_field(high, UPPER) << low) + ((words[i] - values[i]) >> LOWER);
    }
}

/* Each number of fields is compiled by itself, and vectorised. */
static void pack_block(uint64_t *words, const uint64_t *values, int n_words, int growth) {
    if (n_words == WORDS(4))
        pack_fields(words, values, 4);
    else if (n_words == WORDS(3))
        pack_fields(words, values, 3);
    else if (n_words == WORDS(2))
        pack_fields(words, values, 2);
    else if (n_words == PAIR_WORDS)
        pack_pairs(words, values, growth);
    else
        memcpy(words, values, (size_t)n_words * sizeof *words);
}

static void unpack_block(uint64_t *values, const uint64_t *words, int n_words, int growth) {
    if (n_words == WORDS(4))
        unpack_fields(values, words, 4);
    else if (n_words == WORDS(3))
        unpack_fields(values, words, 3);
    else if (n_words == WORDS(2))
        unpack_fields(values, words, 2);
    else if (n_words == PAIR_WORDS)
        unpack_pairs(values, words, growth);
    else
        memcpy(values, words, (size_t)n_words * sizeof *values);
}

/* ---- over the threads
 * ------------------------------------------------------------------------------ */

typedef struct range {
    size_t first, end;
} range;

static range own_blocks(const lks_packed_sum *s) {
    size_t t = (size_t)omp_get_thread_num(), threads = (size_t)omp_get_num_threads();
    return (range){s->blocks * t / threads, s->blocks * (t + 1) / threads};
}

static size_t words_before(const lks_packed_sum *s, size_t block) {
    size_t words = 0;
    for (size_t b = 0; b < block; b++)
        words += s->words[b];
    return words;
}

static void measure(lks_packed_sum *s, const uint64_t *values, int threads) {
#pragma omp parallel num_threads(threads)
    {
        const range own = own_blocks(s);
        for (size_t b = own.first; b < own.end; b++)
            s->words[b] = (uint8_t)words_for(width_of(values + b * BLOCK), s->growth);
    }
}

static void pack(const lks_packed_sum *s, const uint64_t *values, int threads) {
#pragma omp parallel num_threads(threads)
    {
        const range own = own_blocks(s);
        uint64_t *to = s->message + s->head + words_before(s, own.first);
        for (size_t b = own.first; b < own.end; to += s->words[b++])
            pack_block(to, values + b * BLOCK, s->words[b], s->growth);
    }
}

static void unpack(const lks_packed_sum *s, uint64_t *values, int threads) {
#pragma omp parallel num_threads(threads)
    {
        const range own = own_blocks(s);
        const uint64_t *from = s->message + s->head + words_before(s, own.first);
        for (size_t b = own.first; b < own.end; from += s->words[b++])
            unpack_block(values + b * BLOCK, from, s->words[b], s->growth);
    }
}

/* ---- over the ranks
 * -------------------------------------------------------------------------------- */

/* Bits that a sum over so many ranks may have beyond those of its widest number. */
static int growth_of(int adders) {
    int bits = 0;
    while (INT64_C(1) << bits < adders)
        bits++;
    return bits;
}

static bool may_pack(const lks_comm *comm, size_t n, lks_packing packing) {
    if (packing == LKS_PACK_NEVER || n < WORTH_PACKING || comm->size == 1)
        return false;
    return packing == LKS_PACK_ALWAYS || comm->hosts > 1;
}

lks_status lks_packed_sum_create(lks_packed_sum *s, const lks_comm *comm, size_t head, size_t n,
                                 int adders, lks_packing packing, lks_error *err) {
    const int most = adders < comm->size ? adders : comm->size;
    *s = (lks_packed_sum){.head = head, .n = n, .growth = growth_of(most)};
    if (!may_pack(comm, n, packing))
        return LKS_OK;
    s->chooses = packing == LKS_PACK_AUTO;
    s->trials = s->chooses ? 2 * LKS_PACK_TRIALS : 0;
    s->blocks = n / BLOCK;
    s->words = lks_alloc(s->blocks, sizeof *s->words, "the packed message", err);
    s->message = lks_alloc(head + n, sizeof *s->message, "the packed message", err);
    return s->words && s->message ? LKS_OK : err->status;
}

static void free_message(lks_packed_sum *s) {
    lks_free(s->words);
    lks_free(s->message);
    s->words = NULL;
    s->message = NULL;
    s->blocks = 0;
}

void lks_packed_sum_free(lks_packed_sum *s) {
    free_message(s);
    *s = (lks_packed_sum){0};
}

size_t lks_packed_sum_bytes(const lks_packed_sum *s) {
    return s->blocks ? s->blocks + (s->head + s->n) * sizeof *s->message : 0;
}

static void sum_packed(lks_packed_sum *s, lks_comm *comm, int64_t *values, int threads) {
    uint64_t *body = (uint64_t *)values + s->head, *tail = body + s->blocks * BLOCK;
    const size_t n_tail = s->n % BLOCK;
    measure(s, body, threads);
    lks_comm_max_u8(comm, s->words, s->blocks);
    const size_t n_words = s->head + words_before(s, s->blocks);
    memcpy(s->message, values, s->head * sizeof *s->message);
    pack(s, body, threads);
    memcpy(s->message + n_words, tail, n_tail * sizeof *tail);
    lks_comm_sum_i64(comm, (int64_t *)s->message, n_words + n_tail);
    s->sent += s->blocks + (n_words + n_tail) * sizeof *s->message;
    memcpy(values, s->message, s->head * sizeof *s->message);
    unpack(s, body, threads);
    memcpy(tail, s->message + n_words, n_tail * sizeof *tail);
}

/* Of each call the least time of any rank counts, which is that of the rank that came last and waited for nobody; of the
 * calls of one way the fastest. */
static void decide(lks_packed_sum *s, lks_comm *comm) {
    lks_comm_min_f64(comm, s->trial[0], 2 * LKS_PACK_TRIALS);
    for (int way = 0; way < 2; way++)
        for (int i = 1; i < LKS_PACK_TRIALS; i++)
            s->trial[way][0] = fmin(s->trial[way][0], s->trial[way][i]);
    if (s->trial[0][0] < s->trial[1][0])
        free_message(s);
}

void lks_packed_sum_i64(lks_packed_sum *s, lks_comm *comm, int64_t *values, int threads) {
    const bool packs = s->blocks && s->trials % 2 == 0;
    const double start = lks_now();
    if (comm->size == 1)
        return;
    if (packs)
        sum_packed(s, comm, values, threads);
    else {
        lks_comm_sum_i64(comm, values, s->head + s->n);
        s->sent += s->chooses ? (s->head + s->n) * sizeof *values : 0;
    }
    if (s->trials == 0)
        return;
    s->trials--;
    s->trial[packs][s->trials / 2] = lks_now() - start;
    if (s->trials == 0)
        decide(s, comm);
}
