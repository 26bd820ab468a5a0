/* A data set looked at before it is used: one pass over each rank's share, and a meeting of the images' hashes. */
#include <stdlib.h>
#include <string.h>

#include "feed/dataset.h"
#include "feed/findings.h"
#include "base/memory.h"
#include "base/observe/pulse.h"
#include "comm/transfer.h"

/* --- one set ---------------------------------------------------------------------------------- */

/* Traces of this rank's images; those of one colour have none, since they are told by themselves. */
static size_t survey_share(const lks_image_set *s, bool test, lks_survey *survey,
                           lks_image_trace *traces) {
    size_t n = 0;
    lks_survey_start(survey, s->info.channels);
    for (int64_t i = 0; i < s->share.count; i++) {
        const int64_t id = s->share.first + i;
        const uint8_t *image = s->images + (size_t)i * s->image_bytes;
        if (!lks_survey_add(survey, id, image, s->image_bytes))
            traces[n++] = (lks_image_trace){lks_image_hash(image, s->image_bytes), (uint32_t)id,
                                            s->labels[i], test};
        lks_pulse_tick();
    }
    memcpy(survey->labels, s->counts, sizeof survey->labels);
    return n;
}

/* What the ranks found of their shares becomes what is so of the set. */
static void add_up(lks_survey *s, lks_comm *comm) {
    int64_t sums[] = {s->images, s->values, s->sum, s->one_colour};
    int64_t least[1 + 2 * LKS_CHANNELS_MAX];
    const size_t n = (size_t)s->channels;
    least[0] = s->first_one_colour < 0 ? INT64_MAX : s->first_one_colour;
    for (size_t c = 0; c < n; c++) {
        least[1 + c] = s->low[c];
        least[1 + n + c] = -s->high[c];
    }
    lks_comm_sum_i64(comm, sums, sizeof sums / sizeof *sums);
    lks_comm_min_i64(comm, least, 1 + 2 * n);
    s->images = sums[0];
    s->values = sums[1];
    s->sum = sums[2];
    s->one_colour = sums[3];
    s->first_one_colour = least[0] == INT64_MAX ? -1 : least[0];
    for (size_t c = 0; c < n; c++) {
        s->low[c] = (uint8_t)least[1 + c];
        s->high[c] = (uint8_t)-least[1 + n + c];
    }
}

/* --- images that occur more than once --------------------------------------------------------- */

/* The rank that compares images of this hash. */
static int meeting_place(const lks_image_trace *t, int size) {
    return (int)((t->hash >> 32) * (uint64_t)size >> 32);
}

/* Into `sorted`, in the order of the ranks that get them. */
static void sort_traces(const lks_comm *comm, const lks_image_trace *traces, size_t n,
                        const int *to, int *next, lks_image_trace *sorted) {
    for (int r = 0, at = 0; r < comm->size; at += to[r++])
        next[r] = at;
    for (size_t i = 0; i < n; i++)
        sorted[next[meeting_place(&traces[i], comm->size)]++] = traces[i];
}

typedef struct meeting {
    lks_transfer *transfer;
    int *to, *from, *next; /* [ranks] */
    lks_image_trace *sorted, *received;
    size_t n_received;
} meeting;

static lks_status prepare(meeting *m, lks_comm *comm, size_t n, lks_error *err) {
    const size_t ranks = (size_t)comm->size;
    LKS_TRY(lks_transfer_create(&m->transfer, comm, sizeof *m->sorted, err));
    m->to = lks_alloc(3 * ranks, sizeof *m->to, "counts of hashes", err);
    m->sorted = lks_alloc(n, sizeof *m->sorted, "hashes of the images", err);
    if (!m->to || !m->sorted)
        return err->status;
    m->from = m->to + ranks;
    m->next = m->from + ranks;
    return LKS_OK;
}

/* A rank has few images beside many ranks: it sends to those that it has a trace for. */
static lks_status meet(meeting *m, lks_comm *comm, const lks_image_trace *traces, size_t n,
                       lks_error *err) {
    LKS_TRY(lks_comm_agree(comm, prepare(m, comm, n, err), err));
    for (size_t i = 0; i < n; i++)
        m->to[meeting_place(&traces[i], comm->size)]++;
    const lks_status counted = lks_transfer_count(m->transfer, m->to, m->from, err);
    for (int r = 0; r < comm->size; r++)
        m->n_received += (size_t)m->from[r];
    sort_traces(comm, traces, n, m->to, m->next, m->sorted);
    m->received = lks_alloc(m->n_received, sizeof *m->received, "hashes of the images", err);
    LKS_TRY(lks_comm_agree(comm, counted == LKS_OK && m->received ? LKS_OK : err->status, err));
    lks_transfer_begin(m->transfer, m->sorted, m->to, m->received, m->from);
    lks_transfer_end(m->transfer);
    return lks_comm_check(comm, err);
}

