/* One bit of one rank's memory flips between two steps: the message after its next use tells which rank's and what,
 * and no state made from it counts as agreed. */
#include "support/test.h"
#include "support/config_file.h"
#include "support/mpi_main.h"

#include <stdio.h>
#include <string.h>

#include "job/job.h"
#include "train/trainer.h"

static lks_comm comm;
static lks_error err;

static void stop_unless(lks_status status) {
    if (status != LKS_OK)
        lks_give_up(&comm, 1, err.text);
}

/* A frozen layer, batchnorm that is trained and one that is not, an average; accumulation, so that running moments
 * move twice in a step. */
static const char text[] =
    "data: {dir: '" LKS_GOLDEN_DIR "', normalize: none, limit: 400, validation: 0.25}\n"
    "model:\n"
    "  - conv2d: {filters: 8, kernel: 3, stride: 2, trainable: false}\n"
    "  - batchnorm: {trainable: false}\n"
    "  - relu\n"
    "  - conv2d: {filters: 8, kernel: 3, stride: 2}\n"
    "  - batchnorm\n"
    "  - relu\n"
    "  - flatten\n"
    "  - dense: 10\n"
    "train: {global_batch: 24, chunk: 4, accumulate: 2, ema: {decay: 0.9}}\n";

typedef struct run {
    lks_config config;
    lks_trainer t;
} run;

static const char *exchange = "train.exchange=allreduce";
static const char *placement = "data.placement=sharded";

/* All ranks, which are of one host here, have the same weights and states. */
static bool shared(void) {
    return strcmp(exchange, "train.exchange=host") == 0 && comm.size > 1;
}

static void open_run(run *r, const char *optimizer) {
    char path[LKS_PATH_MAX];
    lks_write_config(&comm, text, path);
    const char *sets[] = {optimizer, exchange, placement};
    stop_unless(lks_config_load(&comm, path, sets, 3, &r->config, &err));
    stop_unless(lks_trainer_open(&r->t, &comm, &r->config, 2, false, &err));
    lks_phases_start(&r->t.phases);
    lks_loader_seek(r->t.loader, 0, 0);
}

static void close_run(run *r) {
    lks_trainer_close(&r->t);
    lks_config_free(&r->config);
}

static void steps(run *r, int n) {
    for (int i = 0; i < n; i++)
        stop_unless(lks_trainer_step(&r->t, &err));
}

static void flip(void *memory, size_t bit) {
    ((unsigned char *)memory)[bit / 8] ^= (unsigned char)(1u << bit % 8);
}

/* The error is that of rank @p rank and names @p what; the fault says the same of its kind. */
static void check_told(run *r, lks_status status, int rank, const char *kind, const char *what) {
    char who[32];
    snprintf(who, sizeof who, "(rank %d on ", rank);
    CU_ASSERT_EQUAL(status, LKS_ERR_REPLICA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, what));
    if (comm.size > 1)
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, who));
    const lks_fault *fault = lks_trainer_fault(&r->t, &err);
    CU_ASSERT_STRING_EQUAL(fault->kind, kind);
    CU_ASSERT_EQUAL(fault->rank, rank);
    CU_ASSERT_STRING_EQUAL(fault->text, err.text);
}

/* What of a trainer flips: where its bits lie, what the error says, and whether the flip is noticed in the very next
 * step, before its gradient counts, or in the update, which the message after it tells. */
typedef struct kind {
    const char *optimizer, *says, *tensor;
    int state; /* 0 weights, 1 and 2 states, -1 average */
    bool at_once;
} kind;

static float *array_of(lks_trainer *t, const kind *k) {
    return k->state == 0  ? t->view.weights
           : k->state < 0 ? t->average.weights
                          : t->optimizer.state[k->state - 1];
}

static const lks_tensor *tensor_named(const lks_trainer *t, const char *name) {
    for (int i = 0; i < t->view.n_tensors; i++)
        if (strcmp(t->view.tensors[i].name, name) == 0)
            return &t->view.tensors[i];
    lks_give_up(&comm, 1, name);
    return NULL;
}

/* Shared memory changed: whichever rank of the host read it first is named. */
static void check_shared(run *r, lks_status status, const char *what) {
    CU_ASSERT_EQUAL(status, LKS_ERR_REPLICA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, what));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "memory that this host's ranks share changed"));
    const lks_fault *fault = lks_trainer_fault(&r->t, &err);
    CU_ASSERT_STRING_EQUAL(fault->kind, "memory");
    CU_ASSERT_STRING_EQUAL(fault->host, comm.host);
    CU_ASSERT_STRING_EQUAL(fault->text, err.text);
}

