#include "data/data.h"

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

lks_range lks_share(int64_t n, int parts, int part) {
    const int64_t each = n / parts, larger = n % parts;
    return (lks_range){.first = part * each + smaller(part, larger),
                       .count = each + (part < larger ? 1 : 0)};
}

int lks_share_owner(int64_t n, int parts, int64_t i) {
    const int64_t each = n / parts, larger = n % parts;
    const int64_t in_larger = larger * (each + 1);
    return (int)(i < in_larger ? i / (each + 1) : larger + (i - in_larger) / each);
}

int lks_chunks(int64_t batch, int chunk) {
    return (int)((batch + chunk - 1) / chunk);
}

/* The ranks with one chunk more stand in a ring: batch b gives it to the @c extra ranks that follow
 * those of batch b - 1. */
lks_range lks_chunk_share(int n_chunks, int ranks, int rank, int64_t batch_index) {
    const int64_t each = n_chunks / ranks, extra = n_chunks % ranks;
    const int64_t begin = batch_index % ranks * extra % ranks;
    const int64_t wrapped = begin + extra > ranks ? begin + extra - ranks : 0;
    const int64_t place = (rank - begin + ranks) % ranks;
    /* extra chunks of the ranks before this one: ranks [0, wrapped) and [begin, begin + extra) have
     * one */
    int64_t before = smaller(rank, wrapped);
    if (rank > begin)
        before += smaller(rank - begin, extra - wrapped);
    return (lks_range){.first = rank * each + before, .count = each + (place < extra ? 1 : 0)};
}

int64_t lks_deal_batches(const lks_deal *deal) {
    return (deal->count + deal->global_batch - 1) / deal->global_batch;
}

static int chunks_of(const lks_deal *deal, int64_t batch) {
    return lks_chunks(smaller(deal->global_batch, deal->count - batch * deal->global_batch),
                      deal->chunk);
}

lks_range lks_deal_positions(const lks_deal *deal, int64_t batch, int rank) {
    const lks_range chunks = lks_chunk_share(chunks_of(deal, batch), deal->ranks, rank, batch);
    const int64_t start = batch * deal->global_batch, first = start + chunks.first * deal->chunk;
    const int64_t end = smaller(smaller(start + deal->global_batch, deal->count),
                                first + chunks.count * deal->chunk);
    return (lks_range){first, end > first ? end - first : 0};
}

/* Of ranks that begin at the same chunk all but the last one have none. */
int lks_deal_rank(const lks_deal *deal, int64_t position) {
    const int64_t batch = position / deal->global_batch;
    const int64_t chunk = position % deal->global_batch / deal->chunk;
    const int n = chunks_of(deal, batch);
    int low = 0, high = deal->ranks;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (lks_chunk_share(n, deal->ranks, middle, batch).first <= chunk)
            low = middle;
        else
            high = middle;
    }
    return low;
}