/* Each rank counted among its hashes: all counts, and of the examples the one of the smallest number. */
static void add_repeat(lks_repeat *r, lks_comm *comm) {
    const int64_t mine = r->count ? r->id : INT64_MAX;
    int64_t least = mine, first;
    lks_comm_sum_i64(comm, &r->count, 1);
    lks_comm_min_i64(comm, &least, 1);
    first = mine == least ? r->first : INT64_MAX; /* an image is at one rank only */
    lks_comm_min_i64(comm, &first, 1);
    r->id = least;
    r->first = first;
}

static lks_status find_repeats(lks_repeats *r, lks_comm *comm, const lks_image_trace *traces,
                               size_t n, lks_error *err) {
    meeting m = {0};
    const lks_status status = meet(&m, comm, traces, n, err);
    if (status == LKS_OK) {
        *r = lks_repeats_count(m.received, m.n_received);
        add_repeat(&r->training, comm);
        add_repeat(&r->test, comm);
        add_repeat(&r->leaked, comm);
        add_repeat(&r->contradictory, comm);
    }
    lks_transfer_free(m.transfer);
    lks_free(m.to);
    lks_free(m.sorted);
    lks_free(m.received);
    return status == LKS_OK ? lks_comm_check(comm, err) : status;
}

/* --- both sets -------------------------------------------------------------------------------- */

/* Beyond this, hashes would take gigabytes. */
#define IMAGES_MAX (INT64_C(1) << 28)

typedef struct look {
    lks_survey training, test;
    lks_repeats repeats;
    lks_image_trace *traces; /* of this rank's images of both sets */
    size_t n_traces;
} look;

static lks_status look_at(look *l, const lks_dataset *d, lks_comm *comm, lks_error *err) {
    const size_t most = (size_t)(d->train.share.count + d->test.share.count);
    l->traces = lks_alloc(most, sizeof *l->traces, "hashes of the images", err);
    LKS_TRY(lks_comm_agree(comm, l->traces ? LKS_OK : err->status, err));
    if (d->train.info.count) {
        l->n_traces = survey_share(&d->train, false, &l->training, l->traces);
        add_up(&l->training, comm);
    }
    if (d->has_test) {
        l->n_traces += survey_share(&d->test, true, &l->test, l->traces + l->n_traces);
        add_up(&l->test, comm);
    }
    if (d->train.info.count == 0 || d->train.info.count + d->test.info.count > IMAGES_MAX)
        return lks_comm_check(comm, err);
    return find_repeats(&l->repeats, comm, l->traces, l->n_traces, err);
}

static const int64_t *count_kept(const lks_dataset *d, const lks_data_config *c,
                                 int64_t kept[LKS_CLASSES_MAX]) {
    if (!c->limit || d->train.info.count == 0)
        return NULL;
    for (int k = 0; k < LKS_CLASSES_MAX; k++)
        kept[k] = d->rule.train[k] + d->rule.validation[k];
    return kept;
}

lks_status lks_dataset_examine(lks_dataset *d, lks_comm *comm, const lks_config *config,
                               lks_error *err) {
    look *l = lks_alloc(1, sizeof *l, "what the images look like", err);
    LKS_TRY(lks_comm_agree(comm, l ? LKS_OK : err->status, err));
    lks_status status = look_at(l, d, comm, err);
    if (status == LKS_OK) {
        int64_t kept[LKS_CLASSES_MAX] = {0};
        const lks_set_facts facts = {
            .config = &config->data,
            .rows = d->identity.rows,
            .columns = d->identity.columns,
            .kept = count_kept(d, &config->data, kept),
            .path = d->train.info.count ? d->train.info.path : d->test.info.path,
            .training = &l->training,
            .test = &l->test,
            .repeats = &l->repeats,
            .classes = d->identity.classes,
            .weighted = config->train.class_weighting != LKS_WEIGHTING_NONE};
        lks_find(&d->findings, &facts);
        status = lks_findings_check(&d->findings, err);
        lks_findings_warn(&d->findings);
    }
    lks_free(l->traces);
    lks_free(l);
    return status;
}