/* As check_told(), of weights, states and average. */
static void check_array_told(run *r, lks_status status, int rank, const char *what) {
    if (shared())
        check_shared(r, status, what);
    else
        check_told(r, status, rank, "memory", what);
}

/* The rank that keeps an element of @p k 's array: of parts of the states each is one rank's. */
static int keeper(const run *r, const kind *k, size_t at, int rank) {
    const lks_shares *s = &r->t.exchange.shares;
    const bool parted = k->state > 0 && s->owner;
    return parted ? s->owner[lks_hashes_block(&r->t.guard.hashes, at + 1) - 1] : rank;
}

static void check_state(const kind *k, int rank, size_t element, int bit) {
    run r;
    char says[2 * LKS_TENSOR_NAME_MAX];
    open_run(&r, k->optimizer);
    steps(&r, 3);
    const lks_tensor *tensor = tensor_named(&r.t, k->tensor);
    const size_t at = tensor->offset + element % tensor->count;
    rank = keeper(&r, k, at, rank);
    lks_comm_barrier(&comm); /* all have read what the step wrote */
    if (comm.rank == rank)
        flip(array_of(&r.t, k) + at, (size_t)bit);
    lks_comm_barrier(&comm);
    if (!k->at_once)
        steps(&r, 1);
    lks_status status = lks_trainer_step(&r.t, &err);
    CU_ASSERT_EQUAL(r.t.agreed_step, k->at_once ? 2 : 3); /* never the step that used it */
    snprintf(says, sizeof says, "%s in %s", k->tensor, k->says);
    check_array_told(&r, status, rank, says);
    close_run(&r);
}

/* Bit 0 is what rounding would swallow. */
static void test_state(void) {
    static const kind kinds[] = {
        {"train.optimizer.name=adam", "the weights", "conv2/weight", 0, false},
        {"train.optimizer.name=adam", "the weights", "conv1/weight", 0, false}, /* frozen */
        {"train.optimizer.name=adam", "the weights", "bn1/running_mean", 0, false},
        {"train.optimizer.name=adam", "the weights", "bn2/running_var", 0, true},
        {"train.optimizer.name=adam", "the weights", "bn2/bias", 0, false},
        {"train.optimizer.name=adam", "optimizer/m", "dense1/weight", 1, false},
        {"train.optimizer.name=adam", "optimizer/v", "dense1/bias", 2, false},
        {"train.optimizer.name=adam", "optimizer/v", "conv1/weight", 2, false},
        {"train.optimizer.name=lars", "optimizer/velocity", "conv2/weight", 1, false},
        {"train.optimizer.name=lamb", "optimizer/m", "conv2/weight", 1, false},
        {"train.optimizer.name=lamb", "the weights", "dense1/weight", 0, false},
        {"train.optimizer.name=muon", "optimizer/m", "conv2/weight", 1, false},
        {"train.optimizer.name=muon", "optimizer/v", "conv2/weight", 2, false},
        {"train.optimizer.name=adadelta", "optimizer/update", "dense1/weight", 2, false},
        {"train.optimizer.name=rmsprop", "optimizer/square", "conv2/bias", 1, false},
        {"train.optimizer.name=sgd", "optimizer/velocity", "conv2/weight", 1, false},
        {"train.optimizer.name=sgd", "the averaged weights", "dense1/weight", -1, false},
        {"train.optimizer.name=sgd", "the averaged weights", "bn2/running_mean", -1, false},
    };
    static const int bits[] = {0, 12, 22, 31};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        check_state(&kinds[k], (int)(k % (size_t)comm.size), 31 * k, bits[k % 4]);
}

/* A flip that makes a number infinite: not the numbers are told, but the memory. */
static void test_not_finite(void) {
    run r;
    open_run(&r, "train.optimizer.name=sgd");
    steps(&r, 2);
    const lks_tensor *tensor = tensor_named(&r.t, "dense1/weight");
    float *weight = r.t.view.weights + tensor->offset;
    const int rank = comm.size - 1;
    lks_comm_barrier(&comm);
    if (comm.rank == rank) {
        const uint32_t infinite = 0x7f800000;
        memcpy(weight, &infinite, sizeof infinite);
        lks_model_weights_changed(r.t.model); /* as if it had happened before they were packed */
    }
    check_array_told(&r, lks_trainer_step(&r.t, &err), rank, "dense1/weight in the weights");
    close_run(&r);
}

