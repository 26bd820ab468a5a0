/* Every collective against values that each rank computes alone, agreement on errors, and what the
 * launcher's environment says. With an argument the program fails on purpose instead: see
 * tests/mpi/CMakeLists.txt. */
#include "support/test.h"
#include "support/give_up.h"

#include "lockstep/comm.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "lockstep/philox.h"
#include "comm/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lks_comm comm;

/* Word @p element of the numbers that rank @p rank contributes; any rank can compute it. */
static uint32_t word(int rank, uint64_t element) {
    lks_stream s = lks_stream_make(99, LKS_PURPOSE_AUGMENT, 0, 0, (uint32_t)rank);
    return lks_stream_u32(&s, element);
}

static int64_t wide_value(int rank, uint64_t element) {
    uint64_t high = word(rank, 2 * element), low = word(rank, 2 * element + 1);
    int64_t value;
    uint64_t bits = high << 32 | low;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void *room(size_t count, size_t size) {
    lks_error err;
    void *p = lks_alloc(count, size, "test", &err);
    if (!p)
        lks_give_up(&comm, 1, err.text);
    return p;
}

static void test_world(void) {
    CU_ASSERT(comm.size >= 1 && comm.rank >= 0 && comm.rank < comm.size);
    CU_ASSERT(comm.local_size >= 1 && comm.local_rank < comm.local_size);
    CU_ASSERT(comm.hosts >= 1 && comm.hosts <= comm.size);
    CU_ASSERT(comm.host[0] != '\0');
    /* One host in this test: its ranks are all of them, in order. */
    if (comm.hosts == 1) {
        CU_ASSERT_EQUAL(comm.local_size, comm.size);
        CU_ASSERT_EQUAL(comm.local_rank, comm.rank);
    }
    int launcher_rank = lks_comm_env_rank();
    CU_ASSERT(launcher_rank == comm.rank || (launcher_rank == -1 && comm.size == 1));
    char library[256];
    lks_comm_library(library, sizeof library);
    CU_ASSERT(library[0] != '\0' && !strpbrk(library, "\n\t"));
    char cut[5];
    lks_comm_library(cut, sizeof cut);
    CU_ASSERT(strlen(cut) == 4 && strncmp(cut, library, 4) == 0);
}

/* Sums over the whole 64 bits wrap modulo 2^64, by definition and not by luck. */
static void test_sum_i64(void) {
    enum { N = 10007 };
    static int64_t values[N];
    for (int i = 0; i < N; i++)
        values[i] = wide_value(comm.rank, (uint64_t)i);
    lks_comm_sum_i64(&comm, values, N);
    int wrong = 0;
    for (int i = 0; i < N; i++) {
        uint64_t expected = 0;
        for (int r = 0; r < comm.size; r++)
            expected += (uint64_t)wide_value(r, (uint64_t)i);
        wrong += (uint64_t)values[i] != expected;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_comm_sum_i64(&comm, NULL, 0);
}

/* More elements than travel in one piece. */
static void test_sum_in_pieces(void) {
    const size_t n = ((size_t)1 << 22) + 12345;
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t ranks = (uint64_t)comm.size;
    int64_t *values = room(n + 1, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = (int64_t)((i * odd >> 8) * (uint64_t)(comm.rank + 1));
    values[n] = 77;
    lks_comm_sum_i64(&comm, values, n);
    size_t wrong = values[n] != 77;
    for (size_t i = 0; i < n; i++)
        wrong += (uint64_t)values[i] != (i * odd >> 8) * (ranks * (ranks + 1) / 2);
    CU_ASSERT_EQUAL(wrong, 0);
    lks_free(values);
}

/* Sums over the ranks before, which wrap as the sums over all do. */
static void sums_before(void) {
    int64_t values[2] = {comm.rank + 1, INT64_MAX};
    lks_comm_before_i64(&comm, values, 2);
    CU_ASSERT_EQUAL(values[0], comm.rank * (comm.rank + 1) / 2);
    CU_ASSERT_EQUAL((uint64_t)values[1], (uint64_t)comm.rank * (uint64_t)INT64_MAX);
    CU_ASSERT_EQUAL(lks_comm_check(&comm, NULL), LKS_OK);
}

static void test_extremes(void) {
    enum { N = 501 };
    int64_t largest[N], smallest[N];
    double highest[N], lowest[N];
    uint8_t bytes[N];
    for (int i = 0; i < N; i++) {
        bytes[i] = (uint8_t)word(comm.rank, (uint64_t)i);
        largest[i] = smallest[i] = wide_value(comm.rank, (uint64_t)i);
        highest[i] = lowest[i] = (double)largest[i] * 1e-3;
    }
    lks_comm_max_i64(&comm, largest, N);
    lks_comm_min_i64(&comm, smallest, N);
    lks_comm_max_f64(&comm, highest, N);
    lks_comm_min_f64(&comm, lowest, N);
    lks_comm_max_u8(&comm, bytes, N);
    int wrong = 0;
    for (int i = 0; i < N; i++) {
        int64_t max = INT64_MIN, min = INT64_MAX;
        uint8_t byte = 0;
        for (int r = 0; r < comm.size; r++) {
            uint8_t other = (uint8_t)word(r, (uint64_t)i);
            byte = other > byte ? other : byte;
            int64_t value = wide_value(r, (uint64_t)i);
            max = value > max ? value : max;
            min = value < min ? value : min;
        }
        wrong += largest[i] != max || smallest[i] != min || bytes[i] != byte;
        wrong += highest[i] != (double)max * 1e-3 || lowest[i] != (double)min * 1e-3;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Small whole numbers, whose sums are exact in any order. */
static void test_float_sums(void) {
    enum { N = 3001 };
    static float singles[N];
    static double doubles[N];
    for (int i = 0; i < N; i++) {
        singles[i] = (float)(word(comm.rank, (uint64_t)i) & 0xffff);
        doubles[i] = (double)word(comm.rank, (uint64_t)i);
    }
    lks_comm_sum_f32(&comm, singles, N);
    lks_comm_sum_f64(&comm, doubles, N);
    int wrong = 0;
    for (int i = 0; i < N; i++) {
        double single = 0.0, full = 0.0;
        for (int r = 0; r < comm.size; r++) {
            single += word(r, (uint64_t)i) & 0xffff;
            full += word(r, (uint64_t)i);
        }
        wrong += singles[i] != (float)single || doubles[i] != full;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_broadcast(void) {
    enum { WORDS = 1700001 }; /* 6.5 MiB: more than one piece, and not a round number */
    uint32_t *data = room(WORDS + 1, sizeof *data);
    for (int root = 0; root < comm.size; root++) {
        for (uint64_t i = 0; i < WORDS; i++)
            data[i] = comm.rank == root ? (uint32_t)(i * 2654435761u) + (uint32_t)root : 0;
        data[WORDS] = 12345;
        lks_comm_broadcast(&comm, data, WORDS * sizeof *data, root);
        int wrong = data[WORDS] != 12345;
        for (uint64_t i = 0; i < WORDS; i++)
            wrong += data[i] != (uint32_t)(i * 2654435761u) + (uint32_t)root;
        CU_ASSERT_EQUAL(wrong, 0);
    }
    lks_comm_broadcast(&comm, NULL, 0, 0);
    lks_free(data);
}

/* Items that rank @p from sends to rank @p to: unequal, and none for every third pair. */
static int pair_count(int from, int to, int round) {
    int pair = from * comm.size + to + round;
    return pair % 3 == 0 ? 0 : 1 + pair * pair % 17;
}

static unsigned char pair_byte(int from, int to, int item, size_t b, int round) {
    return (unsigned char)(from * 101 + to * 53 + item * 7 + (int)b * 3 + round);
}

/* Other messages may go between the parts. */
static void send_in_parts(lks_transfer *t, int parts) {
    for (int part = 0; part <= parts; part++) {
        int64_t one = 1;
        lks_transfer_send(t, part, parts);
        lks_comm_sum_i64(&comm, &one, 1);
        CU_ASSERT_EQUAL(one, comm.size);
    }
    CU_ASSERT_FALSE(lks_transfer_sends(t));
}

static void transfer(const void *send, const int *send_counts, void *receive,
                     const int *receive_counts, size_t item_bytes, int parts) {
    lks_transfer *t;
    lks_error err;
    int *told = room((size_t)comm.size, sizeof(int));
    if (lks_transfer_create(&t, &comm, item_bytes, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
    if (lks_transfer_count(t, send_counts, told, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
    CU_ASSERT_EQUAL(memcmp(told, receive_counts, (size_t)comm.size * sizeof *told), 0);
    for (int again = 0; again < 2; again++) {
        int pairs = 0;
        for (int r = 0; r < comm.size; r++)
            pairs += r != comm.rank && send_counts[r] > 0;
        lks_transfer_begin(t, send, send_counts, receive, told);
        CU_ASSERT_EQUAL(lks_transfer_sends(t), pairs > 0);
        if (parts > 0)
            send_in_parts(t, parts);
        lks_transfer_end(t);
    }
    lks_transfer_free(t);
    lks_free(told);
}

static void transfer_once(size_t item_bytes, int round) {
    int *send_counts = room((size_t)comm.size, sizeof(int));
    int *receive_counts = room((size_t)comm.size, sizeof(int));
    size_t send_total = 0, receive_total = 0;
    for (int r = 0; r < comm.size; r++) {
        send_total += (size_t)(send_counts[r] = pair_count(comm.rank, r, round));
        receive_total += (size_t)(receive_counts[r] = pair_count(r, comm.rank, round));
    }
    unsigned char *send = room(send_total, item_bytes);
    unsigned char *receive = room(receive_total + 1, item_bytes);
    size_t at = 0;
    for (int to = 0; to < comm.size; to++)
        for (int item = 0; item < send_counts[to]; item++)
            for (size_t b = 0; b < item_bytes; b++)
                send[at++] = pair_byte(comm.rank, to, item, b, round);

    transfer(send, send_counts, receive, receive_counts, item_bytes, round);

    int wrong = 0;
    at = 0;
    for (int from = 0; from < comm.size; from++)
        for (int item = 0; item < receive_counts[from]; item++)
            for (size_t b = 0; b < item_bytes; b++)
                wrong += receive[at++] != pair_byte(from, comm.rank, item, b, round);
    for (size_t b = 0; b < item_bytes; b++)
        wrong += receive[at + b] != 0; /* nothing beyond the end */
    CU_ASSERT_EQUAL(wrong, 0);
    lks_free(send);
    lks_free(receive);
    lks_free(send_counts);
    lks_free(receive_counts);
}

static void test_transfer(void) {
    static const size_t item_sizes[] = {1, 8, 785, 3073, 20000, 70000};
    for (size_t i = 0; i < sizeof item_sizes / sizeof item_sizes[0]; i++)
        for (int round = 0; round < 4; round++)
            transfer_once(item_sizes[i], round);
}

/* To each rank `n` bytes, which say whose they are; sent now or when it ends. */
static lks_transfer *begin_marked(int n, unsigned char mark, unsigned char *send,
                                  unsigned char *receive, bool now) {
    lks_transfer *t;
    lks_error err;
    static int counts[64], told[64];
    for (int r = 0; r < comm.size; r++)
        counts[r] = n;
    memset(send, mark, (size_t)(n * comm.size));
    if (lks_transfer_create(&t, &comm, 1, &err) != LKS_OK ||
        lks_transfer_count(t, counts, told, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
    lks_transfer_begin(t, send, counts, receive, told);
    if (now)
        lks_transfer_send(t, 1, 1);
    return t;
}

/* What the second one sends comes first, and is not taken for the first one's. */
static void test_transfers_at_once(void) {
    enum { N = 100 };
    const size_t n = (size_t)(N * comm.size);
    unsigned char *send[2] = {room(n, 1), room(n, 1)}, *receive[2] = {room(n, 1), room(n, 1)};
    lks_transfer *first = begin_marked(N, 1, send[0], receive[0], false);
    lks_transfer *second = begin_marked(N, 2, send[1], receive[1], true);
    lks_transfer_end(second);
    lks_transfer_end(first);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += receive[0][i] != 1 || receive[1][i] != 2;
    CU_ASSERT_EQUAL(wrong, 0);
    lks_transfer_free(first);
    lks_transfer_free(second);
    for (int i = 0; i < 2; i++) {
        lks_free(send[i]);
        lks_free(receive[i]);
    }
}

/* More pieces to the next rank than may be on their way at once: all ranks wait in the middle of sending. */
static void test_transfer_of_many(void) {
    enum { N = LKS_TRANSFER_UNDERWAY + 40, ITEM = LKS_TRANSFER_PIECE };
    const int next = (comm.rank + 1) % comm.size, from = (comm.rank + comm.size - 1) % comm.size;
    unsigned char *send = room(N, ITEM), *receive = room(N, ITEM);
    int *counts = room((size_t)comm.size, sizeof *counts),
        *told = room((size_t)comm.size, sizeof *told);
    lks_transfer *t;
    lks_error err;
    counts[next] = N;
    for (int i = 0; i < N; i++)
        memset(send + (size_t)i * ITEM, comm.rank + i, ITEM);
    if (lks_transfer_create(&t, &comm, ITEM, &err) != LKS_OK ||
        lks_transfer_count(t, counts, told, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
    CU_ASSERT_EQUAL(told[from], N);
    lks_transfer_begin(t, send, counts, receive, told);
    lks_transfer_send(t, 1, 1);
    CU_ASSERT_FALSE(lks_transfer_sends(t));
    lks_transfer_end(t);
    size_t wrong = 0;
    for (size_t i = 0; i < (size_t)N * ITEM; i++)
        wrong += receive[i] != (unsigned char)((size_t)from + i / ITEM);
    CU_ASSERT_EQUAL(wrong, 0);
    lks_transfer_free(t);
    lks_free(send);
    lks_free(receive);
    lks_free(counts);
    lks_free(told);
}

static void test_transfer_of_nothing(void) {
    int *none = room((size_t)comm.size, sizeof(int));
    transfer(NULL, none, NULL, none, 784, 2);
    lks_free(none);
}

typedef struct record {
    int64_t id;
    int32_t label, rank;
} record;

/* Rank r gives (r * 3 + shift) % 5 records: zero for some rank in one of the rounds. */
static void gather_once(int shift, bool with_counts) {
    record mine[5] = {{0, 0, 0}};
    int count = (comm.rank * 3 + shift) % 5;
    for (int i = 0; i < count; i++)
        mine[i] = (record){.id = 1000 * comm.rank + i, .label = i, .rank = comm.rank};
    record *all = comm.rank == 0 ? room(5 * (size_t)comm.size + 1, sizeof *all) : NULL;
    int *counts = comm.rank == 0 ? room((size_t)comm.size, sizeof *counts) : NULL;

    lks_comm_gather(&comm, count > 0 ? mine : NULL, count, sizeof *mine, all,
                    with_counts ? counts : NULL);

    if (comm.rank == 0) {
        size_t at = 0;
        int wrong = 0;
        for (int r = 0; r < comm.size; r++) {
            int expected = (r * 3 + shift) % 5;
            wrong += counts[r] != (with_counts ? expected : 0);
            for (int i = 0; i < expected; i++, at++)
                wrong += all[at].id != 1000 * r + i || all[at].label != i || all[at].rank != r;
        }
        wrong += all[at].id != 0;
        CU_ASSERT_EQUAL(wrong, 0);
    }
    lks_free(all);
    lks_free(counts);
}

static void test_gather(void) {
    for (int shift = 0; shift < 5; shift++) {
        gather_once(shift, true);
        gather_once(shift, false);
    }
}

/* Counts of each rank, some 0, and their sum. */
static int uneven(int shift, int *counts) {
    int n = 0;
    for (int r = 0; r < comm.size; n += counts[r++])
        counts[r] = (r * 3 + shift) % 5;
    return n;
}

static void scatter_once(int shift) {
    int *counts = room((size_t)comm.size, sizeof *counts), before = 0, wrong = 0;
    const int n = uneven(shift, counts);
    int64_t *values = room((size_t)n + 1, sizeof *values), own[6] = {0};
    float *floats = room((size_t)n + 1, sizeof *floats), own_floats[6] = {0};
    for (int i = 0; i < n; i++) {
        values[i] = wide_value(comm.rank, (uint64_t)i);
        floats[i] = (float)(i * (comm.rank + 1));
    }
    lks_comm_scatter_sum_i64(&comm, values, own, counts);
    lks_comm_scatter_sum_f32(&comm, floats, own_floats, counts);
    for (int r = 0; r < comm.rank; r++)
        before += counts[r];
    const int ranks = comm.size * (comm.size + 1) / 2;
    for (int i = 0; i < 6; i++) {
        uint64_t expected = 0;
        for (int r = 0; r < comm.size && i < counts[comm.rank]; r++)
            expected += (uint64_t)wide_value(r, (uint64_t)(before + i));
        wrong += (uint64_t)own[i] != expected;
        wrong += own_floats[i] != (i < counts[comm.rank] ? (float)((before + i) * ranks) : 0);
    }
    for (int i = 0; i < n; i++) /* what was summed is as it was */
        wrong += values[i] != wide_value(comm.rank, (uint64_t)i);
    CU_ASSERT_EQUAL(wrong, 0);
    lks_free(counts);
    lks_free(values);
    lks_free(floats);
}

static void test_scatter_sums(void) {
    for (int shift = 0; shift < 5; shift++)
        scatter_once(shift);
}

static void allgather_once(int shift, size_t bytes) {
    int *counts = room((size_t)comm.size, sizeof *counts), wrong = 0;
    const int n = uneven(shift, counts);
    unsigned char *parts = room((size_t)n * bytes + 1, 1), *at = parts;
    for (int r = 0; r < comm.size; r++)
        for (size_t i = 0; i < (size_t)counts[r] * bytes; i++)
            *at++ = r == comm.rank ? (unsigned char)(50 * r + (int)i) : 0;
    lks_comm_allgather(&comm, parts, counts, bytes);
    at = parts;
    for (int r = 0; r < comm.size; r++)
        for (size_t i = 0; i < (size_t)counts[r] * bytes; i++)
            wrong += *at++ != (unsigned char)(50 * r + (int)i);
    CU_ASSERT_EQUAL(wrong + *at, 0);
    lks_free(counts);
    lks_free(parts);
}

static void test_allgather(void) {
    for (int shift = 0; shift < 5; shift++) {
        allgather_once(shift, 1);
        allgather_once(shift, 16);
    }
}

/* Every rank in turn, more bytes than travel in one piece from the last; who is not meant is left
 * alone. */
static void test_to_root(void) {
    for (int from = 0; from < comm.size; from++) {
        size_t n = from < comm.size - 1 ? (size_t)from * 1000 : ((size_t)1 << 22) + 77;
        unsigned char *data = room(n + 1, 1);
        for (size_t i = 0; i < n; i++)
            data[i] = (unsigned char)(i * 7 + (size_t)comm.rank * 31);
        data[n] = 111;
        lks_comm_to_root(&comm, from, data, n);
        int whose = comm.rank == 0 ? from : comm.rank, wrong = data[n] != 111;
        for (size_t i = 0; i < n; i++)
            wrong += data[i] != (unsigned char)(i * 7 + (size_t)whose * 31);
        CU_ASSERT_EQUAL(wrong, 0);
        lks_free(data);
    }
}

static size_t shifted_bytes(int rank) {
    return rank == 0 ? 0 : rank == 1 ? ((size_t)1 << 22) + 77 : (size_t)rank * 1000;
}

/* To each distance, also 0: none, few, and more bytes than travel in one piece. */
static void test_shift(void) {
    for (int distance = 0; distance < comm.size; distance++) {
        const int to = (comm.rank + distance) % comm.size;
        const int from = (comm.rank - distance + comm.size) % comm.size;
        const size_t n = shifted_bytes(comm.rank), n_from = shifted_bytes(from);
        unsigned char *sent = room(n + 1, 1), *got = room(n_from + 1, 1);
        for (size_t i = 0; i < n; i++)
            sent[i] = (unsigned char)(i * 7 + (size_t)comm.rank * 31);
        got[n_from] = 111;
        lks_comm_shift(&comm, sent, n, to, got, n_from, from);
        int wrong = got[n_from] != 111;
        for (size_t i = 0; i < n_from; i++)
            wrong += got[i] != (unsigned char)(i * 7 + (size_t)from * 31);
        CU_ASSERT_EQUAL(wrong, 0);
        lks_free(sent);
        lks_free(got);
    }
}

/* What every rank must end with when the ranks of @p mask fail, each with a status and text of its
 * own. */
static void agree_once(unsigned mask) {
    bool failing = mask >> comm.rank & 1u;
    lks_error err = {LKS_OK, ""};
    lks_status status = LKS_OK;
    if (failing)
        status = lks_fail(&err, (lks_status)(LKS_ERR_DATA + comm.rank),
                          "shard %d: truncated\n  second line", comm.rank);
    lks_status agreed = lks_comm_agree(&comm, status, &err);

    int lowest = 0;
    while (lowest < comm.size && !(mask >> lowest & 1u))
        lowest++;
    if (lowest == comm.size) {
        CU_ASSERT_EQUAL(agreed, LKS_OK);
        return;
    }
    CU_ASSERT_EQUAL(agreed, (lks_status)(LKS_ERR_DATA + lowest));
    CU_ASSERT_EQUAL(err.status, agreed);
    char host[256], expected[512];
    memcpy(host, comm.host, sizeof host);
    lks_comm_broadcast(&comm, host, sizeof host, lowest);
    if (comm.size > 1)
        snprintf(expected, sizeof expected, "shard %d: truncated (rank %d on %s)\n  second line",
                 lowest, lowest, host);
    else
        snprintf(expected, sizeof expected, "shard 0: truncated\n  second line");
    CU_ASSERT_STRING_EQUAL(err.text, expected);
}

static void test_agree(void) {
    for (unsigned mask = 0; mask < 1u << comm.size; mask++)
        agree_once(mask);
}

/* A message that fills its buffer still names the rank; and an error that nobody keeps is still
 * agreed on. */
static void test_agree_limits(void) {
    lks_error err = {LKS_OK, ""};
    lks_status status = LKS_OK;
    if (comm.rank == comm.size - 1) {
        memset(err.text, 'x', sizeof err.text - 1);
        err.text[sizeof err.text - 1] = '\0';
        status = err.status = LKS_ERR_IO;
    }
    CU_ASSERT_EQUAL(lks_comm_agree(&comm, status, &err), LKS_ERR_IO);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
    char who[64];
    snprintf(who, sizeof who, " (rank %d on ", comm.size - 1);
    CU_ASSERT((strstr(err.text, who) != NULL) == (comm.size > 1));
    CU_ASSERT_EQUAL(lks_comm_agree(&comm, comm.rank == 0 ? LKS_ERR_FORMAT : LKS_OK, NULL),
                    LKS_ERR_FORMAT);
}

static void test_seconds(void) {
    comm.seconds = 0.0;
    lks_comm_barrier(&comm);
    CU_ASSERT(comm.seconds > 0.0);
    double barrier = comm.seconds;
    int64_t one = 1;
    lks_comm_sum_i64(&comm, &one, 1);
    CU_ASSERT_EQUAL(one, comm.size);
    CU_ASSERT(comm.seconds > barrier);
}

static void set_only(const char *name, const char *value) {
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                        "SLURM_STEP_ID", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    if (name)
        setenv(name, value, 1);
}

static void test_env_rank(void) {
    set_only(NULL, NULL);
    CU_ASSERT_EQUAL(lks_comm_env_rank(), -1);
    set_only("OMPI_COMM_WORLD_RANK", "7");
    CU_ASSERT_EQUAL(lks_comm_env_rank(), 7);
    setenv("SLURM_STEP_ID", "0", 1);
    setenv("SLURM_PROCID", "3", 1);
    CU_ASSERT_EQUAL(lks_comm_env_rank(), 7);
    set_only("PMIX_RANK", "12");
    CU_ASSERT_EQUAL(lks_comm_env_rank(), 12);
    set_only("PMI_RANK", "0");
    CU_ASSERT_EQUAL(lks_comm_env_rank(), 0);
    set_only("SLURM_PROCID", "2");
    CU_ASSERT_EQUAL(lks_comm_env_rank(), -1); /* a batch script */
    setenv("SLURM_STEP_ID", "0", 1);
    CU_ASSERT_EQUAL(lks_comm_env_rank(), 2);
    static const char *const bad[] = {"", "-1", "3x", " 4", "99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        set_only("PMI_RANK", bad[i]);
        CU_ASSERT_EQUAL(lks_comm_env_rank(), -1);
    }
}

/* One way to fail each, for tests that expect it. Returns the exit status. */
static int fail_on_purpose(const char *how) {
    if (strcmp(how, "assertion") == 0) /* as a test would on the last rank only */
        return comm.rank == comm.size - 1;
    if (strcmp(how, "abort") == 0) {
        if (comm.rank == comm.size - 1)
            lks_give_up(&comm, 3, "the disk is on fire");
        lks_comm_barrier(&comm);
    }
    if (strcmp(how, "mpi-error") == 0) {
        /* The last rank awaits less than is sent: MPI_ERR_TRUNCATE. */
        char bytes[2] = {0};
        lks_comm_broadcast(&comm, bytes, comm.rank == comm.size - 1 ? 1 : 2, 0);
        lks_comm_barrier(&comm);
    }
    return 0;
}

int main(int argc, char **argv) {
    lks_error err;
    if (lks_comm_start(&comm, &err) != LKS_OK) {
        if (comm.rank == 0)
            lks_error_print(err.text);
        return 1;
    }
    if (argc > 1) {
        int status = fail_on_purpose(argv[1]);
        if (lks_comm_check(&comm, &err) != LKS_OK)
            lks_give_up(&comm, 1, err.text); /* the others wait */
        lks_comm_stop(&comm);
        return status;
    }
    static const lks_test tests[] = {
        {"world, host and launcher", test_world},
        {"int64 sums wrap modulo 2^64", test_sum_i64},
        {"sums in pieces", test_sum_in_pieces},
        {"sums before", sums_before},
        {"minima and maxima", test_extremes},
        {"float and double sums", test_float_sums},
        {"broadcast from every root", test_broadcast},
        {"transfer with unequal and zero counts", test_transfer},
        {"transfers at once", test_transfers_at_once},
        {"more pieces than may be under way", test_transfer_of_many},
        {"transfer of nothing", test_transfer_of_nothing},
        {"gather with zero counts", test_gather},
        {"sums of unequal shares", test_scatter_sums},
        {"unequal parts to all", test_allgather},
        {"one rank after the other to rank 0", test_to_root},
        {"from each rank to another", test_shift},
        {"agreement, every set of failing ranks", test_agree},
        {"agreement, long and absent messages", test_agree_limits},
        {"seconds are counted", test_seconds},
        {"rank from the launcher's environment", test_env_rank},
        {NULL, NULL},
    };
    int status = lks_test_main("comm", tests);
    lks_comm_stop(&comm);
    return status;
}
