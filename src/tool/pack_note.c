/* What stands beside packed images. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "config/source.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "run/run_folder.h"
#include "tool/pack.h"

/* True for a folder's name that data.class_names takes. */
static bool is_class_name(const char *name) {
    const size_t length = strlen(name);
    return length < LKS_NAME_MAX && !strpbrk(name, "\t\r\n") &&
           lks_text_check(name, length) == length;
}

/* Names that say no more than the labels do are left out. */
static void name_classes(const lks_picture_folder *f, lks_data_config *data) {
    bool tell = false;
    for (int k = 0; k < f->n_classes; k++) {
        char label[16], shown[256];
        const char *name = f->class_names[k];
        snprintf(label, sizeof label, "%d", k);
        tell = tell || strcmp(name, label) != 0;
        if (!is_class_name(name)) {
            lks_warn("'%s' can be no name of a class: it has more than %d bytes, or others than a "
                     "text's; "
                     "the classes get no names",
                     lks_printable(shown, sizeof shown, name, strlen(name)), LKS_NAME_MAX - 1);
            return;
        }
        snprintf(data->class_names[k], LKS_NAME_MAX, "%s", name);
    }
    data->n_class_names = tell ? f->n_classes : 0;
}

/* A network's classes keep their names, which folders may not have. */
static void copy_names(const lks_data_config *like, lks_data_config *data) {
    data->n_class_names = like->n_class_names;
    memcpy(data->class_names, like->class_names, sizeof data->class_names);
}

/* Training counts classes by the largest label, which has to be there. */
static int classes_to_tell(const lks_packed *p) {
    const lks_split *s = &p->split;
    for (int64_t i = 0; i < s->n_train; i++)
        if (p->labels[s->train[i]] == p->folder.n_classes - 1)
            return 0;
    return p->folder.n_classes;
}

lks_status lks_pack_like(lks_packed *p, lks_error *err) {
    lks_chosen s;
    lks_config c;
    LKS_TRY(lks_folder_read(p->options->like, &s, err));
    if (s.remark[0])
        lks_warn("%s", s.remark);
    const lks_data_identity *d = &s.checkpoint.data;
    const char *yaml = s.checkpoint.config_yaml;
    lks_status status = lks_config_parse(&c, yaml, strlen(yaml), s.path, NULL, 0, err);
    if (status == LKS_OK) {
        const lks_pictures_config said = {.preprocess = LKS_PREPROCESS_AUTO};
        status = lks_preparation_make(&p->preparation, &said, &c.data.pictures, d, s.path, err);
        if (status == LKS_OK && !(p->like = lks_alloc(1, sizeof *p->like, "the classes", err)))
            status = err->status;
        if (status == LKS_OK) {
            *p->like = c.data;
            p->like_classes = d->classes;
            p->form = p->preparation.form;
        }
        lks_config_free(&c);
    }
    lks_checkpoint_free(&s.checkpoint);
    return status;
}

char *lks_pack_note(const lks_packed *p, lks_error *err) {
    const lks_picture_form *f = &p->form;
    lks_packed_note *note = lks_alloc(1, sizeof *note, LKS_PACKED_NAME, err);
    if (!note)
        return NULL;
    note->rows = f->rows;
    note->columns = f->columns;
    note->channels = f->channels;
    note->data.classes = classes_to_tell(p);
    note->data.pictures = (lks_pictures_config){LKS_PREPROCESS_MNIST, false, 0};
    if (p->preparation.way == LKS_PREPROCESS_NONE)
        note->data.pictures = (lks_pictures_config){LKS_PREPROCESS_NONE, f->invert, f->background};
    if (p->like)
        copy_names(p->like, &note->data);
    else
        name_classes(&p->folder, &note->data);
    char *text = lks_packed_note_text(note, err);
    lks_free(note);
    return text;
}
