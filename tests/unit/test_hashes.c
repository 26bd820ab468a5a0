/* Hashes that must see what faulty memory does: every single bit, every two, words that change places; the same on
 * every instruction set and cut anywhere. Every optimizer's step notices a bit that flipped in any of its arrays. The
 * comparison over the ranks cannot cancel. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "optim/optim.h"
#include "support/random_data.h"
#include "train/guard/guard.h"

#define WORDS 150

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

static void fill(uint32_t *words, size_t n, uint64_t seed) {
    lks_random_seed(seed);
    for (size_t i = 0; i < n; i++)
        words[i] = (uint32_t)lks_random_bits();
}

static uint64_t hash(const uint32_t *words, size_t n) {
    return lks_hash_bytes(words, n * sizeof *words);
}

/* Bits of zeros, of ones, and of random words: in two places each, over all pairs. */
static void test_bits(void) {
    enum { N = 24, BITS = 32 * N };
    static const uint32_t patterns[] = {0, UINT32_MAX};
    uint32_t words[N];
    int64_t unseen = 0;
    for (int p = 0; p < 3; p++) {
        fill(words, N, 5);
        for (int i = 0; i < N && p < 2; i++)
            words[i] = patterns[p];
        const uint64_t before = hash(words, N);
        for (int a = 0; a < BITS; a++) {
            words[a / 32] ^= UINT32_C(1) << a % 32;
            unseen += hash(words, N) == before;
            for (int b = a + 1; b < BITS; b++) {
                words[b / 32] ^= UINT32_C(1) << b % 32;
                unseen += hash(words, N) == before;
                words[b / 32] ^= UINT32_C(1) << b % 32;
            }
            words[a / 32] ^= UINT32_C(1) << a % 32;
        }
    }
    CU_ASSERT_EQUAL(unseen, 0);
}

static void test_places(void) {
    uint32_t words[WORDS];
    int64_t unseen = 0;
    fill(words, WORDS, 6);
    const uint64_t before = hash(words, WORDS);
    for (int a = 0; a < WORDS; a++)
        for (int b = a + 1; b < WORDS; b++) {
            const uint32_t kept = words[a];
            words[a] = words[b];
            words[b] = kept;
            unseen += hash(words, WORDS) == before;
            words[b] = words[a];
            words[a] = kept;
        }
    CU_ASSERT_EQUAL(unseen, 0);
}

/* The last word is filled up with zeros. */
static void test_bytes(void) {
    unsigned char bytes[] = {1, 2, 3, 4, 5, 6, 7, 0, 0};
    CU_ASSERT_EQUAL(lks_hash_bytes(bytes, 7), lks_hash_bytes(bytes, 8));
    CU_ASSERT_NOT_EQUAL(lks_hash_bytes(bytes, 6), lks_hash_bytes(bytes, 7));
    CU_ASSERT_EQUAL(lks_hash_bytes(bytes, 0), 0);
}

static void test_kernels(void) {
    uint32_t words[WORDS];
    fill(words, WORDS, 7);
    for (int t = 0; t < n_tables; t++)
        for (size_t n = 0; n <= WORDS; n++) {
            CU_ASSERT_EQUAL(tables[t]->hash(words, n, 0), hash(words, n));
            const size_t cut = n / 3;
            CU_ASSERT_EQUAL(tables[t]->hash(words, cut, 0) +
                                tables[t]->hash(words + cut, n - cut, (uint32_t)cut),
                            hash(words, n));
        }
}

/* --- optimizers ------------------------------------------------------------------------------- */

#define TENSORS 4
#define N       9345
static const lks_tensor tensors[TENSORS] = {
    {"a/weight", 1, {5003}, 0, 5003, LKS_ROLE_WEIGHT, true},
    {"frozen/weight", 1, {33}, 5003, 33, LKS_ROLE_WEIGHT, false},
    {"bn/running_mean", 1, {212}, 5036, 212, LKS_ROLE_MOMENT, false},
    {"b/weight", 2, {17, 241}, 5248, 4097, LKS_ROLE_WEIGHT, true},
};
static const size_t places[] = {0, 4095, 4096, 5002, 5003, 5035, 5036, 5247, 5248, 9343, 9344};

#define NAME(constant, word) constant,
static const lks_optimizer_name names[] = {LKS_OPTIMIZERS(NAME)};

/* All states that it can have. */
static lks_optimizer_config config_of(lks_optimizer_name name) {
    return (lks_optimizer_config){.name = name,
                                  .lr = 0.01,
                                  .adam_lr = 0.01,
                                  .momentum = 0.9,
                                  .beta1 = 0.9,
                                  .beta2 = 0.99,
                                  .alpha = 0.9,
                                  .centered = true,
                                  .rho = 0.9,
                                  .epsilon = 1e-6};
}

typedef struct state {
    lks_optimizer o;
    lks_hashes hashes;
    float weights[N];
    int64_t sums[N];
} state;

static void step(state *s, int number, int threads) {
    const lks_gradient g = {.exact = s->sums, .samples = 3};
    CU_ASSERT(lks_optimizer_step(&s->o, s->weights, &g, 1, 0.01, number, threads));
}

