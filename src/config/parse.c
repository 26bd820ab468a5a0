#include "base/utf8.h"
#include "config/advice.h"
#include "config/locale.h"
#include "config/reader.h"
#include "lockstep/suggest.h"
#include "config/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lks_origin *lks_reader_origin(lks_reader *r, const lks_option *option) {
    return &r->origins[lks_option_index(option)];
}

/* --- unknown keys
 * ----------------------------------------------------------------------------------- */

/* The next component of @p key below @p section ("" is the top); NULL if the key is not below it.
 */
static const char *component(const char *key, const char *section, size_t *length) {
    size_t skip = strlen(section);
    if (skip > 0) {
        if (strncmp(key, section, skip) != 0 || key[skip] != '.')
            return NULL;
        key += skip + 1;
    }
    *length = strcspn(key, ".");
    return key;
}

static bool is_section(const char *path) {
    size_t length;
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        if (component(option->key, path, &length))
            return true;
    return false;
}

static const char *last_component(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

/* The key or section elsewhere whose last component is that of @p path, the nearest of several, into
 * @p found; false if there is none. */
static bool same_component(const char *path, char found[LKS_KEY_MAX]) {
    const char *wanted = last_component(path);
    size_t distance = SIZE_MAX;
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        for (const char *at = option->key; at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL) {
            const size_t n = strcspn(at, "."), whole = (size_t)(at - option->key) + n;
            if (n != strlen(wanted) || strncmp(at, wanted, n) != 0)
                continue;
            const size_t d = lks_edit_distance(option->key, whole, path, strlen(path));
            if (d >= distance)
                continue;
            distance = d;
            snprintf(found, LKS_KEY_MAX, "%.*s", (int)whole, option->key);
        }
    return distance < SIZE_MAX;
}

/* A key that is not known: where it stands, and what is said of it. */
typedef struct unknown {
    const char *section, *key, *path; /* section "": the top, or a --set, whose key has dots */
    bool in_file;
    char advice[300];
} unknown;

/* "did you mean", as it is written there. */
static void suggest(unknown *u, const char *key) {
    char place[LKS_KEY_MAX + 40];
    if (u->in_file)
        snprintf(u->advice, sizeof u->advice, "write %s",
                 lks_advice_place(key, u->section, place, sizeof place));
    else
        snprintf(u->advice, sizeof u->advice, "did you mean '%s'?", key);
}

/* What is known of the word from elsewhere; false if that does not help here. */
static bool translate(unknown *u) {
    const lks_advice *advice = lks_advice_find(u->key);
    if (!advice)
        return false;
    char sibling[LKS_KEY_MAX];
    snprintf(sibling, sizeof sibling, "%s.%s", u->section, advice->instead ? advice->instead : "");
    if (advice->instead && lks_option_find(advice->instead)) {
        suggest(u, advice->instead);
        return true;
    }
    if (lks_option_find(sibling)) {
        suggest(u, sibling);
        return true;
    }
    bool layer = false;
    for (const lks_layer_kind *const *kind = lks_layer_kinds; *kind; kind++)
        layer = layer || lks_advice_names(advice, (*kind)->name);
    if (layer)
        snprintf(u->advice, sizeof u->advice, "a layer is an entry of the list 'model'");
    else if (!advice->instead || strchr(advice->instead, '|'))
        snprintf(u->advice, sizeof u->advice, "%s", advice->text);
    return u->advice[0];
}

static void list_keys(unknown *u, const char *section) {
    size_t used = (size_t)snprintf(u->advice, sizeof u->advice, "known keys:"), length;
    const char *before = "";
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)) && used < sizeof u->advice; i++) {
        const char *name = component(option->key, section, &length);
        if (!name || (strncmp(name, before, length) == 0 && before[length] == '.'))
            continue;
        used +=
            (size_t)snprintf(u->advice + used, sizeof u->advice - used, " %.*s", (int)length, name);
        before = name;
    }
}

