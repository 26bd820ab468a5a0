#include "base/text.h"
#include "config/locale.h"
#include "config/print.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1500 /* of the list of differences; the rest is counted */

typedef struct comparison {
    FILE *out;
    int differences, hidden, written; /* written: bytes */
    bool failed;
} comparison;

typedef void (*writer)(FILE *out, const void *what, const void *base);

static void write_option(FILE *out, const void *option, const void *base) {
    lks_option_write(out, option, base);
}

static void write_layer(FILE *out, const void *unused, const void *layer) {
    (void)unused;
    if (layer)
        lks_layer_write(out, layer);
    else
        fputs("missing", out);
}

/* The text of a value, owned by the caller; NULL when memory is short. */
static char *value_text(writer write, const void *what, const void *base) {
    lks_text text;
    lks_error ignored;
    if (lks_text_open(&text, "a value", &ignored) != LKS_OK)
        return NULL;
    write(text.f, what, base);
    lks_text_close(&text, "a value", &ignored);
    return text.bytes;
}

/* Two values are equal if they are written the same: both texts read back exactly. */
static void compare(comparison *c, const char *key, writer write, const void *what,
                    const void *saved, const void *now) {
    char *a = value_text(write, what, saved), *b = value_text(write, what, now);
    if (!a || !b) {
        c->failed = true;
    } else if (strcmp(a, b) != 0) {
        c->differences++;
        if (c->written > TEXT_MAX)
            c->hidden++;
        else
            c->written +=
                fprintf(c->out, "\n  %s: %.160s in the checkpoint, %.160s now", key, a, b);
    }
    free(a);
    free(b);
}

static void compare_layers(comparison *c, const lks_config *saved, const lks_config *now) {
    int n = saved->n_layers > now->n_layers ? saved->n_layers : now->n_layers;
    for (int i = 0; i < n; i++) {
        char key[32];
        snprintf(key, sizeof key, "model, layer %d", i + 1);
        compare(c, key, write_layer, NULL, i < saved->n_layers ? &saved->layers[i] : NULL,
                i < now->n_layers ? &now->layers[i] : NULL);
    }
}

/* That both runs have the same schedule and early stopping is compared anyway. */
static bool may_differ(const lks_option *option, const lks_config *saved) {
    const lks_train_config *t = &saved->train;
    switch (option->resume) {
    case LKS_RESUME_FREE:
        return true;
    case LKS_RESUME_EPOCHS:
        return t->schedule.name != LKS_SCHEDULE_ONECYCLE && t->schedule.name != LKS_SCHEDULE_COSINE;
    case LKS_RESUME_EVALUATIONS:
        return t->schedule.name != LKS_SCHEDULE_PLATEAU && t->stop_patience == 0;
    case LKS_RESUME_SAME:
        break;
    }
    return false;
}

static void compare_all(comparison *c, const lks_config *saved, const lks_config *now) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++) {
        if (option->type == LKS_OPT_MODEL)
            compare_layers(c, saved, now);
        else if (!may_differ(option, saved))
            compare(c, option->key, write_option, option, saved, now);
    }
    if (c->hidden)
        fprintf(c->out, "\n  and %d more", c->hidden);
}

static const char differences[] = "the differences of two configurations";

lks_status lks_config_same_run(const lks_config *saved, const lks_config *now, lks_error *err) {
    lks_text text;
    LKS_TRY(lks_text_open(&text, differences, err));
    comparison c = {.out = text.f};
    locale_t locale = lks_locale_enter();
    compare_all(&c, saved, now);
    lks_locale_leave(locale);
    LKS_TRY(lks_text_close(&text, differences, err));
    lks_status status = LKS_OK;
    if (c.failed)
        status = lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", differences);
    else if (c.differences)
        status =
            lks_fail(err, LKS_ERR_MISMATCH,
                     "the checkpoint belongs to a run with another configuration:%s", text.bytes);
    free(text.bytes);
    return status;
}
