/* Threads help each other: one of two is held up in the midst of its work until the other one has done all the
 * rest. If nobody helped, the one held up would wait in vain. And what memory a network takes for it. */
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/timer.h"
#include "kernels/kernels.h"
#include "net_case.h"
#include "support/test.h"

#define PATIENCE 60.0 /* seconds until it is clear that nobody helps */

/* The calls of one kernel, which tell how far a thread is. */
static struct {
    const lks_kernels *of;
    int enough; /* thread 1 waits in its first call until thread 0 has made so many; 0: it does not */
    bool in_vain;
    atomic_int calls[2];
} watched;

static void come_by(void) {
    const int thread = omp_get_thread_num();
    const int before = atomic_fetch_add(&watched.calls[thread], 1);
    if (thread != 1 || before > 0)
        return;
    const double end = lks_now() + PATIENCE;
    while (atomic_load(&watched.calls[0]) < watched.enough && lks_now() < end)
        ;
    watched.in_vain = atomic_load(&watched.calls[0]) < watched.enough;
}

static void forward(const lks_forward_args *a) {
    come_by();
    watched.of->forward(a);
}

static bool wide_wgrad(const lks_wgrad_args *a) {
    if (a->samples > a->chunk)
        come_by();
    return watched.of->wgrad(a);
}

static void moments(double *sum, double *second, const float *x, size_t pixels, int channels) {
    come_by();
    watched.of->norm.moments(sum, second, x, pixels, channels);
}

/* What one batch gives; how often the kernel was called stays in watched.calls. */
static int64_t *message_of(lks_model *m, const net *n) {
    atomic_store(&watched.calls[0], 0);
    atomic_store(&watched.calls[1], 0);
    lks_model_train(m, &n->batch);
    return net_collect(m);
}

static void watch_forward(lks_kernels *k) {
    k->forward = forward;
}

static void watch_wgrad(lks_kernels *k) {
    k->wgrad = wide_wgrad;
}

static void watch_moments(lks_kernels *k) {
    k->norm.moments = moments;
}

#define SAMPLES 64
#define CHUNK   4

typedef struct held {
    const char *what, *layers;
    int share; /* calls for what the thread that is held up has in hand */
    void (*watch)(lks_kernels *k);
} held;

static const held cases[] = {
    /* of each chunk: a call an image, and two of the dense layer */
    {"chunks", "[{conv2d: {filters: 5, kernel: 3}}, relu, flatten, {dense: 3}]", CHUNK + 2,
     watch_forward},
    {"parts of a wide layer", "[flatten, {dense: 1800}, relu, {dense: 3}]", 1, watch_wgrad},
    {"moments", "[{conv2d: {filters: 5, kernel: 3}}, batchnorm, relu, flatten, {dense: 3}]", 1,
     watch_moments},
};

static net open_case(const held *h, const char *set, lks_kernels *kernels) {
    const net_case c = {h->what, h->layers, {6, 7, 1}, 3, SAMPLES, CHUNK, 5};
    *kernels = *net_kernels();
    watched.of = net_kernels();
    watched.in_vain = false;
    watched.enough = 0;
    atomic_store(&watched.calls[0], 0);
    atomic_store(&watched.calls[1], 0);
    h->watch(kernels);
    return net_open(&c, set);
}

/* Trains on two threads, first without holding anybody up. */
static void check_help(const held *h) {
    lks_kernels kernels;
    net n = open_case(h, NULL, &kernels);
    lks_model *m = net_model(&n, &kernels, 2);
    int64_t *want = message_of(m, &n);
    const int all = atomic_load(&watched.calls[0]) + atomic_load(&watched.calls[1]);
    CU_ASSERT(all > 2 * h->share);
    watched.enough = all - h->share;
    int64_t *got = message_of(m, &n);
    CU_ASSERT_FALSE(watched.in_vain);
    CU_ASSERT(net_same_message(m, got, want));
    free(got);
    free(want);
    lks_model_free(m);
    net_close(&n);
}

static void test_help(void) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_help(&cases[i]);
}

/* Float sums depend on who adds what: there each thread does its own share, and no more. */
static void test_fixed_shares(void) {
    lks_kernels kernels;
    net n = open_case(&cases[0], "train.reduce=fp32", &kernels);
    lks_model *m = net_model(&n, &kernels, 2);
    lks_model_train(m, &n.batch);
    for (int thread = 0; thread < 2; thread++)
        CU_ASSERT_EQUAL(atomic_load(&watched.calls[thread]), SAMPLES / CHUNK / 2 * cases[0].share);
    lks_model_free(m);
    net_close(&n);
}

static size_t bytes_for(const net *n, int threads, int capacity) {
    lks_model *m;
    lks_error err;
    CU_ASSERT_EQUAL_FATAL(lks_model_create(&m, &n->config, n->input, n->classes,
                                           (const float(*)[256])n->pixels, net_kernels(), threads,
                                           capacity, &err),
                          LKS_OK);
    const size_t bytes = lks_model_look(m).bytes;
    lks_model_free(m);
    return bytes;
}

/* Where chunks go through the network in one pass, a larger batch takes no more memory; what batchnorm or a
 * wide layer needs of the whole batch grows with it. */
static void test_memory(void) {
    static const struct {
        const char *name;
        bool grows;
    } networks[] = {{"convolutions, pooling, dropout", false},
                    {"padded windows of the maximum", false},
                    {"depthwise convolutions", false},
                    {"wide dense layers", true}};
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        net n = net_open(net_case_named(networks[i].name), NULL);
        const size_t small = bytes_for(&n, 2, 64), large = bytes_for(&n, 2, 1024);
        CU_ASSERT_EQUAL(large > small, networks[i].grows);
        CU_ASSERT(bytes_for(&n, 3, 64) > small);
        net_close(&n);
    }
    net n = net_open(&batch_cases[0], NULL);
    CU_ASSERT(bytes_for(&n, 2, 1024) > bytes_for(&n, 2, 64));
    net_close(&n);
}

int main(void) {
    static const lks_test tests[] = {{"a thread held up is helped", test_help},
                                     {"fixed shares of float sums", test_fixed_shares},
                                     {"memory of a larger batch", test_memory},
                                     {NULL, NULL}};
    return lks_test_main("help", tests);
}