static void advise(unknown *u) {
    const bool below = u->section[0] != '\0' || !strchr(u->key, '.');
    lks_nearest nearest = lks_nearest_start(u->key);
    size_t length;
    const lks_option *option;
    if (translate(u))
        return;
    for (int i = 0; (option = lks_option_at(i)); i++) {
        const char *name = option->key;
        if (!below)
            lks_nearest_offer(&nearest, name, strlen(name));
        else if ((name = component(name, u->section, &length)))
            lks_nearest_offer(&nearest, name, length);
    }
    char elsewhere[LKS_KEY_MAX];
    if ((!nearest.best || (!below && nearest.distance > 2)) && same_component(u->path, elsewhere))
        suggest(u, elsewhere);
    else if (nearest.best)
        snprintf(u->advice, sizeof u->advice, "did you mean '%.*s'?", (int)nearest.best_length,
                 nearest.best);
    else
        list_keys(u, below ? u->section : "");
}

static lks_status unknown_key(lks_reader *r, const char *section, const lks_node *key,
                              const char *path) {
    char shown[80];
    unknown u = {section, key->text, path, r->now.kind == LKS_SOURCE_FILE, ""};
    lks_printable(shown, sizeof shown, key->text, strlen(key->text));
    if (strcmp(key->text, "<<") == 0)
        return lks_fail_at(r->err, &r->now, key->offset, "merge keys (<<) are not supported");
    char place[LKS_KEY_MAX + 40];
    if (u.in_file && strchr(key->text, '.') && lks_option_find(key->text))
        return lks_fail_at(r->err, &r->now, key->offset,
                           "unknown key '%s': keys with dots are for --set; in a file write %s",
                           shown, lks_advice_place(key->text, "", place, sizeof place));
    advise(&u);
    return lks_fail_at(r->err, &r->now, key->offset, "unknown key '%s'%s%s%s; %s", shown,
                       section[0] ? " in '" : "", section, section[0] ? "'" : "", u.advice);
}

/* --- values and sections
 * ---------------------------------------------------------------------------- */

static lks_status read_option(lks_reader *r, const lks_option *option, const lks_node *node) {
    if (option->type == LKS_OPT_MODEL)
        LKS_TRY(lks_model_read(r, node));
    else
        LKS_TRY(lks_option_read(option, r->config, option->key, node, &r->now, r->err));
    *lks_reader_origin(r, option) = (lks_origin){r->from, node->offset};
    return LKS_OK;
}

static lks_status check_key(lks_reader *r, const lks_node *map, const lks_node *key) {
    if (key->type != LKS_NODE_SCALAR)
        return lks_fail_at(r->err, &r->now, key->offset, "a key must be a word");
    for (const lks_node *k = map->first; k != key; k = k->next->next)
        if (strcmp(k->text, key->text) == 0) {
            char shown[80];
            lks_printable(shown, sizeof shown, key->text, strlen(key->text));
            return lks_fail_at(r->err, &r->now, key->offset,
                               "duplicate key '%s', first given on line %d", shown,
                               lks_source_line(&r->now, k->offset));
        }
    return LKS_OK;
}

/* "optimizer: adamw" and the like: the word is the section's name. */
static lks_status no_map(lks_reader *r, const char *section, const lks_node *node) {
    char key[LKS_KEY_MAX], place[LKS_KEY_MAX + 40] = "";
    snprintf(key, sizeof key, "%s.name", section);
    const lks_option *name = lks_option_find(key);
    if (name && name->words && node->type == LKS_NODE_SCALAR) {
        const char *word = lks_advice_word(name->words, node->text);
        snprintf(place, sizeof place,
                 r->now.kind == LKS_SOURCE_FILE ? ": write %s: {name: %s}" : ": write %s.name=%s",
                 r->now.kind == LKS_SOURCE_FILE ? last_component(section) : section,
                 word ? word : "...");
    }
    return lks_fail_at(r->err, &r->now, node->offset,
                       section[0] ? "'%s' must be a map of keys%s%s"
                                  : "%sa configuration must be a map of keys%s%s",
                       section, node->type == LKS_NODE_NULL ? ", and has none" : "", place);
}

