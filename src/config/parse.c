#include "base/utf8.h"
#include "config/advice.h"
#include "config/check.h"
#include "config/locale.h"
#include "config/model.h"
#include "config/parse.h"
#include "config/unknown.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- values and sections ---------------------------------------------------------------------- */

static bool is_section(const char *path) {
    size_t length;
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        if (lks_key_component(option->key, path, &length))
            return true;
    return false;
}

static const char *last_component(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

static lks_status read_option(lks_reader *r, const lks_option *option, const lks_node *node) {
    lks_status status =
        option->type == LKS_OPT_MODEL
            ? lks_model_read(r, node)
            : lks_option_read(option, r->config, option->key, node, &r->now, &r->problems);
    lks_reader_took(r, option, node->offset);
    if (status != LKS_OK)
        lks_reader_doubt(r, option->key);
    return status;
}

/* A second value of a key is not taken. */
static lks_status check_key(lks_reader *r, const lks_node *map, const lks_node *key) {
    if (key->type != LKS_NODE_SCALAR)
        return lks_fail_at(&r->problems, &r->now, key->offset, "a key must be a word");
    for (const lks_node *k = map->first; k != key; k = k->next->next)
        if (k->type == LKS_NODE_SCALAR && strcmp(k->text, key->text) == 0) {
            char shown[80];
            lks_printable(shown, sizeof shown, key->text, strlen(key->text));
            return lks_fail_at(&r->problems, &r->now, key->offset,
                               "duplicate key '%s', first given on line %d", shown,
                               lks_source_line(&r->now, k->offset));
        }
    return LKS_OK;
}

/* "augment: digits": the word is the section's preset; NULL: it has none. */
static const lks_option *short_form(const char *section, const lks_node *node) {
    char key[LKS_KEY_MAX];
    snprintf(key, sizeof key, "%s.preset", section);
    return node->type == LKS_NODE_SCALAR ? lks_option_find(key) : NULL;
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
    return lks_fail_at(&r->problems, &r->now, node->offset,
                       section[0] ? "'%s' must be a map of keys%s%s"
                                  : "%sa configuration must be a map of keys%s%s",
                       section, node->type == LKS_NODE_NULL ? ", and has none" : "", place);
}

static lks_status read_key(lks_reader *r, const char *section, const lks_node *key) {
    char path[LKS_KEY_MAX];
    int length = snprintf(path, sizeof path, "%s%s%s", section, section[0] ? "." : "", key->text);
    bool dotted = strchr(key->text, '.') != NULL || length >= (int)sizeof path;
    const lks_option *option = dotted ? NULL : lks_option_find(path);
    if (option)
        return read_option(r, option, key->next);
    if (!dotted && key->text[0] && is_section(path))
        return lks_config_read_section(r, path, key->next);
    lks_reader_doubt(r, section);
    return lks_fail_unknown(r, &(lks_unknown_key){section, key->text, path, key->offset});
}

/* Applies a section's map. Recursion ends where the table's keys end. */
lks_status lks_config_read_section(lks_reader *r, const char *section, const lks_node *node) {
    const lks_option *word = short_form(section, node);
    if (word)
        return read_option(r, word, node);
    if (node->type != LKS_NODE_MAP) {
        lks_reader_doubt(r, section);
        return no_map(r, section, node);
    }
    for (const lks_node *key = node->first; key; key = key->next->next)
        if (check_key(r, node, key) == LKS_OK)
            LKS_TRY(lks_noted(read_key(r, section, key)));
    return LKS_OK;
}

static lks_status apply_key(lks_reader *r, const char *key, const lks_node *node) {
    const lks_option *option = lks_option_find(key);
    if (option)
        return read_option(r, option, node);
    if (strncmp(key, "model.", 6) == 0)
        return lks_model_set(r, key + 6, node);
    if (is_section(key))
        return lks_config_read_section(r, key, node);
    lks_reader_doubt(r, "");
    return lks_fail_unknown(r, &(lks_unknown_key){"", key, key, 0});
}

/* --- the two kinds of text -------------------------------------------------------------------- */

static lks_status apply_file(lks_reader *r) {
    lks_yaml yaml;
    r->now = r->file;
    LKS_TRY(lks_yaml_parse(&yaml, &r->now, &r->problems));
    lks_status status =
        yaml.root ? lks_config_read_section(r, "", yaml.root)
                  : lks_fail_at(&r->problems, &r->now, 0,
                                "the file is empty; a configuration has at least 'model'");
    lks_yaml_free(&yaml);
    return status;
}

/* A word of a shell is no document of YAML: a '#' in it begins no comment, a '[' no list. So the value of
 * a key that takes a text is taken whole, unless it begins with one of YAML's quotes. */
static bool is_whole(const lks_reader *r, const char *key) {
    const lks_option *option = strncmp(key, "model.", 6) == 0 ? lks_model_option(r->config, key + 6)
                                                              : lks_option_find(key);
    const char first = r->now.text[0];
    return option && (option->type == LKS_OPT_STRING || option->type == LKS_OPT_NAME) &&
           first != '\'' && first != '"';
}

static lks_status apply_value(lks_reader *r, const char *key) {
    if (is_whole(r, key)) {
        lks_node text;
        LKS_TRY(lks_option_whole(key, &r->now, &text, &r->problems));
        return apply_key(r, key, &text);
    }
    lks_yaml yaml;
    LKS_TRY(lks_yaml_parse(&yaml, &r->now, &r->problems));
    const lks_node nothing = {.type = LKS_NODE_NULL};
    lks_status status = apply_key(r, key, yaml.root ? yaml.root : &nothing);
    lks_yaml_free(&yaml);
    return status;
}

/* A setting that is none is a mistake on the command line, not in the configuration. */
static lks_status check_sets(const char *const *sets, int n_sets, lks_error *err) {
    for (int i = 0; i < n_sets; i++) {
        char shown[200];
        if (strchr(sets[i], '=') && sets[i][0] != '=')
            continue;
        lks_printable(shown, sizeof shown, sets[i], strlen(sets[i]));
        return lks_fail(err, LKS_ERR_USAGE,
                        "--set %s: write KEY=VALUE, for instance train.optimizer.lr=0.01", shown);
    }
    return LKS_OK;
}

static lks_status apply_set(lks_reader *r, int i) {
    const char *set = r->sets[i], *equals = strchr(set, '=');
    r->now = (lks_source){.kind = LKS_SOURCE_SET,
                          .order = i + 1,
                          .label = set,
                          .text = equals + 1,
                          .size = strlen(equals + 1)};
    char *key = strndup(set, (size_t)(equals - set));
    if (!key)
        return lks_fail_memory(&r->problems, "--set");
    lks_status status = apply_value(r, key);
    free(key);
    return status;
}

/* --- the whole -------------------------------------------------------------------------------- */

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

void lks_config_reset(lks_config *config) {
    const lks_option *option;
    for (int i = 0; (option = lks_option_at(i)); i++)
        lks_option_reset(option, config);
}

/* Where the file is no map of keys, there is nothing that the rest could be checked against. */
static void parse_all(lks_reader *r, int n_sets) {
    lks_config_reset(r->config);
    name_from_file(r->config, r->file.label);
    lks_status status = apply_file(r);
    for (int i = 0; i < n_sets && status == LKS_OK; i++)
        status = lks_noted(apply_set(r, i));
    if (status == LKS_OK)
        lks_config_check(r);
    r->config->default_optimizer = !lks_reader_given(r, "train.optimizer");
}

lks_status lks_config_parse(lks_config *config, const char *text, size_t size, const char *file,
                            const char *const *sets, int n_sets, lks_error *err) {
    memset(config, 0, sizeof *config);
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) { /* byte order mark */
        text += 3;
        size -= 3;
    }
    if (size > LKS_CONFIG_SIZE_MAX)
        return lks_fail(err, LKS_ERR_CONFIG, "%s: larger than 1 MiB, this is no configuration",
                        file);
    LKS_TRY(check_sets(sets, n_sets, err));
    lks_reader r = {
        .config = config, .file = {.label = file, .text = text, .size = size}, .sets = sets};
    locale_t saved = lks_locale_enter();
    parse_all(&r, n_sets);
    lks_locale_leave(saved);
    lks_status status = lks_problems_report(&r.problems, err);
    if (status != LKS_OK)
        lks_config_free(config);
    return status;
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
    lks_reader r = {.config = config, .file = {.kind = LKS_SOURCE_PROGRAM}};
    locale_t saved = lks_locale_enter();
    for (int i = 0; i < n; i++)
        lks_config_set_value(&r, &values[i]);
    settle(&r);
    lks_config_check(&r);
    lks_locale_leave(saved);
    return lks_problems_report(&r.problems, err);
}

void lks_config_free(lks_config *config) {
    free(config->layers);
    memset(config, 0, sizeof *config);
}
