/* Sums in a packed message against sums of plain words that each rank computes alone: random numbers
 * of all widths, and those at the very limits of a field, on all ranks at once. */
#include "support/test.h"
#include "support/give_up.h"

#include "lockstep/log.h"
#include "base/memory.h"
#include "comm/packed_sum.h"
#include "lockstep/philox.h"

#include <string.h>

enum { BLOCK = 48, HEAD = 11 };

static lks_comm comm;

static int64_t wrap(uint64_t bits) {
    int64_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t random_bits(int rank, int round, uint64_t element) {
    lks_stream s = lks_stream_make(7, LKS_PURPOSE_AUGMENT, 0, (uint32_t)round, (uint32_t)rank);
    return (uint64_t)lks_stream_u32(&s, 2 * element) << 32 | lks_stream_u32(&s, 2 * element + 1);
}

/* Where it is not 0: room is left as for so many ranks, as a power of two. */
static int assumed_growth;

/* Bits by which a sum over the ranks may be wider than its parts. */
static int growth(void) {
    if (assumed_growth)
        return assumed_growth;
    return comm.size == 1 ? 0 : comm.size == 2 ? 1 : 2;
}

/* Bits of numbers of which three fit into two words of 41 + 23 bits: as they are, and cut in two. */
static int pair_width(void) {
    const int whole = 41 - growth(), halves = 2 * (23 - growth());
    return whole < halves ? whole : halves;
}

/* Rank `rank`'s number: any rank can compute it. */
typedef int64_t (*source)(int rank, int round, uint64_t element);

static int64_t smallest(int bits) {
    return bits ? wrap(UINT64_C(0) - (UINT64_C(1) << (bits - 1))) : 0;
}

static int64_t largest(int bits) {
    return bits ? wrap((UINT64_C(1) << (bits - 1)) - 1) : 0;
}

/* Widths around all limits, each for a block or, in odd rounds, for a few numbers of one. */
static int some_width(int round, uint64_t element) {
    const int g = growth();
    const int widths[] = {0,      1,      2,          7,      15 - g, 16 - g, 17 - g,
                          20 - g, 21 - g, 22 - g,     31 - g, 32 - g, 33 - g, 40 - g,
                          41 - g, 42 - g, 47 - 2 * g, 63,     64};
    const uint64_t which = random_bits(-1, round, element / BLOCK);
    const bool narrow = round % 2 && random_bits(-2, round, element) % BLOCK;
    return narrow ? 5 : widths[which % (sizeof widths / sizeof *widths)];
}

static int64_t any_width(int rank, int round, uint64_t element) {
    const int bits = some_width(round, element);
    if (bits == 0)
        return 0;
    switch (random_bits(-3, round, element) % 5) {
    case 0:
        return largest(bits);
    case 1:
        return smallest(bits);
    default:
        return wrap(random_bits(rank, round, element)) >> (64 - bits);
    }
}

/* Everywhere as large as 4, 3, 2 or 3/2 in a word may be, or one beyond; with either sign. */
static int64_t at_limits(int rank, int round, uint64_t element) {
    (void)rank;
    const int widths[] = {16, 21, 32, pair_width() + growth()};
    const uint64_t block = element / BLOCK;
    const int bits = widths[block / 4 % 4] - growth();
    const bool beyond = block & 1,
               odd_one_out = element % BLOCK == (block + (uint64_t)round) % BLOCK;
    if (block & 2)
        return odd_one_out && beyond ? smallest(bits) - 1 : smallest(bits);
    return odd_one_out && beyond ? largest(bits) + 1 : largest(bits);
}

/* One wide number in every other block, on one rank. */
static int64_t one_rank(int rank, int round, uint64_t element) {
    const uint64_t block = element / BLOCK;
    if (block % 2 || element % BLOCK != block % BLOCK || rank != comm.size - 1)
        return 0;
    return wrap(random_bits(0, round, block));
}

static bool within(int64_t value, int bits) {
    return value >= smallest(bits) && value <= largest(bits);
}

static int words_needed(int64_t value) {
    if (value == 0)
        return 0;
    for (int fields = 4; fields > 1; fields--)
        if (within(value, 64 / fields - growth()))
            return BLOCK / fields;
    return within(value, pair_width()) ? 2 * BLOCK / 3 : BLOCK;
}

static size_t wrong_sums(const int64_t *values, size_t n, source from, int round) {
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = 0;
        for (int r = 0; r < comm.size; r++)
            sum += (uint64_t)from(r, round, i);
        wrong += (uint64_t)values[i] != sum;
    }
    return wrong;
}

