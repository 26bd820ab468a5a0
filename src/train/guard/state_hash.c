/* Hashes of states compared: with a copy, and over the ranks. */
#include <assert.h>

#include "base/digest.h"
#include "train/guard/guard.h"

static_assert(sizeof(lks_cursor) % sizeof(int64_t) == 0,
              "a cursor is made of 64-bit numbers: no gaps");

uint64_t lks_cursor_hash(const lks_cursor *c) {
    return lks_hash_bytes(c, sizeof *c);
}

bool lks_state_holds(const lks_checkpoint *copy, const lks_state_hash *written) {
    if (copy->n_flats != written->n_flats || lks_cursor_hash(&copy->cursor) != written->cursor)
        return false;
    for (int f = 0; f < copy->n_flats; f++) {
        const lks_flat *flat = &copy->flats[f];
        if (lks_hash_bytes(flat->values, flat->count * sizeof *flat->values) != written->flats[f])
            return false;
    }
    return true;
}

void lks_state_weigh(uint64_t hash, int rank, int size, int64_t sums[2]) {
    const int64_t weight = rank == 0 ? size - 1 : -1;
    sums[0] = weight * (int64_t)(hash & UINT32_MAX);
    sums[1] = weight * (int64_t)(hash >> 32);
}