static void check_settles(size_t bit) {
    run r;
    open_run(&r, "train.optimizer.name=adam");
    steps(&r, 2);
    stop_unless(lks_trainer_settle(&r.t, LKS_OK, &err));
    CU_ASSERT_EQUAL(r.t.agreed_step, 2);
    const kind first = {.state = 2};
    const int rank = keeper(&r, &first, 0, comm.size / 2);
    if (comm.rank == rank)
        flip(r.t.optimizer.state[1], bit);
    lks_comm_barrier(&comm);
    check_array_told(&r, lks_trainer_settle(&r.t, LKS_OK, &err), rank,
                     "conv1/weight in optimizer/v");
    close_run(&r);
}

/* After the last step there is no message. */
static void test_settle(void) {
    check_settles(0);
    check_settles(30);
}

/* Both the sums of an epoch and the count of steps, which decides on Adam's corrections. */
static void test_cursor(void) {
    for (int field = 0; field < 2; field++) {
        run r;
        open_run(&r, "train.optimizer.name=adam");
        steps(&r, 2);
        const int rank = field % comm.size;
        if (comm.rank == rank)
            flip(field ? (void *)&r.t.cursor.loss.lo : (void *)&r.t.cursor.correct, 3);
        check_told(&r, lks_trainer_step(&r.t, &err), rank, "memory", "where training stands");
        CU_ASSERT_EQUAL(r.t.agreed_step, 1);
        close_run(&r);
    }
}

/* Lists of images: every rank's own. */
static void test_lists(void) {
    run r;
    const int rank = comm.size - 1;
    open_run(&r, "train.optimizer.name=adam");
    steps(&r, 1);
    r.t.data.own.validation[7] ^= comm.rank == rank ? 64 : 0;
    check_told(&r, lks_trainer_settle(&r.t, LKS_OK, &err), rank, "memory", "for validation");
    close_run(&r);

    open_run(&r, "train.optimizer.name=adam");
    steps(&r, 1);
    r.t.data.epoch.own.of[20].image ^= comm.rank == rank ? 1 : 0;
    lks_status status = LKS_OK; /* a rank alone takes each image by it, others have sent theirs */
    while (status == LKS_OK && r.t.cursor.batch < r.t.plan.batches)
        status = lks_trainer_step(&r.t, &err);
    CU_ASSERT_EQUAL(status, comm.size == 1 ? LKS_ERR_REPLICA : LKS_OK);
    if (status == LKS_OK) {
        lks_trainer_edit_cursor(&r.t)->epoch++;
        lks_trainer_wrote_cursor(&r.t);
        status = lks_trainer_verify_epoch(&r.t, &err);
    }
    check_told(&r, status, rank, "memory", "list of an epoch's images");
    close_run(&r);
}

static void test_tables(void) {
    run r;
    open_run(&r, "train.optimizer.name=adam");
    steps(&r, 1);
    const int rank = comm.size - 1;
    if (comm.rank == rank)
        flip((void *)(uintptr_t)r.t.view.pixels, 32 * 77);
    check_told(&r, lks_trainer_step(&r.t, &err), rank, "memory", "float values of bytes");
    close_run(&r);
}

/* The rank that holds the image is named in the text, the one that met it is blamed. */
static void check_image(bool label) {
    run r;
    open_run(&r, "train.optimizer.name=adam");
    lks_image_set *s = &r.t.data.train;
    const int64_t number = label ? 3 : r.t.data.rule.n_train - 5; /* a training image */
    int64_t first = r.t.data.own.n_train, found = 0;
    lks_comm_before_i64(&comm, &first, 1);
    if (number >= first && number < first + r.t.data.own.n_train)
        found = r.t.data.own.train[number - first];
    lks_comm_sum_i64(&comm, &found, 1);
    const uint32_t image = (uint32_t)found;
    const int64_t at = (int64_t)image - s->share.first;
    const bool holds = at >= 0 && at < s->share.count;
    if (holds && label)
        s->labels[at] ^= 1;
    else if (holds)
        flip(s->images + (size_t)at * s->image_bytes, 8 * 400 + 2);
    lks_status status = LKS_OK;
    while (status == LKS_OK && r.t.cursor.batch < r.t.plan.batches)
        status = lks_trainer_step(&r.t, &err);
    char who[64];
    snprintf(who, sizeof who, "training image %u, held by rank ", image);
    CU_ASSERT_EQUAL(status, LKS_ERR_REPLICA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, who));
    CU_ASSERT_STRING_EQUAL(lks_trainer_fault(&r.t, &err)->kind, "data");
    close_run(&r);
}