static size_t wrong_words(const lks_packed_sum *s, source from, int round) {
    size_t wrong = 0;
    for (size_t b = 0; b < s->blocks; b++) {
        int most = 0;
        for (size_t i = b * BLOCK; i < (b + 1) * BLOCK; i++)
            for (int r = 0; r < comm.size; r++) {
                int words = words_needed(from(r, round, i));
                most = words > most ? words : most;
            }
        wrong += s->words[b] != most;
    }
    return wrong;
}

static int64_t head_of(int rank, int round, uint64_t element) {
    return wrap(random_bits(rank, round, element));
}

/* Sums n numbers twice, since what is left of one step must not show in the next. */
static void sum_and_compare(source from, size_t n, int round, int threads) {
    lks_error err;
    lks_packed_sum s;
    int64_t *values = lks_alloc(HEAD + n + 1, sizeof *values, "test", &err);
    if (!values ||
        lks_packed_sum_create(&s, &comm, HEAD, n, comm.size, LKS_PACK_ALWAYS, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
    if (assumed_growth)
        s.growth = assumed_growth;
    for (int again = 0; again < 2; again++) {
        const source sources[] = {any_width, from};
        const source now = sources[again];
        for (size_t i = 0; i < HEAD; i++)
            values[i] = head_of(comm.rank, round, i);
        for (size_t i = 0; i < n; i++)
            values[HEAD + i] = now(comm.rank, round, i);
        values[HEAD + n] = 99;
        lks_packed_sum_i64(&s, &comm, values, threads);
        CU_ASSERT_EQUAL(wrong_sums(values, HEAD, head_of, round), 0);
        CU_ASSERT_EQUAL(wrong_sums(values + HEAD, n, now, round), 0);
        CU_ASSERT_EQUAL(wrong_words(&s, now, round), 0);
        CU_ASSERT_EQUAL(values[HEAD + n], 99);
    }
    lks_packed_sum_free(&s);
    lks_free(values);
}

static void test_any_width(void) {
    static const size_t sizes[] = {8192, 8208, 8255, 20011};
    for (int round = 0; round < 12; round++)
        sum_and_compare(any_width, sizes[round % 4], round, 1 + round % 3);
}

static void test_limits(void) {
    for (int round = 0; round < 3; round++)
        sum_and_compare(at_limits, 8192 + 17, round, 2);
}

static void test_many_ranks(void) {
    for (assumed_growth = 3; assumed_growth <= 12; assumed_growth += 3) {
        sum_and_compare(any_width, 8192, 5, 2);
        sum_and_compare(at_limits, 8192, 5, 1);
    }
    assumed_growth = 0;
}

static void test_one_rank(void) {
    sum_and_compare(one_rank, 9001, 0, 1);
}

static void test_not_worth_it(void) {
    lks_error err;
    lks_packed_sum s;
    static const size_t sizes[] = {0, 1, 8191, 8192};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(
            lks_packed_sum_create(&s, &comm, HEAD, sizes[i], comm.size, LKS_PACK_AUTO, &err),
            LKS_OK);
        const bool packs = comm.hosts > 1 && sizes[i] == 8192;
        CU_ASSERT_EQUAL(s.blocks, packs ? 8192 / BLOCK : 0);
        CU_ASSERT_EQUAL(lks_packed_sum_bytes(&s), packs ? 8192 / BLOCK + (HEAD + 8192) * 8 : 0);
        lks_packed_sum_free(&s);
    }
    sum_and_compare(any_width, 0, 0, 1);
    sum_and_compare(any_width, 8191, 1, 2);
    comm.hosts = 1;
    CU_ASSERT_EQUAL(lks_packed_sum_create(&s, &comm, HEAD, 1 << 20, comm.size, LKS_PACK_AUTO, &err),
                    LKS_OK);
    CU_ASSERT_EQUAL(lks_packed_sum_bytes(&s), 0);
    lks_packed_sum_free(&s);
    sum_and_compare(any_width, 9000, 2, 2);
    comm.hosts = comm.size;
    CU_ASSERT_EQUAL(
        lks_packed_sum_create(&s, &comm, HEAD, 1 << 20, comm.size, LKS_PACK_NEVER, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_packed_sum_bytes(&s), 0);
    lks_packed_sum_free(&s);
}

/* Right while it tries, in the sum after which it decides, and after it; all ranks decide alike. */
static void test_choice(void) {
    enum { N = 9000, SUMS = 2 * LKS_PACK_TRIALS + 3 };
    lks_error err;
    lks_packed_sum s;
    int64_t *values = lks_alloc(HEAD + N, sizeof *values, "test", &err);
    if (!values ||
        lks_packed_sum_create(&s, &comm, HEAD, N, comm.size, LKS_PACK_AUTO, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
    for (int round = 0; round < SUMS; round++) {
        for (size_t i = 0; i < HEAD + N; i++)
            values[i] = any_width(comm.rank, round, i);
        lks_packed_sum_i64(&s, &comm, values, 2);
        CU_ASSERT_EQUAL(wrong_sums(values, HEAD + N, any_width, round), 0);
        CU_ASSERT_EQUAL(s.trials == 0, comm.size == 1 || round + 1 >= 2 * LKS_PACK_TRIALS);
    }
    int64_t decided[2] = {s.blocks > 0, -(int64_t)(s.blocks > 0)};
    lks_comm_max_i64(&comm, decided, 2);
    CU_ASSERT_EQUAL(decided[0], -decided[1]);
    CU_ASSERT(comm.size == 1 || (s.trial[0][0] > 0 && s.trial[1][0] > 0));
    CU_ASSERT_EQUAL(s.blocks > 0, comm.size > 1 && s.trial[1][0] <= s.trial[0][0]);
    lks_packed_sum_free(&s);
    lks_free(values);
}

/* Only so many ranks add something, however many there are. */
static void test_few_adders(void) {
    lks_error err;
    lks_packed_sum s;
    for (int adders = 1; adders <= 8; adders++) {
        const int most = adders < comm.size ? adders : comm.size;
        CU_ASSERT_EQUAL(lks_packed_sum_create(&s, &comm, HEAD, 8192, adders, LKS_PACK_ALWAYS, &err),
                        LKS_OK);
        CU_ASSERT(1 << s.growth >= most && (1 << s.growth) / 2 < most);
        lks_packed_sum_free(&s);
    }
}

int main(void) {
    lks_error err;
    if (lks_comm_start(&comm, &err) != LKS_OK) {
        if (comm.rank == 0)
            lks_error_print(err.text);
        return 1;
    }
    comm.hosts = comm.size; /* else nothing is packed */
    static const lks_test tests[] = {
        {"numbers of all widths", test_any_width},
        {"numbers at the limits of a field", test_limits},
        {"room for thousands of ranks", test_many_ranks},
        {"one rank's wide numbers", test_one_rank},
        {"a way that is chosen", test_choice},
        {"few ranks that add", test_few_adders},
        {"what is not worth it is not packed", test_not_worth_it},
        {NULL, NULL},
    };
    int status = lks_test_main("packed sum", tests);
    lks_comm_stop(&comm);
    return status;
}
