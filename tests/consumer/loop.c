/* A training loop of its own, on half of all ranks: even and odd ones train a network each, at the same time, with seeds 1
 * and 2: loop CONFIG CHECKPOINT_PREFIX KEY=VALUE... The update is this program's: gradient descent with momentum, as
 * `lockstep train` has it, so that the weights are the same bits. Prints seed, digest and right answers. */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include <lockstep/library.h>
#include <lockstep/log.h>
#include <lockstep/loop.h>

enum { SETS_MAX = 16 };

static const float momentum = 0.9F, weight_decay = 0.0005F;

static float flush_tiny(float a) {
    return fabsf(a) < 0x1p-100F ? 0 : a;
}

static void update(const lks_tensor *t, float *weights, const float *gradient, float *velocity,
                   float lr) {
    for (size_t i = t->offset; i < t->offset + t->count; i++) {
        const float g = gradient[i] + weight_decay * weights[i];
        velocity[i] = flush_tiny(momentum * velocity[i] + g);
        weights[i] -= lr * (g + momentum * velocity[i]); /* Nesterov's form */
    }
}

static lks_status steps(lks_loop *loop, float *gradient, float *velocity, lks_error *err) {
    size_t n;
    int n_tensors;
    float *weights = lks_loop_weights(loop, &n);
    const lks_tensor *tensors = lks_loop_tensors(loop, &n_tensors);
    while (!lks_loop_over(loop)) {
        lks_loop_sums sums;
        LKS_TRY(lks_loop_step(loop, &sums, err));
        lks_loop_gradient(loop, gradient);
        for (int t = 0; t < n_tensors; t++)
            if (tensors[t].trained)
                update(&tensors[t], weights, gradient, velocity, (float)sums.lr);
        LKS_TRY(lks_loop_updated(loop, err));
    }
    return LKS_OK;
}

static lks_status tell(lks_loop *loop, const char *prefix, int rank, int seed, lks_error *err) {
    char digest[LKS_LOOP_DIGEST], path[4096];
    lks_loop_score score;
    LKS_TRY(lks_loop_evaluate(loop, LKS_LOOP_TEST, &score, err));
    LKS_TRY(lks_loop_digest(loop, digest, err));
    snprintf(path, sizeof path, "%s-%d.h5", prefix, seed);
    LKS_TRY(lks_loop_save(loop, path, err));
    if (rank == 0)
        printf("%d %s %lld\n", seed, digest, (long long)score.correct);
    return LKS_OK;
}

static lks_status train(lks_comm *comm, int argc, char **argv, int seed, lks_error *err) {
    const char *sets[SETS_MAX];
    char own[32];
    int n_sets = 0;
    for (int i = 3; i < argc && n_sets < SETS_MAX - 1; i++)
        sets[n_sets++] = argv[i];
    snprintf(own, sizeof own, "seed=%d", seed);
    sets[n_sets++] = own;
    const lks_loop_options options = {
        .config = argv[1], .sets = sets, .n_sets = n_sets, .threads = 1};
    lks_loop *loop;
    size_t n;
    LKS_TRY(lks_loop_open(&loop, comm, &options, err));
    lks_loop_weights(loop, &n);
    float *gradient = calloc(n, sizeof *gradient), *velocity = calloc(n, sizeof *velocity);
    lks_status status = gradient && velocity ? steps(loop, gradient, velocity, err)
                                             : lks_fail(err, LKS_ERR_MEMORY, "out of memory");
    if (status == LKS_OK)
        status = tell(loop, argv[2], comm->rank, seed, err);
    free(gradient);
    free(velocity);
    lks_loop_close(loop);
    return status;
}

int main(int argc, char **argv) {
    lks_error err;
    lks_comm comm;
    MPI_Comm half;
    int rank, level;
    if (argc < 3 || lks_library_begin(&err) != LKS_OK)
        return 2;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    lks_status status = lks_comm_join(&comm, &half, &err);
    MPI_Comm_free(&half);
    lks_log_setup(LKS_LOG_QUIET);
    if (status == LKS_OK) {
        status = train(&comm, argc, argv, 1 + rank % 2, &err);
        lks_comm_stop(&comm);
    }
    if (status != LKS_OK)
        fprintf(stderr, "%s\n", err.text);
    MPI_Finalize();
    return lks_exit_status(status);
}