static void test_images(void) {
    check_image(false);
    check_image(true);
    placement = "data.placement=host"; /* which rank met it is not known before */
    check_image(false);
    placement = "data.placement=sharded";
}

/* Rank 0's copy for a checkpoint, and the same once a bit of it has flipped. */
static void test_copy(void) {
    run r;
    lks_checkpoint c;
    open_run(&r, "train.optimizer.name=adam");
    steps(&r, 2);
    const lks_state_hash written = lks_trainer_written(&r.t);
    lks_trainer_snapshot(&r.t, &c);
    CU_ASSERT_EQUAL(c.n_flats, 4);
    CU_ASSERT(lks_state_holds(&c, &written));
    for (int f = 0; f < c.n_flats; f++) {
        float *last = &c.flats[f].values[c.flats[f].count - 1];
        flip(last, 0);
        CU_ASSERT(!lks_state_holds(&c, &written));
        flip(last, 0);
    }
    c.cursor.samples_seen++;
    CU_ASSERT(!lks_state_holds(&c, &written));
    close_run(&r);
}

/* A rank that computed something else, and wrote it down properly. */
static void test_stray(void) {
    run r;
    open_run(&r, "train.optimizer.name=adam");
    steps(&r, 2);
    const int rank = comm.size == 1 ? -1 : comm.size == 2 ? 1 : comm.size - 2;
    if (comm.rank == rank) {
        flip(r.t.view.weights, 0);
        lks_trainer_wrote(&r.t);
    }
    const lks_status status = lks_trainer_step(&r.t, &err);
    if (comm.size == 1) {
        CU_ASSERT_EQUAL(status, LKS_OK);
        close_run(&r);
        return;
    }
    char says[64];
    snprintf(says, sizeof says, "rank %d on %.20s", rank, comm.host);
    CU_ASSERT_EQUAL(status, LKS_ERR_REPLICA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, says));
    CU_ASSERT_EQUAL(r.t.agreed_step, 1);
    const lks_fault *fault = lks_trainer_fault(&r.t, &err);
    CU_ASSERT_STRING_EQUAL(fault->kind, "replica");
    CU_ASSERT_EQUAL(fault->rank, comm.size == 2 ? -1 : rank); /* two: none has a majority */
    close_run(&r);
}

/* Once more, with one copy of the state for all ranks. */
static void test_shared(void) {
    exchange = "train.exchange=host";
    test_state();
    test_not_finite();
    test_settle();
    test_cursor();
}

/* Between the update and the moment when the others read what it wrote: they find it before they compute. */
static void flip_between(run *r) {
    lks_host_meet(&r->t.exchange.host);
    if (comm.rank == 0)
        flip(r->t.view.weights, 3);
    lks_host_meet(&r->t.exchange.host);
}

static void test_read_back(void) {
    run r;
    exchange = "train.exchange=host";
    open_run(&r, "train.optimizer.name=sgd");
    steps(&r, 2);
    flip_between(&r);
    lks_guard_read_others(&r.t);
    /* the block is rank 0's: the others read it */
    const bool reads = comm.rank != 0;
    CU_ASSERT_EQUAL(r.t.guard.hashes.changed_array, reads ? 0 : -1);
    lks_comm_barrier(&comm);
    if (comm.size > 1) {
        const lks_status status = lks_trainer_step(&r.t, &err);
        CU_ASSERT_EQUAL(r.t.agreed_step, 1);
        check_shared(&r, status, "conv1/weight in the weights");
    }
    close_run(&r);
}

/* Each rank updates a share of the weights and keeps the states of that share. */
static void test_shares(void) {
    exchange = "train.exchange=scatter";
    test_state();
    test_not_finite();
    test_settle();
    test_cursor();
    test_stray();
}

/* The next parts that come have a bit flipped on rank @p spoiled, `spoiled_at` items from their beginning. */
static int spoiled = -1;
static size_t spoiled_at;

void __real_lks_comm_allgather(lks_comm *c, void *parts, const int *counts, size_t item_bytes);
void __wrap_lks_comm_allgather(lks_comm *c, void *parts, const int *counts, size_t item_bytes);

void __wrap_lks_comm_allgather(lks_comm *c, void *parts, const int *counts, size_t item_bytes) {
    __real_lks_comm_allgather(c, parts, counts, item_bytes);
    if (spoiled == c->rank)
        flip((char *)parts + spoiled_at * item_bytes, 5);
    spoiled = -1;
}

