/* Once an epoch the run proves that each sample was seen exactly once. */
#include "train/trainer.h"

static lks_status check_samples(lks_trainer *t, lks_error *err) {
    const lks_epoch_list *list = &t->data.epoch;
    if (t->cursor.epoch_samples == list->count && t->cursor.epoch_hash == list->hash)
        return LKS_OK;
    lks_guard_note_ranks(t);
    return lks_fail(
        err, LKS_ERR_REPLICA,
        "epoch %lld: %lld samples with id hash %016llx were seen, not %lld with %016llx",
        (long long)t->cursor.epoch, (long long)t->cursor.epoch_samples,
        (unsigned long long)t->cursor.epoch_hash, (long long)list->count,
        (unsigned long long)list->hash);
}

lks_status lks_trainer_verify_epoch(lks_trainer *t, lks_error *err) {
    lks_status status =
        lks_loader_check_list(t->loader, err); /* first: it would explain the next */
    if (status == LKS_OK)
        status = check_samples(t, err);
    return lks_trainer_settle(t, status, err);
}
