/* What doctor forecasts, against values worked by hand. */
#include "support/test.h"

#include <math.h>

#include "tool/doctor/forecast.h"

#define US 1e-6
#define MS 1e-3

static void near(double x, double wanted) {
    CU_ASSERT_DOUBLE_EQUAL(x, wanted, 1e-9 * fabs(wanted) + 1e-15);
}

static void test_link(void) {
    const lks_link l = {3, {{8, 2 * US}, {1000, 4 * US}, {3000, 12 * US}}};
    near(lks_link_seconds(&l, 1), 2 * US);
    near(lks_link_seconds(&l, 504), 3 * US);
    near(lks_link_seconds(&l, 2000), 8 * US);
    near(lks_link_seconds(&l, 5000), 20 * US); /* on along the last line */
    const lks_link none = {0};
    near(lks_link_seconds(&none, 100), 0);
    const lks_link made = lks_link_made(5 * US, 1e9);
    near(lks_link_seconds(&made, 0), 5 * US);
    near(lks_link_seconds(&made, 3000), 8 * US);
    near(lks_link_latency(&made), 5 * US);
    near(lks_link_seconds_a_byte(&made), 1e-9);
}

/* Large messages must not drown the latency: 1 % more on one of them, and it is still there. */
static void test_fit(void) {
    lks_link l = {4, {{8, 10 * US}, {1000, 11 * US}, {1e6, 1010 * US}, {4e6, 4050 * US}}};
    CU_ASSERT_DOUBLE_EQUAL(lks_link_latency(&l), 10 * US, 0.5 * US);
    CU_ASSERT_DOUBLE_EQUAL(lks_link_seconds_a_byte(&l), 1e-9, 0.02e-9);
}

