/* pictures.yaml: what stands beside the images that were made of pictures. */
#include "base/text.h"
#include "base/utf8.h"
#include "config/check.h"
#include "config/locale.h"
#include "config/parse.h"
#include "config/print.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

#define SIDE(name, high)                                                                           \
    {                                                                                              \
        .key = #name, .type = LKS_OPT_INT, .offset = offsetof(lks_packed_note, name), .min = 1,    \
        .max = (high)                                                                              \
    }
static const lks_option sides[] = {SIDE(rows, 65536), SIDE(columns, 65536),
                                   SIDE(channels, LKS_CHANNELS_MAX)};
enum { SIDES = sizeof sides / sizeof *sides };

static const char *const data_keys[] = {"data.classes", "data.class_names", "data.pictures"};
enum { DATA_KEYS = sizeof data_keys / sizeof *data_keys };

/* --- reading ---------------------------------------------------------------------------------- */

static lks_status unknown(lks_reader *r, const lks_node *key, const char *expected) {
    char shown[80] = "a list or map";
    if (key->type == LKS_NODE_SCALAR)
        lks_printable(shown, sizeof shown, key->text, strlen(key->text));
    return lks_fail_at(&r->problems, &r->now, key->offset,
                       "unknown key '%s': such a file has %s; `lockstep pack` writes it", shown,
                       expected);
}

/* The first value of @p name in @p map, or NULL. */
static const lks_node *value_of(const lks_node *map, const char *name) {
    for (const lks_node *key = map->first; key; key = key->next->next)
        if (key->type == LKS_NODE_SCALAR && strcmp(key->text, name) == 0)
            return key->next;
    return NULL;
}

static bool is_among(const lks_node *key, const char *const *names, int n) {
    for (int i = 0; i < n && key->type == LKS_NODE_SCALAR; i++)
        if (strcmp(key->text, names[i]) == 0)
            return true;
    return false;
}

/* LKS_OK for a map that has no keys but these. */
static lks_status check_keys(lks_reader *r, const lks_node *map, const char *const *names, int n,
                             const char *expected) {
    if (map->type != LKS_NODE_MAP)
        return lks_fail_at(&r->problems, &r->now, map->offset, "expected a map with %s", expected);
    for (const lks_node *key = map->first; key; key = key->next->next) {
        if (!is_among(key, names, n))
            return unknown(r, key, expected);
        if (value_of(map, key->text) != key->next)
            return lks_fail_at(&r->problems, &r->now, key->offset, "duplicate key '%s'", key->text);
    }
    return LKS_OK;
}

static lks_status read_sides(lks_reader *r, lks_packed_note *note, const lks_node *images) {
    const char *const names[SIDES] = {sides[0].key, sides[1].key, sides[2].key};
    LKS_TRY(check_keys(r, images, names, SIDES, "images: {rows, columns, channels}"));
    for (int i = 0; i < SIDES; i++) {
        const lks_node *value = value_of(images, sides[i].key);
        if (!value)
            return lks_fail_at(&r->problems, &r->now, images->offset, "images: %s is missing",
                               sides[i].key);
        LKS_TRY(lks_option_read(&sides[i], note, sides[i].key, value, &r->now, &r->problems));
    }
    return LKS_OK;
}

static lks_status read_data(lks_reader *r, const lks_node *data) {
    const char *names[DATA_KEYS];
    for (int i = 0; i < DATA_KEYS; i++)
        names[i] = data_keys[i] + strlen("data.");
    LKS_TRY(check_keys(r, data, names, DATA_KEYS, "data: {classes, class_names, pictures}"));
    return lks_config_read_section(r, "data", data);
}

static lks_status read_root(lks_reader *r, lks_packed_note *note, const lks_node *root) {
    static const char *const names[] = {"images", "data"};
    static const char expected[] = "images and data";
    if (!root)
        return lks_fail_at(&r->problems, &r->now, 0, "the file is empty; it has %s", expected);
    LKS_TRY(check_keys(r, root, names, 2, expected));
    const lks_node *images = value_of(root, "images"), *data = value_of(root, "data");
    if (!images || !data)
        return lks_fail_at(&r->problems, &r->now, root->offset, "'%s' is missing",
                           images ? "data" : "images");
    LKS_TRY(read_sides(r, note, images));
    return read_data(r, data);
}

static void read_note(lks_reader *r, lks_packed_note *note) {
    lks_yaml yaml;
    r->now = r->file;
    lks_config_reset(r->config);
    if (lks_yaml_parse(&yaml, &r->now, &r->problems) != LKS_OK)
        return;
    if (read_root(r, note, yaml.root) == LKS_OK)
        lks_config_check_pictures(r);
    lks_yaml_free(&yaml);
}

