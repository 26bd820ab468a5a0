#include "train/proof/links.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/memory.h"

lks_status lks_links_open(lks_links *l, const lks_trainer *t, lks_error *err) {
    *l = (lks_links){0};
    LKS_TRY(lks_layers_find(&l->layers, t->view.tensors, t->view.n_tensors, err));
    l->hashes = lks_alloc(l->layers.n, sizeof *l->hashes, "hashes of layers", err);
    return l->hashes ? LKS_OK : err->status;
}

void lks_links_close(lks_links *l) {
    lks_layers_free(&l->layers);
    lks_free(l->hashes);
}

char *lks_links_origin(const lks_config *config, const char *data_digest,
                       const lks_init_source *init_from, lks_error *err) {
    lks_text text;
    char *deciding = lks_config_deciding(config, err);
    if (!deciding)
        return NULL;
    if (lks_text_open(&text, "the chain's origin", err) == LKS_OK) {
        fprintf(text.f, "lockstep chain 1\nnumerics %d\nseed %llu\ndata %s\ninit_from %s %s\n%s",
                LKS_NUMERICS, (unsigned long long)config->seed, data_digest,
                init_from->weights_sha256, init_from->flat, deciding);
        if (lks_text_close(&text, "the chain's origin", err) != LKS_OK)
            text.bytes = NULL;
    } else {
        text.bytes = NULL;
    }
    free(deciding);
    return text.bytes;
}

/* A layer's tensors lie together: its hash costs only adding up what its blocks had as they were written. */
static void hash_layers(lks_links *l, const lks_trainer *t) {
    const lks_tensor *tensors = t->view.tensors;
    for (size_t k = 0; k < l->layers.n; k++) {
        const lks_tensor *first = &tensors[l->layers.first[k]];
        const lks_tensor *last = &tensors[l->layers.first[k + 1] - 1];
        l->hashes[k] = lks_hashes_of_part(&t->guard.hashes, first->offset,
                                          last->offset + last->count - first->offset);
    }
}

lks_status lks_links_begin(lks_links *l, const lks_trainer *t, const lks_init_source *init_from,
                           lks_chain *chain, lks_error *err) {
    char *origin = lks_links_origin(t->config, t->data.identity.digest, init_from, err);
    if (!origin)
        return err->status;
    hash_layers(l, t);
    const lks_status status =
        lks_chain_begin(chain, origin, &l->layers, t->cursor.step, l->hashes, err);
    free(origin);
    return status;
}

lks_status lks_links_step(lks_links *l, const lks_trainer *t, lks_chain *chain, lks_error *err) {
    const lks_step_figures *f = &t->newest;
    const lks_chain_step step = {
        .loss = f->exact_loss, .correct = f->correct, .samples = f->samples, .lr = f->lr};
    hash_layers(l, t);
    return lks_chain_add_step(chain, &step, l->hashes, err);
}

lks_status lks_links_epoch(const lks_trainer *t, lks_history *h, lks_error *err) {
    lks_checkpoint state;
    lks_trainer_snapshot(t, &state);
    LKS_TRY(lks_checkpoint_digest(&state, err));
    return lks_chain_add_epoch(&h->chain, &h->epochs[h->n_epochs - 1], state.state_sha256, err);
}