static void open_state(state *s, lks_optimizer_name name) {
    lks_error err;
    const lks_optimizer_config config = config_of(name);
    lks_random_seed(8);
    for (int i = 0; i < N; i++) {
        s->weights[i] = lks_random_uniform(-1, 1);
        s->sums[i] = (int64_t)(lks_random_uniform(-1, 1) * 0x1p30f);
    }
    if (lks_optimizer_create(&s->o, &config, tensors, TENSORS, tables[0], &err) != LKS_OK ||
        lks_hashes_create(&s->hashes, tensors, TENSORS, tables[0], &err) != LKS_OK ||
        lks_hashes_add(&s->hashes, "weights", s->weights, &err) != LKS_OK)
        CU_FAIL_FATAL("no memory");
    for (int k = 0; k < s->o.n_states; k++)
        if (lks_hashes_add(&s->hashes, s->o.names[k], s->o.state[k], &err) != LKS_OK)
            CU_FAIL_FATAL("no memory");
    s->o.hashes = &s->hashes;
    for (int i = 0; i < 3; i++)
        step(s, i, 1 + i);
    CU_ASSERT_EQUAL(s->hashes.changed_array, -1); /* nothing changes by itself */
}

static void close_state(state *s) {
    lks_hashes_free(&s->hashes);
    lks_optimizer_free(&s->o);
}

static void check_flip(state *s, int array, size_t place) {
    float *values = array ? s->o.state[array - 1] : s->weights;
    s->hashes.changed_array = -1;
    ((unsigned char *)(values + place))[0] ^= 1; /* the lowest bit of the mantissa */
    step(s, 3, 2);
    CU_ASSERT_EQUAL(s->hashes.changed_array, array);
    const lks_tensor *tensor = lks_hashes_changed_tensor(&s->hashes);
    CU_ASSERT(place >= tensor->offset && place < tensor->offset + tensor->count);
    lks_hashes_wrote_all(&s->hashes, 1);
}

static void test_optimizers(void) {
    static state s;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        open_state(&s, names[n]);
        CU_ASSERT_EQUAL(s.hashes.n_arrays, 1 + s.o.n_states);
        for (int a = 0; a < s.hashes.n_arrays; a++)
            for (size_t p = 0; p < sizeof places / sizeof *places; p++)
                check_flip(&s, a, places[p]);
        close_state(&s);
    }
}

/* A copy's hash is that of the array as it was written, block by block. */
static void test_written(void) {
    static state s;
    open_state(&s, LKS_ADAM);
    for (int a = 0; a < s.hashes.n_arrays; a++)
        CU_ASSERT_EQUAL(lks_hashes_written(&s.hashes, a),
                        lks_hash_bytes(s.hashes.arrays[a], N * sizeof(float)));
    const uint64_t before = lks_hashes_state(&s.hashes);
    float *m = s.o.state[0], *v = s.o.state[1];
    for (int i = 0; i < N; i++) { /* two arrays that change places: the same sum, another state */
        const float kept = m[i];
        m[i] = v[i];
        v[i] = kept;
    }
    lks_hashes_wrote_all(&s.hashes, 2);
    CU_ASSERT_NOT_EQUAL(lks_hashes_state(&s.hashes), before);
    close_state(&s);
}

/* --- the ranks -------------------------------------------------------------------------------- */

/* Whether the sums over @p ranks tell that rank @p stray has @p other, all others @p own. */
static bool told(uint64_t own, uint64_t other, int ranks, int stray) {
    int64_t sums[2] = {0, 0};
    for (int r = 0; r < ranks; r++) {
        int64_t mine[2];
        lks_state_weigh(r == stray ? other : own, r, ranks, mine);
        for (int i = 0; i < 2; i++)
            if (__builtin_add_overflow(sums[i], mine[i], &sums[i]))
                CU_FAIL("a sum overflows");
    }
    return sums[0] != 0 || sums[1] != 0;
}

static void check_ranks(int ranks) {
    const int strays[] = {0, 1, ranks / 2, ranks - 1};
    const uint64_t own = lks_hash64((uint64_t)ranks);
    int unseen = 0;
    CU_ASSERT(!told(own, own, ranks, 0));
    CU_ASSERT(!told(UINT64_MAX, UINT64_MAX, ranks, 0));
    for (int k = 0; k < 64; k++) {
        const uint64_t d = UINT64_C(1) << k;
        const int s = strays[k % 4];
        unseen += !told(own, own + d, ranks, s);
        unseen += !told(own, own - d, ranks, 0);
        unseen += !told(own, own ^ d, ranks, strays[(k + 1) % 4]);
        unseen += !told(own, lks_random_bits(), ranks, s);
    }
    CU_ASSERT_EQUAL(unseen, 0);
}

static void test_ranks(void) {
    static const int counts[] = {2,   3,   4,   5,   7,    8,    16,   17,   63,   64,
                                 127, 128, 255, 256, 1000, 1024, 1025, 4095, 4096, 4097};
    lks_random_seed(9);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_ranks(counts[i]);
}

int main(void) {
    n_tables = lks_kernels_usable(tables);
    static const lks_test tests[] = {
        {"each bit and each two bits", test_bits},
        {"words that change places", test_places},
        {"bytes that are no whole word", test_bytes},
        {"every instruction set, cut anywhere", test_kernels},
        {"every optimizer, every array", test_optimizers},
        {"the hash of a copy", test_written},
        {"2 to 4,097 ranks, differences of 2^k", test_ranks},
        {NULL, NULL},
    };
    return lks_test_main("hashes", tests);
}