/* Applies a section's map. Recursion ends where the table's keys end. */
static lks_status read_section(lks_reader *r, const char *section, const lks_node *node) {
    if (node->type != LKS_NODE_MAP)
        return no_map(r, section, node);
    for (const lks_node *key = node->first; key; key = key->next->next) {
        LKS_TRY(check_key(r, node, key));
        char path[LKS_KEY_MAX];
        int length =
            snprintf(path, sizeof path, "%s%s%s", section, section[0] ? "." : "", key->text);
        bool dotted = strchr(key->text, '.') != NULL || length >= (int)sizeof path;
        const lks_option *option = dotted ? NULL : lks_option_find(path);
        if (option)
            LKS_TRY(read_option(r, option, key->next));
        else if (!dotted && key->text[0] && is_section(path))
            LKS_TRY(read_section(r, path, key->next));
        else
            return unknown_key(r, section, key, path);
    }
    return LKS_OK;
}

static lks_status apply_key(lks_reader *r, const char *key, const lks_node *node) {
    const lks_option *option = lks_option_find(key);
    if (option)
        return read_option(r, option, node);
    if (strncmp(key, "model.", 6) == 0)
        return lks_model_set(r, key + 6, node);
    if (is_section(key))
        return read_section(r, key, node);
    char text[LKS_KEY_MAX];
    snprintf(text, sizeof text, "%s", key);
    return unknown_key(r, "", &(lks_node){.type = LKS_NODE_SCALAR, .text = text}, text);
}

/* --- the two kinds of text
 * -------------------------------------------------------------------------- */

static lks_status apply_file(lks_reader *r) {
    lks_yaml yaml;
    r->now = r->file;
    r->from = LKS_FROM_FILE;
    LKS_TRY(lks_yaml_parse(&yaml, &r->now, r->err));
    lks_status status =
        yaml.root ? read_section(r, "", yaml.root)
                  : lks_fail_at(r->err, &r->now, 0,
                                "the file is empty; a configuration has at least 'model'");
    lks_yaml_free(&yaml);
    return status;
}

/* A word of a shell is no document of YAML: a '#' in it begins no comment, a '[' no list. So the value of
 * a key that takes a text is taken whole, unless it begins with one of YAML's quotes. */
static bool is_whole(const lks_option *option, const char *value) {
    return option && (option->type == LKS_OPT_STRING || option->type == LKS_OPT_NAME) &&
           *value != '\'' && *value != '"';
}

static lks_status apply_value(lks_reader *r, const char *key) {
    const lks_option *option = lks_option_find(key);
    if (is_whole(option, r->now.text)) {
        LKS_TRY(lks_option_set(option, r->config, option->key, &r->now, r->err));
        *lks_reader_origin(r, option) = (lks_origin){r->from, 0};
        return LKS_OK;
    }
    lks_yaml yaml;
    LKS_TRY(lks_yaml_parse(&yaml, &r->now, r->err));
    const lks_node nothing = {.type = LKS_NODE_NULL};
    lks_status status = apply_key(r, key, yaml.root ? yaml.root : &nothing);
    lks_yaml_free(&yaml);
    return status;
}

static lks_status apply_set(lks_reader *r, int i) {
    const char *set = r->sets[i], *equals = strchr(set, '=');
    if (!equals || equals == set) {
        char shown[200];
        lks_printable(shown, sizeof shown, set, strlen(set));
        return lks_fail(r->err, LKS_ERR_USAGE,
                        "--set %s: write KEY=VALUE, for instance train.optimizer.lr=0.01", shown);
    }
    r->now = (lks_source){
        .kind = LKS_SOURCE_SET, .label = set, .text = equals + 1, .size = strlen(equals + 1)};
    r->from = LKS_FROM_SETS + i;
    char *key = strndup(set, (size_t)(equals - set));
    if (!key)
        return lks_fail(r->err, LKS_ERR_MEMORY, "out of memory while reading --set");
    lks_status status = apply_value(r, key);
    free(key);
    return status;
}

