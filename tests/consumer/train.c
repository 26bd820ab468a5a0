/* A whole run within a program that has started MPI itself: train CONFIG RUN_DIR KEY=VALUE... MPI goes on behind it. */
#include <mpi.h>
#include <stdio.h>

#include <lockstep/library.h>
#include <lockstep/train.h>

static lks_status train(int argc, char **argv, lks_error *err) {
    const lks_train_options options = {.config = argv[1],
                                       .out = argv[2],
                                       .sets = (const char *const *)argv + 3,
                                       .n_sets = argc - 3,
                                       .threads = 1};
    lks_comm comm;
    bool stopped;
    LKS_TRY(lks_comm_start(&comm, err));
    const lks_status status = lks_train(&comm, &options, &stopped, err);
    if (status == LKS_OK || lks_comm_check(&comm, NULL) == LKS_OK)
        lks_comm_stop(&comm);
    return status;
}

int main(int argc, char **argv) {
    lks_error err;
    int rank = 0, size = 0, sum = 1;
    if (argc < 3 || lks_library_begin(&err) != LKS_OK)
        return 2;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const lks_status status = train(argc, argv, &err);
    if (status != LKS_OK && rank == 0)
        fprintf(stderr, "%s\n", err.text);
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Finalize();
    return status != LKS_OK ? lks_exit_status(status) : sum != size;
}