/* What changed on its way is told by the rank that got it, with the rank that wrote it. */
static void check_came(run *r, lks_status status, const char *what, int writer) {
    char says[2 * LKS_TENSOR_NAME_MAX];
    snprintf(says, sizeof says,
             "a message, or this rank's memory, changed: %s, which rank %d wrote", what, writer);
    check_told(r, status, writer == 0 ? comm.size - 1 : 0, "memory", says);
    CU_ASSERT_EQUAL(r->t.agreed_step, 2);
    close_run(r);
}

static void test_messages(void) {
    run r;
    exchange = "train.exchange=scatter";
    if (comm.size == 1)
        return;
    /* the last number that the last rank with weights sends: of a weight */
    open_run(&r, "train.optimizer.name=sgd");
    steps(&r, 2);
    const lks_shares *s = &r.t.exchange.shares;
    const int writer = s->owner[r.t.guard.hashes.n_blocks - 1];
    spoiled_at = s->of[writer].at + (size_t)s->words[writer] - 1;
    spoiled = writer == 0 ? comm.size - 1 : 0;
    steps(&r, 1);
    check_came(&r, lks_trainer_step(&r.t, &err), "dense1/bias in the weights", writer);
    /* a state on its way to a checkpoint */
    open_run(&r, "train.optimizer.name=sgd");
    steps(&r, 2);
    spoiled_at = r.t.view.n_weights - 1;
    spoiled = writer == 0 ? comm.size - 1 : 0;
    lks_trainer_settle(&r.t, LKS_OK, &err);
    lks_trainer_gather(&r.t);
    CU_ASSERT_EQUAL(spoiled, -1);
    check_came(&r, lks_trainer_step(&r.t, &err), "dense1/bias in optimizer/velocity", writer);
}

/* Hashes of states travel beside those of weights: where one changes, the ranks differ. */
static void test_hash_on_its_way(void) {
    run r;
    exchange = "train.exchange=scatter";
    if (comm.size < 3)
        return;
    open_run(&r, "train.optimizer.name=sgd");
    steps(&r, 2);
    const lks_rank_share *first = r.t.exchange.shares.of;
    const int last = first->end_block - 1, rank = comm.size - 1;
    CU_ASSERT(first->end_block > 0 &&
              r.t.guard.hashes.tensors[r.t.guard.hashes.blocks[last].tensor].trained);
    spoiled_at = 1 + 2 * (size_t)first->end_block - 1; /* of the velocity of rank 0's last block */
    spoiled = rank;
    steps(&r, 1);
    char says[64];
    snprintf(says, sizeof says, "rank %d on %.20s", rank, comm.host);
    CU_ASSERT_EQUAL(lks_trainer_step(&r.t, &err), LKS_ERR_REPLICA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, says));
    close_run(&r);
}

/* Rank 0's snapshot has the states of all ranks once they were gathered, and the hashes say so; not before. */
static void test_gather(void) {
    run r;
    lks_checkpoint c;
    exchange = "train.exchange=scatter";
    open_run(&r, "train.optimizer.name=adam");
    steps(&r, 2);
    const lks_state_hash written = lks_trainer_written(&r.t);
    lks_trainer_snapshot(&r.t, &c);
    CU_ASSERT_EQUAL(lks_state_holds(&c, &written), comm.size == 1);
    lks_trainer_gather(&r.t);
    CU_ASSERT(lks_state_holds(&c, &written));
    r.t.wanted = comm.rank == 0; /* and a step that rank 0 asks for ends with them */
    steps(&r, 1);
    const lks_state_hash wanted = lks_trainer_written(&r.t);
    lks_trainer_snapshot(&r.t, &c);
    CU_ASSERT(lks_state_holds(&c, &wanted));
    close_run(&r);
}

int main(void) {
    static const lks_test tests[] = {
        {"a bit of weights, states, averages and running moments", test_state},
        {"a bit that makes a number infinite", test_not_finite},
        {"a bit after the last step", test_settle},
        {"a bit of where training stands", test_cursor},
        {"a bit of the float values of bytes", test_tables},
        {"a bit of a list", test_lists},
        {"a bit of an image, and of a label", test_images},
        {"a bit of a copy", test_copy},
        {"a rank that computes something else", test_stray},
        {"a bit of what all ranks of a host share", test_shared},
        {"a bit of what another rank wrote", test_read_back},
        {"a bit where ranks have shares", test_shares},
        {"a bit of weights and states on their way", test_messages},
        {"a bit of a hash on its way", test_hash_on_its_way},
        {"states of all ranks", test_gather},
        {NULL, NULL},
    };
    return lks_mpi_test_main(&comm, "guard", tests);
}