/* --- the whole
 * -------------------------------------------------------------------------------------- */

/* The run's name without a `name:` is the file's, without folder and suffix. */
static void name_from_file(lks_config *config, const char *file) {
    const char *slash = strrchr(file, '/');
    char base[LKS_PATH_MAX];
    lks_printable(base, sizeof base, slash ? slash + 1 : file, strlen(slash ? slash + 1 : file));
    char *dot = strrchr(base, '.');
    if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
        *dot = '\0';
    const char *name = base[strspn(base, ".")] ? base : "config";
    size_t length = 0;
    for (;;) { /* whole characters only */
        size_t n = lks_utf8_sequence(name + length, strlen(name + length));
        if (n == 0 || length + n >= sizeof config->name)
            break;
        length += n;
    }
    memcpy(config->name, name, length);
}

static lks_status parse_all(lks_reader *r, int n_sets) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        lks_option_reset(option, r->config);
    name_from_file(r->config, r->file.label);
    LKS_TRY(apply_file(r));
    for (int i = 0; i < n_sets; i++)
        LKS_TRY(apply_set(r, i));
    return lks_config_check(r);
}

lks_status lks_fail_option(const lks_reader *r, const lks_option *option, const char *format, ...) {
    char message[600];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    lks_origin origin = r->origins[lks_option_index(option)];
    lks_source source = r->file;
    if (origin.from >= LKS_FROM_SETS)
        source =
            (lks_source){.kind = LKS_SOURCE_SET, .label = r->sets[origin.from - LKS_FROM_SETS]};
    return lks_fail_at(r->err, &source, origin.offset, "%s", message);
}

lks_status lks_config_parse(lks_config *config, const char *text, size_t size, const char *file,
                            const char *const *sets, int n_sets, lks_error *err) {
    memset(config, 0, sizeof *config);
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) { /* byte order mark */
        text += 3;
        size -= 3;
    }
    lks_reader r = {.config = config,
                    .file = {.label = file, .text = text, .size = size},
                    .sets = sets,
                    .err = err};
    if (size > LKS_CONFIG_SIZE_MAX)
        return lks_fail(err, LKS_ERR_CONFIG, "%s: larger than 1 MiB, this is no configuration",
                        file);
    locale_t saved = lks_locale_enter();
    lks_status status = parse_all(&r, n_sets);
    lks_locale_leave(saved);
    if (status != LKS_OK)
        lks_config_free(config);
    return status;
}

static lks_status set_value(lks_config *config, const lks_key_value *value, lks_error *err) {
    const lks_source source = {
        .kind = LKS_SOURCE_PROGRAM, .text = value->value, .size = strlen(value->value)};
    const lks_option *option = lks_option_find(value->key);
    return lks_option_set(option, config, option->key, &source, err);
}

/* Nothing that is in effect counts as a default any more, which another one could take the place of. */
static void settle(lks_reader *r) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        if (lks_option_applies(option, r->config))
            lks_reader_origin(r, option)->from = LKS_FROM_FILE;
}

lks_status lks_config_override(lks_config *config, const lks_key_value *values, int n,
                               lks_error *err) {
    lks_reader r = {.config = config, .file = {.kind = LKS_SOURCE_PROGRAM}, .err = err};
    lks_status status = LKS_OK;
    locale_t saved = lks_locale_enter();
    for (int i = 0; i < n && status == LKS_OK; i++)
        status = set_value(config, &values[i], err);
    settle(&r);
    if (status == LKS_OK)
        status = lks_config_check(&r);
    lks_locale_leave(saved);
    return status;
}

void lks_config_free(lks_config *config) {
    free(config->layers);
    memset(config, 0, sizeof *config);
}