/* Lines of Open MPI 4.1's table, on both sides of its borders, and where lks_comm_steers() does without it. */
static void test_choice(void) {
    static const struct {
        int ranks;
        double bytes;
        lks_allreduce wanted;
    } cases[] = {{2, 7, LKS_ALLREDUCE_RING},
                 {2, 8, LKS_ALLREDUCE_DOUBLING},
                 {3, 20000, LKS_ALLREDUCE_RING},
                 {3, 262143, LKS_ALLREDUCE_SEGMENTED_RING},
                 {3, 262144, LKS_ALLREDUCE_RABENSEIFNER},
                 {4, 8191, LKS_ALLREDUCE_DOUBLING},
                 {16, 4096, LKS_ALLREDUCE_RABENSEIFNER},
                 {63, 128, LKS_ALLREDUCE_RABENSEIFNER},
                 {64, 16383, LKS_ALLREDUCE_DOUBLING},
                 {64, 16384, LKS_ALLREDUCE_RABENSEIFNER},
                 {127, 262144, LKS_ALLREDUCE_RABENSEIFNER},
                 {255, 16383, LKS_ALLREDUCE_TREES},
                 {255, 16384, LKS_ALLREDUCE_RABENSEIFNER},
                 {256, 4096, LKS_ALLREDUCE_RABENSEIFNER},
                 {1024, 16383, LKS_ALLREDUCE_DOUBLING},
                 {4096, 2048, LKS_ALLREDUCE_SEGMENTED_RING},
                 {100000, 1e9, LKS_ALLREDUCE_RABENSEIFNER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT_EQUAL(lks_allreduce_choice(cases[i].ranks, cases[i].bytes, LKS_SUMS_BY_PROGRAM),
                        cases[i].wanted);
    CU_ASSERT_EQUAL(lks_allreduce_choice(64, 16384, LKS_SUMS_BY_OPEN_MPI), LKS_ALLREDUCE_DOUBLING);
    CU_ASSERT_EQUAL(lks_allreduce_choice(255, 16384, LKS_SUMS_BY_OPEN_MPI), LKS_ALLREDUCE_TREES);
    CU_ASSERT_EQUAL(lks_allreduce_choice(255, 2048, LKS_SUMS_BY_MPICH), LKS_ALLREDUCE_DOUBLING);
    CU_ASSERT_EQUAL(lks_allreduce_choice(255, 2056, LKS_SUMS_BY_MPICH), LKS_ALLREDUCE_RABENSEIFNER);
}

/* Two ranks a host; 10,000 bytes take 2 us within a host, 20 us between hosts, and 1 us to add up. */
static lks_network two_levels(void) {
    return (lks_network){2, lks_link_made(1 * US, 1e10), lks_link_made(10 * US, 1e9), 1e-10};
}

static void test_allreduce(void) {
    const lks_network n = two_levels();
    near(lks_allreduce_seconds(&n, LKS_ALLREDUCE_DOUBLING, 1, 1e4), 0);
    near(lks_allreduce_seconds(&n, LKS_ALLREDUCE_DOUBLING, 8, 1e4), (3 + 21 + 21) * US);
    /* halves, quarters, eighths, there and back */
    near(lks_allreduce_seconds(&n, LKS_ALLREDUCE_RABENSEIFNER, 8, 1e4),
         (2 * 1.5 + 0.5 + 2 * 12.5 + 0.25 + 2 * 11.25 + 0.125) * US);
    near(lks_allreduce_seconds(&n, LKS_ALLREDUCE_RING, 8, 1e4), 7 * (2 * 11.25 + 0.125) * US);
    near(lks_allreduce_seconds(&n, LKS_ALLREDUCE_TREES, 8, 1e4), (2 * 2 + 1 + 2 * 41) * US);
    near(lks_allreduce_seconds(&n, LKS_ALLREDUCE_LINEAR, 8, 1e4), 7 * 41 * US);
    /* a third rank gives what it has to a neighbour, and gets the sums */
    near(lks_allreduce_seconds(&n, LKS_ALLREDUCE_DOUBLING, 3, 1e4), (2 * 2 + 1 + 3) * US);
    near(lks_alltoall_seconds(&n, 4, 4e4), (2 + 20 + 20) * US);
    /* two pieces of 16 KiB and what is left of 40,000 bytes */
    near(lks_alltoall_seconds(&n, 2, 8e4), (2 * 2.6384 + 1.7232) * US);
}

static void test_latest(void) {
    static const double late[] = {0, 1};
    near(lks_expected_latest(late, 2, 1), 0.5);
    near(lks_expected_latest(late, 2, 2), 0.75);
    near(lks_expected_latest(late, 2, 3), 0.875);
    near(lks_expected_latest(late, 2, 4096), 1);
    near(lks_expected_latest(NULL, 0, 8), 0);
}

/* 8 chunks in a batch, 10 batches in an epoch, 60 epochs, 4 ranks on a host, messages that cost nothing. */
static lks_constants quiet(void) {
    return (lks_constants){.ranks = 1,
                           .images = 1280,
                           .batch = 128,
                           .chunk = 16,
                           .accumulate = 1,
                           .epochs = 60,
                           .n_work = 2,
                           .work = {{1, 2 * MS}, {4, 5 * MS}},
                           .steady = 1 * MS,
                           .network = {.host_ranks = 4},
                           .scale = 1};
}

static void test_compute(void) {
    const lks_constants c = quiet();
    const lks_forecast one = lks_forecast_for(&c, 1, 128, 128);
    near(one.compute, 9 * MS); /* on along the line */
    near(one.seconds, 10 * MS);
    near(one.efficiency, 1);
    const lks_forecast f = lks_forecast_for(&c, 8, 128, 128);
    CU_ASSERT_EQUAL(f.chunks, 1);
    CU_ASSERT_EQUAL(f.hosts, 2);
    near(f.seconds, 3 * MS);
    near(f.efficiency, 10.0 / (8 * 3));
    near(f.epochs_an_hour, 3600 / (10 * 3 * MS));
    near(f.node_hours, 2 * 60 / f.epochs_an_hour);
    near(lks_forecast_for(&c, 3, 128, 128).compute,
         4 * MS);                                          /* one rank of three has 3 of 8 chunks */
    near(lks_forecast_for(&c, 4, 512, 128).efficiency, 1); /* the batch grows */
    near(lks_forecast_for(&c, 16, 128, 128).seconds, 3 * MS);
}

static void test_messages(void) {
    lks_constants c = quiet();
    c.ranks = 2;
    c.network = (lks_network){.host_ranks = 1, .between = lks_link_made(0, 1e6)};
    c.messages = (lks_messages){.sums = 1000, .widths = 10, .a_bit = 100, .most = 2000};
    near(lks_forecast_for(&c, 2, 128, 128).communication, (1000 + 10) * US);
    /* a bit more for 4 ranks, doubled twice; their widths go round in a ring, below 16 bytes */
    near(lks_forecast_for(&c, 4, 128, 128).communication, (2 * 1100 + 3 * 2 * 2.5) * US);
    /* 16 ranks: only 8 have a chunk, so two bits more, not three */
    near(lks_forecast_for(&c, 16, 128, 128).communication, (4 * 1200 + 15 * 2 * 10.0 / 16) * US);
    c.messages.most = 1005; /* packed 1010 bytes, so not at all */
    near(lks_forecast_for(&c, 2, 128, 128).communication, 1005 * US);
    c.messages.most = 2000;
    c.scale = 0.5;
    c.more = 7 * US;
    near(lks_forecast_for(&c, 2, 128, 128).communication, 512 * US);
    near(lks_forecast_for(&c, 1, 128, 128).communication, 0);
    c = quiet();
    c.network = (lks_network){.host_ranks = 1, .between = lks_link_made(0, 1e6)};
    c.messages = (lks_messages){.most = 2000, .moments = 3, .moment = 100};
    near(lks_forecast_for(&c, 2, 128, 128).communication, (2000 + 3 * 100) * US);
}

/* Sums of 8,000 bytes in halves and quarters, 4,000 bytes of weights back, and a head of 16 bytes before. */
static void test_shares(void) {
    lks_constants c = quiet();
    c.network = (lks_network){1, {0}, lks_link_made(1 * US, 1e9), 1e-9};
    c.messages =
        (lks_messages){.most = 8016, .sums = 8016, .head = 16, .shared = 8000, .gathered = 4000};
    const double head = 2 * (1 + 0.016 + 0.016); /* doubling */
    const double sums = (1 + 4 + 4) + (1 + 2 + 2), weights = (1 + 2) + (1 + 1);
    near(lks_forecast_for(&c, 4, 128, 128).communication, (head + sums + weights) * US);
    near(lks_forecast_for(&c, 1, 128, 128).communication, 0);
    near(lks_reduce_scatter_seconds(&c.network, 1, 8000), 0);
    near(lks_allgather_seconds(&c.network, 1, 8000), 0);
    /* the third rank's halves go to a neighbour, which gives it all weights */
    near(lks_reduce_scatter_seconds(&c.network, 3, 8000), ((5 + 5 + 4) + (5 + 4)) * US);
    near(lks_allgather_seconds(&c.network, 3, 4000), (5 + 3) * US);
}

static void test_exchange(void) {
    lks_constants c = quiet();
    c.ranks = 4;
    c.network = (lks_network){.host_ranks = 1, .between = lks_link_made(1 * US, 1e9)};
    c.exchange = (lks_exchange_cost){.windows = 2, .image = 1000, .seconds_an_image = 2 * US};
    /* 320 images an epoch and rank in two windows: 160,000 bytes, a quarter to each of three others in three pieces, in
     * 129 us; they are under way for five steps of 5 ms each */
    near(lks_forecast_for(&c, 4, 128, 128).exchange, 640 * US / 10);
    c.steady = 0;
    c.work[0] = c.work[1] = (lks_work_point){1, 10 * US}; /* two chunks a rank, 20 us a step */
    c.n_work = 1;
    near(lks_forecast_for(&c, 4, 128, 128).exchange, (2 * (129 - 100) + 640) * US / 10);
    /* eight ranks: 160 images and one window; 20,000 bytes to each of seven in 154 us; ten steps of 10 us */
    near(lks_forecast_for(&c, 8, 128, 128).exchange, (54 + 320) * US / 10);
    near(lks_forecast_for(&c, 1, 128, 128).exchange, 0);
    near(lks_exchange_wait(&c.network, 4, 160, 1000, 29 * US), 100 * US);
    near(lks_exchange_wait(&c.network, 4, 160, 1000, 1), 0);
}

static void test_limit(void) {
    static const double late[] = {0, 0, 0, 40 * MS};
    lks_constants c = quiet();
    lks_limit why;
    CU_ASSERT_EQUAL(lks_forecast_limit(&c, 4096, &why), 8);
    CU_ASSERT_EQUAL(why, LKS_LIMIT_CHUNKS);
    CU_ASSERT_EQUAL(lks_forecast_limit(&c, 4, &why), 4);
    CU_ASSERT_EQUAL(why, LKS_LIMIT_NONE);
    c.steady = 30 * MS;
    CU_ASSERT_EQUAL(lks_forecast_limit(&c, 4096, &why), 2); /* 39, 35, 33 ms */
    CU_ASSERT_EQUAL(why, LKS_LIMIT_UPDATE);
    c = quiet();
    c.late = late;
    c.n_late = 4;
    CU_ASSERT_EQUAL(lks_forecast_limit(&c, 4096, &why), 1);
    CU_ASSERT_EQUAL(why, LKS_LIMIT_WAIT);
    c = quiet();
    c.network = (lks_network){.host_ranks = 1, .between = lks_link_made(20 * MS, 1e9)};
    c.messages.most = 1000;
    CU_ASSERT_EQUAL(lks_forecast_limit(&c, 4096, &why), 1);
    CU_ASSERT_EQUAL(why, LKS_LIMIT_COMMUNICATION);
}

int main(void) {
    static const lks_test tests[] = {{"a link", test_link},
                                     {"latency and bandwidth", test_fit},
                                     {"Open MPI's choice", test_choice},
                                     {"allreduce", test_allreduce},
                                     {"the latest of many", test_latest},
                                     {"compute", test_compute},
                                     {"messages", test_messages},
                                     {"shares", test_shares},
                                     {"exchange", test_exchange},
                                     {"limit", test_limit},
                                     {NULL, NULL}};
    return lks_test_main("forecast", tests);
}
