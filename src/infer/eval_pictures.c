#include "infer/eval_pictures.h"

#include <stdio.h>
#include <string.h>

#include "infer/predict/preparation.h"
#include "job/agree.h"
#include "base/digest.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "pictures/picture_folder.h"

/* --- which pictures --------------------------------------------------------------------------- */

/* Pictures of the part that is evaluated; they stand together. */
static const lks_labelled_picture *part_of(const lks_picture_folder *f, int64_t *n) {
    int64_t first = 0;
    while (f->has_test && first < f->n_pictures && !f->pictures[first].test)
        first++;
    *n = f->n_pictures - first;
    return f->pictures + first;
}

static void warn_of_left_out(const lks_picture_folder *f, const char *dir) {
    if (f->has_test)
        lks_info("%s has folders train and test: the pictures of test are evaluated", dir);
    for (int i = 0; i < f->n_left_out; i++)
        lks_warn("left out: %s (%lld, the first is %s)", f->left_out[i].kind,
                 (long long)f->left_out[i].count, f->left_out[i].first);
}

/* Names and labels, as one digest. */
static lks_status digest(const lks_picture_folder *f, char hex[LKS_SHA256_HEX], lks_error *err) {
    lks_sha256 *sum = lks_sha256_start(err);
    if (!sum)
        return err->status;
    for (int64_t i = 0; i < f->n_pictures; i++) {
        const lks_labelled_picture *p = &f->pictures[i];
        lks_sha256_add(sum, p->path, strlen(p->path) + 1);
        lks_sha256_add(sum, (const char *)&p->label, 1);
    }
    lks_sha256_finish(sum, hex);
    return LKS_OK;
}

static lks_status same_folder(const lks_picture_folder *f, lks_comm *comm, lks_error *err) {
    char hex[LKS_SHA256_HEX], text[LKS_SHA256_HEX + 64];
    LKS_TRY(lks_comm_agree(comm, digest(f, hex, err), err));
    snprintf(text, sizeof text, "%lld, names and labels SHA-256 %.16s", (long long)f->n_pictures,
             hex);
    const lks_agree_item item = {"the pictures", text, LKS_AGREE_REFUSE,
                                 "let the folder be the same on all hosts"};
    return lks_agree(comm, &item, 1, LKS_ERR_DATA, err);
}

/* --- images ----------------------------------------------------------------------------------- */

static lks_status read_picture(const lks_preparation *how, const char *path, uint8_t *out,
                               lks_error *err) {
    lks_picture picture;
    lks_prepared done;
    lks_picture_info info;
    LKS_TRY(lks_picture_read(&picture, path, err));
    const lks_status status = lks_prepare(how, &picture, false, out, &done, &info, err);
    lks_picture_free(&picture);
    if (status == LKS_OK && info.blank)
        lks_warn("%s: it is blank: the network sees black", path);
    return status;
}

static lks_status read_share(lks_image_set *s, const lks_labelled_picture *pictures,
                             const lks_preparation *how, const lks_comm *comm, lks_error *err) {
    LKS_TRY(lks_image_set_allocate(s, comm, err));
    for (int64_t i = 0; i < s->info.count; i++)
        s->counts[pictures[i].label]++;
    for (int64_t i = 0; i < s->share.count; i++) {
        const int64_t id = s->share.first + i;
        uint8_t *image = s->images + (size_t)i * s->image_bytes;
        LKS_TRY(read_picture(how, pictures[id].path, image, err));
        s->labels[i] = pictures[id].label;
        s->sums[i] = lks_image_sum(s, image, s->labels[i], (uint32_t)id);
    }
    return LKS_OK;
}

static lks_status open_listed(lks_image_set *s, lks_comm *comm, const lks_ensemble *e,
                              const lks_picture_folder *f, lks_error *err) {
    const lks_network *first = &e->members[0];
    const lks_pictures_config said = {.preprocess = LKS_PREPROCESS_AUTO};
    lks_preparation how;
    LKS_TRY(lks_preparation_make(&how, &said, &first->config.data.pictures, &first->data,
                                 first->path, err));
    LKS_TRY(same_folder(f, comm, err));
    s->info = (lks_image_file){
        .rows = e->shape.rows, .columns = e->shape.columns, .channels = e->shape.channels};
    const lks_labelled_picture *pictures = part_of(f, &s->info.count);
    return lks_comm_agree(comm, read_share(s, pictures, &how, comm, err), err);
}

static lks_status check_network(const lks_ensemble *e, lks_error *err) {
    const int channels = e->shape.channels;
    if (channels == 1 || channels == 3)
        return lks_class_names_check(&e->members[0].config.data, e->classes, err);
    return lks_fail(err, LKS_ERR_DATA, "a picture has 1 or 3 channels, the network of %s takes %d",
                    e->members[0].path, channels);
}

lks_status lks_eval_pictures_open(lks_image_set *set, lks_comm *comm, const lks_ensemble *e,
                                  const char *dir, lks_error *err) {
    lks_picture_folder f = {0};
    LKS_TRY(check_network(e, err));
    lks_status status =
        lks_picture_folder_scan_known(&f, dir, &e->members[0].config.data, e->classes, err);
    status = lks_comm_agree(comm, status, err);
    if (status == LKS_OK) {
        warn_of_left_out(&f, dir);
        status = open_listed(set, comm, e, &f, err);
    }
    lks_picture_folder_free(&f);
    return status;
}
