/* What is packed is looked at as training looks at it, while the pictures are still at hand. */
#include "feed/findings.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "tool/pack.h"

typedef struct look {
    lks_survey part[2]; /* training, test */
    lks_image_trace *traces;
    size_t n;
    lks_repeats repeats;
} look;

static void survey(look *l, const lks_packed *p, int part) {
    const uint32_t *ids = part ? p->split.validation : p->split.train;
    const int64_t n = part ? p->split.n_validation : p->split.n_train;
    lks_survey_start(&l->part[part], p->form.channels);
    for (int64_t i = 0; i < n; i++) {
        const uint32_t id = ids[i];
        const uint8_t *image = p->images + (size_t)id * p->image_bytes;
        if (!lks_survey_add(&l->part[part], i, image, p->image_bytes))
            l->traces[l->n++] = (lks_image_trace){lks_image_hash(image, p->image_bytes),
                                                  (uint32_t)i, p->labels[id], part == 1};
        lks_survey_add_labels(&l->part[part], &p->labels[id], 1);
    }
}

/* Where none was left out, the pictures and the images are in one order. */
static const char *name_picture(const void *context, bool test, int64_t id) {
    const lks_packed *p = context;
    const uint32_t *ids = test ? p->split.validation : p->split.train;
    return p->count == p->folder.n_pictures ? p->folder.pictures[ids[id]].path : NULL;
}

lks_status lks_pack_check(const lks_packed *p, lks_error *err) {
    const lks_data_config config = {.normalize = LKS_NORMALIZE_NONE};
    lks_findings found;
    look *l = lks_alloc(1, sizeof *l, "what the images look like", err);
    if (!l)
        return err->status;
    l->traces = lks_alloc((size_t)p->count, sizeof *l->traces, "hashes of the images", err);
    lks_status status = l->traces ? LKS_OK : err->status;
    if (status == LKS_OK) {
        survey(l, p, 0);
        survey(l, p, 1);
        l->repeats = lks_repeats_count(l->traces, l->n);
        lks_find(&found, &(lks_set_facts){.config = &config,
                                          .path = "",
                                          .training = &l->part[0],
                                          .test = &l->part[1],
                                          .repeats = &l->repeats,
                                          .classes = p->folder.n_classes,
                                          .name = name_picture,
                                          .named = p});
        status = lks_findings_check(&found, err);
        lks_findings_warn(&found);
    }
    lks_free(l->traces);
    lks_free(l);
    return status;
}
