#include "base/text.h"
#include "config/locale.h"
#include "config/print.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1500 /* of the list of differences; the rest is counted */

/* Whom to tell of a difference, and whether memory was short for one. */
typedef struct comparison {
    lks_config_difference tell;
    void *context;
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
                    const void *first, const void *second) {
    char *a = value_text(write, what, first), *b = value_text(write, what, second);
    if (!a || !b)
        c->failed = true;
    else if (strcmp(a, b) != 0)
        c->tell(c->context, key, a, b);
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

/* All that differs, or only what may not on resume. */
static lks_status compare_all(comparison *c, const lks_config *a, const lks_config *b, bool resume,
                              lks_error *err) {
    const lks_option *option;
    locale_t locale = lks_locale_enter();
    for (int i = 0; (option = lks_option_at(i)); i++) {
        if (option->type == LKS_OPT_MODEL)
            compare_layers(c, a, b);
        else if (!resume || !may_differ(option, a))
            compare(c, option->key, write_option, option, a, b);
    }
    lks_locale_leave(locale);
    return c->failed ? lks_fail(err, LKS_ERR_MEMORY,
                                "out of memory for the differences of two configurations")
                     : LKS_OK;
}

lks_status lks_config_compare(const lks_config *a, const lks_config *b, lks_config_difference tell,
                              void *context, lks_error *err) {
    comparison c = {.tell = tell, .context = context};
    return compare_all(&c, a, b, false, err);
}

/* The differences as a message. */
typedef struct list {
    char text[TEXT_MAX + 512];
    size_t length;
    int hidden;
} list;

static void add_to_list(void *context, const char *key, const char *saved, const char *now) {
    list *l = context;
    if (l->length > TEXT_MAX)
        l->hidden++;
    else
        l->length +=
            (size_t)snprintf(l->text + l->length, sizeof l->text - l->length,
                             "\n  %.64s: %.160s in the checkpoint, %.160s now", key, saved, now);
}

lks_status lks_config_same_run(const lks_config *saved, const lks_config *now, lks_error *err) {
    list l = {.length = 0};
    char more[32] = "";
    comparison c = {.tell = add_to_list, .context = &l};
    LKS_TRY(compare_all(&c, saved, now, true, err));
    if (l.hidden)
        snprintf(more, sizeof more, "\n  and %d more", l.hidden);
    return l.length == 0
               ? LKS_OK
               : lks_fail(err, LKS_ERR_MISMATCH,
                          "the checkpoint belongs to a run with another configuration:%s%s", l.text,
                          more);
}

static void write_layers(FILE *out, const lks_config *config) {
    for (int k = 0; k < config->n_layers; k++) {
        fprintf(out, "layer: ");
        lks_layer_write(out, &config->layers[k]);
        fputc('\n', out);
    }
}

/* False: memory was too short. */
static bool write_deciding(FILE *out, const lks_option *option, const lks_config *config) {
    const lks_option *row = lks_option_in(option, config); /* the chosen optimizer's */
    char *value = row ? value_text(write_option, row, config) : NULL;
    if (!value)
        return !row;
    if (!row->preset || strcmp(value, row->preset) != 0)
        fprintf(out, "%s: %s\n", option->key, value);
    free(value);
    return true;
}

/* Where the data are: what they are is told by their digest. */
static bool tells_of_files(const lks_option *option) {
    static const char *const keys[] = {"data.train_images", "data.train_labels", "data.test_images",
                                       "data.test_labels",  "data.label_offset", "data.transpose"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(option->key, keys[i]) == 0)
            return true;
    return false;
}

char *lks_config_deciding(const lks_config *config, lks_error *err) {
    lks_text text;
    const lks_option *option;
    bool whole = true;
    if (lks_text_open(&text, "the configuration", err) != LKS_OK)
        return NULL;
    locale_t locale = lks_locale_enter();
    for (int i = 0; (option = lks_option_at(i)); i++) {
        if (option->type == LKS_OPT_MODEL)
            write_layers(text.f, config);
        else if (!may_differ(option, config) && !tells_of_files(option))
            whole = write_deciding(text.f, option, config) && whole;
    }
    lks_locale_leave(locale);
    if (lks_text_close(&text, "the configuration", err) != LKS_OK)
        return NULL;
    if (whole)
        return text.bytes;
    free(text.bytes);
    lks_fail(err, LKS_ERR_MEMORY, "out of memory for a configuration's text");
    return NULL;
}

/* --- what runs are compared by ---------------------------------------------------------------- */

static bool is_number(lks_option_type type) {
    return type == LKS_OPT_INT || type == LKS_OPT_INT64 || type == LKS_OPT_UINT64 ||
           type == LKS_OPT_DOUBLE;
}

/* Chunks are numbers whose words are chosen from. */
static bool is_numeral(const lks_option *option) {
    return option->type == LKS_OPT_WORD && option->words[0].word[0] >= '0' &&
           option->words[0].word[0] <= '9';
}

static lks_config_value value_of(const lks_option *option, const char *text) {
    lks_config_value value = {.key = option->key, .kind = LKS_VALUE_TEXT, .text = text};
    if (option->type == LKS_OPT_BOOL) {
        value.kind = LKS_VALUE_TRUTH;
        value.number = strcmp(text, "true") == 0;
    } else if (is_number(option->type) || is_numeral(option)) {
        value.kind = LKS_VALUE_NUMBER;
        value.number = strtod(text, NULL);
    }
    return value;
}

static bool decides(const lks_option *option) {
    return option->type != LKS_OPT_MODEL && !tells_of_files(option) &&
           (option->resume == LKS_RESUME_SAME || option->resume == LKS_RESUME_EPOCHS);
}

static lks_status tell_value(const lks_option *option, const lks_config *config,
                             void (*visit)(void *context, const lks_config_value *value),
                             void *context, lks_error *err) {
    const lks_option *row = decides(option) ? lks_option_in(option, config) : NULL;
    if (!row)
        return LKS_OK;
    char *text = value_text(write_option, row, config);
    if (!text)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for a configuration's values");
    const lks_config_value value = value_of(row, text);
    visit(context, &value);
    free(text);
    return LKS_OK;
}

lks_status lks_config_values(const lks_config *config,
                             void (*visit)(void *context, const lks_config_value *value),
                             void *context, lks_error *err) {
    const lks_option *option;
    lks_status status = LKS_OK;
    locale_t locale = lks_locale_enter();
    for (int i = 0; status == LKS_OK && (option = lks_option_at(i)); i++)
        status = tell_value(option, config, visit, context, err);
    lks_locale_leave(locale);
    return status;
}