lks_status lks_packed_note_parse(lks_packed_note *note, const char *text, size_t size,
                                 const char *path, lks_error *err) {
    *note = (lks_packed_note){0};
    if (size > LKS_CONFIG_SIZE_MAX)
        return lks_fail(err, LKS_ERR_CONFIG, "%s: larger than 1 MiB", path);
    lks_config *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", path);
    lks_reader r = {.config = scratch, .file = {.label = path, .text = text, .size = size}};
    locale_t saved = lks_locale_enter();
    read_note(&r, note);
    lks_locale_leave(saved);
    note->data.classes = scratch->data.classes;
    note->data.n_class_names = scratch->data.n_class_names;
    memcpy(note->data.class_names, scratch->data.class_names, sizeof note->data.class_names);
    note->data.pictures = scratch->data.pictures;
    free(scratch);
    return lks_problems_report(&r.problems, err);
}

/* --- writing ---------------------------------------------------------------------------------- */

static const char head[] = "# How the images beside this file were made of pictures: `lockstep "
                           "pack` wrote it. Training takes from it what\n"
                           "# neither its configuration nor --set says, and keeps it with the "
                           "network: `predict`, `eval --pictures` and the\n"
                           "# report's page then prepare pictures in the same way.\n";

static void write_value(FILE *out, const char *key, const lks_config *config, const char *indent) {
    const lks_option *option = lks_option_find(key);
    fprintf(out, "%s%s: ", indent, strrchr(key, '.') + 1);
    lks_option_write(out, option, config);
    fputc('\n', out);
}

static void write_note(FILE *out, const lks_packed_note *note, const lks_config *config) {
    const lks_pictures_config *p = &note->data.pictures;
    fprintf(out, "%simages: {rows: %d, columns: %d, channels: %d}\ndata:\n", head, note->rows,
            note->columns, note->channels);
    if (note->data.classes)
        write_value(out, "data.classes", config, "  ");
    if (note->data.n_class_names)
        write_value(out, "data.class_names", config, "  ");
    fputs("  pictures:\n", out);
    write_value(out, "data.pictures.preprocess", config, "    ");
    if (p->preprocess != LKS_PREPROCESS_NONE)
        return;
    write_value(out, "data.pictures.invert", config, "    ");
    write_value(out, "data.pictures.background", config, "    ");
}

char *lks_packed_note_text(const lks_packed_note *note, lks_error *err) {
    lks_text text = {0};
    lks_config *config = calloc(1, sizeof *config);
    if (!config) {
        lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", LKS_PACKED_NAME);
        return NULL;
    }
    config->data = note->data;
    if (lks_text_open(&text, LKS_PACKED_NAME, err) == LKS_OK) {
        write_note(text.f, note, config);
        lks_text_close(&text, LKS_PACKED_NAME, err);
    }
    free(config);
    return text.bytes;
}

/* --- taking over ------------------------------------------------------------------------------ */

static bool same_names(const lks_data_config *a, const lks_data_config *b) {
    bool same = a->n_class_names == b->n_class_names;
    for (int k = 0; same && k < a->n_class_names; k++)
        same = strcmp(a->class_names[k], b->class_names[k]) == 0;
    return same;
}

static bool same_pictures(const lks_pictures_config *a, const lks_pictures_config *b) {
    return a->preprocess == b->preprocess && a->invert == b->invert &&
           a->background == b->background;
}

static int remark(char out[LKS_REMARK_MAX], const char *key) {
    snprintf(out, LKS_REMARK_MAX,
             "%s is another one in the configuration than in " LKS_PACKED_NAME
             " beside the images; that of the configuration holds",
             key);
    return 1;
}

int lks_config_take_note(lks_config *config, const lks_packed_note *note,
                         char out[3][LKS_REMARK_MAX]) {
    lks_data_config *own = &config->data;
    const lks_data_config *said = &note->data;
    int n = 0;
    if (said->classes && own->classes && own->classes != said->classes)
        n += remark(out[n], "data.classes");
    if (!own->classes)
        own->classes = said->classes;
    if (said->n_class_names && own->n_class_names && !same_names(own, said))
        n += remark(out[n], "data.class_names");
    if (!own->n_class_names) {
        own->n_class_names = said->n_class_names;
        memcpy(own->class_names, said->class_names, sizeof own->class_names);
    }
    if (own->pictures.preprocess != LKS_PREPROCESS_AUTO &&
        !same_pictures(&own->pictures, &said->pictures))
        n += remark(out[n], "data.pictures");
    if (own->pictures.preprocess == LKS_PREPROCESS_AUTO)
        own->pictures = said->pictures;
    return n;
}
