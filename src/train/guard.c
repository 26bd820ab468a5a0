/* Whether all ranks hold the same state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/memory.h"
#include "train/trainer.h"

/* Rank 0 names the ranks whose state is not that of rank 0. */
static lks_status name_strays(const lks_trainer *t, const char *digests, lks_error *err) {
    char strays[512] = "";
    size_t length = 0;
    for (int r = 1; r < t->comm->size && length < sizeof strays - 16; r++)
        if (strcmp(digests, digests + (size_t)r * LKS_SHA256_HEX) != 0)
            length += (size_t)snprintf(strays + length, sizeof strays - length, " %d", r);
    if (!length)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_REPLICA,
                    "step %lld: the state of rank%s differs from that of rank 0: faulty memory, "
                    "processor or network (or rank 0 is the faulty one, if all others are named)",
                    (long long)t->cursor.step, strays);
}

static void note(lks_trainer *t, const lks_error *err) {
    lks_fault *f = &t->fault;
    *f = (lks_fault){.kind = "replica", .step = t->cursor.step, .epoch = t->cursor.epoch};
    lks_fault_here(f, -1, "");
    snprintf(f->text, sizeof f->text, "%.*s", (int)sizeof f->text - 1, err->text);
}

lks_status lks_trainer_settle(lks_trainer *t, lks_error *err) {
    lks_checkpoint c;
    lks_trainer_snapshot(t, &c);
    lks_status status = lks_checkpoint_digest(&c, err);
    LKS_TRY(lks_comm_agree(t->comm, status, err));
    /* The minimum and maximum of the first words tell all ranks; who it was costs more and is asked
     * only then. */
    int64_t low[4], high[4];
    for (int w = 0; w < 4; w++) {
        char word[17] = "";
        memcpy(word, c.state_sha256 + 16 * w, 16);
        low[w] = high[w] = (int64_t)strtoull(word, NULL, 16);
    }
    lks_comm_min_i64(t->comm, low, 4);
    lks_comm_max_i64(t->comm, high, 4);
    LKS_TRY(lks_comm_check(t->comm, err));
    if (memcmp(low, high, sizeof low) == 0) {
        t->agreed_step = t->cursor.step;
        return LKS_OK;
    }
    char *all = NULL;
    if (t->comm->rank == 0 &&
        !(all = lks_alloc((size_t)t->comm->size, LKS_SHA256_HEX, "differing replicas", err)))
        return lks_comm_fail(t->comm, err);
    lks_comm_gather(t->comm, c.state_sha256, 1, LKS_SHA256_HEX, all, NULL);
    status = all ? name_strays(t, all, err) : LKS_OK;
    lks_free(all);
    status = lks_comm_agree(t->comm, status, err);
    if (status == LKS_ERR_REPLICA)
        note(t, err);
    return status;
}

lks_status lks_trainer_check_copy(const lks_trainer *t, const lks_checkpoint *copy,
                                  lks_error *err) {
    lks_checkpoint now;
    lks_trainer_snapshot(t, &now);
    for (int f = 0; f < now.n_flats; f++)
        if (memcmp(copy->flats[f].values, now.flats[f].values,
                   now.flats[f].count * sizeof *now.flats[f].values) != 0)
            return lks_fail(err, LKS_ERR_REPLICA, "step %lld: a copy of %s differs: faulty memory",
                            (long long)t->cursor.step, now.flats[f].group);
    return LKS_OK;
}
