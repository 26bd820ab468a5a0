#include "config/unknown.h"
#include "base/utf8.h"
#include "config/advice.h"
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

const char *lks_key_component(const char *key, const char *section, size_t *length) {
    size_t skip = strlen(section);
    if (skip > 0) {
        if (strncmp(key, section, skip) != 0 || key[skip] != '.')
            return NULL;
        key += skip + 1;
    }
    *length = strcspn(key, ".");
    return key;
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
    const bool above = u->section[0] && !strchr(key, '.');
    if (u->in_file)
        snprintf(u->advice, sizeof u->advice, "write %s%s",
                 lks_advice_place(key, u->section, place, sizeof place),
                 above ? ", a key of its own beside 'model'" : "");
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
        const char *name = lks_key_component(option->key, section, &length);
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
        else if ((name = lks_key_component(name, u->section, &length)))
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

lks_status lks_fail_unknown(lks_reader *r, const lks_unknown_key *key) {
    char shown[80], place[LKS_KEY_MAX + 40];
    const bool in_file = r->now.kind == LKS_SOURCE_FILE;
    unknown u = {key->section, key->key, key->path, in_file, ""};
    lks_printable(shown, sizeof shown, key->key, strlen(key->key));
    if (strcmp(key->key, "<<") == 0)
        return lks_fail_at(&r->problems, &r->now, key->offset, "merge keys (<<) are not supported");
    if (in_file && strchr(key->key, '.') && lks_option_find(key->key))
        return lks_fail_at(&r->problems, &r->now, key->offset,
                           "unknown key '%s': keys with dots are for --set; in a file write %s",
                           shown, lks_advice_place(key->key, "", place, sizeof place));
    advise(&u);
    const char *in = key->section[0] ? "' in '" : "";
    return lks_fail_at(&r->problems, &r->now, key->offset, "unknown key '%s%s%s'; %s", shown, in,
                       key->section, u.advice);
}
