#include "import/match.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import/groups.h"
#include "lockstep/log.h"

/* By what a tensor was found. */
typedef enum finding { BY_MAP, BY_NAME, BY_ORDER } finding;

/* The work in hand. */
typedef struct matching {
    const lks_import_source *s;
    const lks_import_target *targets; /* [n] */
    int n;
    lks_layout layout;
    int *from;    /* [n] -1: not yet */
    finding *how; /* [n] */
    bool *used;   /* [s->n_tensors] */
    lks_import_groups groups;
    lks_error *err;
} matching;

const char *lks_import_shape_text(const int64_t *shape, int ndim, char text[192]) {
    int used = snprintf(text, 192, "%s", ndim ? "" : "1");
    for (int d = 0; d < ndim; d++)
        used += snprintf(text + used, 192 - (size_t)used, "%s%" PRId64, d ? " x " : "", shape[d]);
    return text;
}

static const char *name_of(const matching *m, int target) {
    return m->targets[target].tensor->name;
}

/* The length of the layer's name in the tensor's. */
static size_t layer_length(const matching *m, int target) {
    return strcspn(name_of(m, target), "/");
}

/* The first target behind those of the layer of `target`. */
static int end_of_layer(const matching *m, int target) {
    int end = target;
    while (end < m->n && m->targets[end].layer == m->targets[target].layer)
        end++;
    return end;
}

static lks_import_part part_of_target(const matching *m, int target) {
    size_t length;
    return lks_import_part_of(name_of(m, target), &length);
}

static lks_import_kind kind_of_layer(const matching *m, int first) {
    const int end = end_of_layer(m, first);
    bool has_mean = false;
    int ndim = 0;
    for (int t = first; t < end; t++) {
        has_mean = has_mean || part_of_target(m, t) == LKS_IMPORT_MEAN;
        if (part_of_target(m, t) == LKS_IMPORT_WEIGHT)
            ndim = m->targets[t].tensor->ndim;
    }
    return lks_import_kind_of(has_mean, ndim);
}

static lks_status give(matching *m, int target, int tensor, finding how) {
    if (m->used[tensor])
        return lks_fail(m->err, LKS_ERR_USAGE, "--map gives '%.128s' of %s to two tensors",
                        m->s->tensors[tensor].name, m->s->path);
    m->from[target] = tensor;
    m->how[target] = how;
    m->used[tensor] = true;
    return LKS_OK;
}

/* The length of the layer's name in that of the file's tensor; all of it, where names tell no parts. */
static size_t their_length(const matching *m, int tensor) {
    size_t length;
    const char *name = m->s->tensors[tensor].name;
    lks_import_part_of(name, &length);
    return m->groups.told ? length : strlen(name);
}

/* --- shapes ----------------------------------------------------------------------------------- */

static bool fits(const lks_import_target *target, const lks_import_tensor *t, lks_layout layout) {
    int64_t wanted[4];
    lks_layout_shape(&target->laid, layout, wanted);
    return t->ndim == target->laid.ndim &&
           memcmp(wanted, t->shape, (size_t)t->ndim * sizeof wanted[0]) == 0;
}

static lks_status fail_shape(const matching *m, int target) {
    const lks_import_tensor *t = &m->s->tensors[m->from[target]];
    const lks_import_target *own = &m->targets[target];
    const lks_layout other = m->layout == LKS_LAYOUT_TORCH ? LKS_LAYOUT_NATIVE : LKS_LAYOUT_TORCH;
    char wanted[192], found[192];
    int64_t shape[4];
    lks_layout_shape(&own->laid, m->layout, shape);
    return lks_fail(m->err, LKS_ERR_MISMATCH, "%s is %s here, '%.128s' in %s is %s%s%s",
                    own->tensor->name, lks_import_shape_text(shape, own->laid.ndim, wanted),
                    t->name, m->s->path, lks_import_shape_text(t->shape, t->ndim, found),
                    !fits(own, t, other)        ? ""
                    : other == LKS_LAYOUT_TORCH ? "; --layout pytorch would fit"
                                                : "; --layout keras would fit",
                    m->how[target] == BY_NAME && !fits(own, t, other)
                        ? "; if these are two layers of one name, --map says which is which"
                        : "");
}

static lks_status check_shapes(const matching *m) {
    for (int t = 0; t < m->n; t++) {
        const lks_import_tensor *theirs = &m->s->tensors[m->from[t]];
        if (theirs->type == LKS_IMPORT_OTHER)
            return lks_fail(m->err, LKS_ERR_MISMATCH,
                            "'%.128s' in %s holds values of a type that no weights have",
                            theirs->name, m->s->path);
        if (!fits(&m->targets[t], theirs, m->layout))
            return fail_shape(m, t);
    }
    return LKS_OK;
}

/* --- layers ----------------------------------------------------------------------------------- */

/* Target t is not to be had: for `why`, unless the layer called `name` [length] has it in a type that is not read. */
static lks_status fail_missing(const matching *m, int t, const char *name, size_t length,
                               const char *why) {
    for (int i = 0; i < m->s->n_tensors; i++) {
        const lks_import_tensor *other = &m->s->tensors[i];
        size_t n;
        if (other->type == LKS_IMPORT_OTHER &&
            lks_import_part_of(other->name, &n) == part_of_target(m, t) && n == length &&
            memcmp(other->name, name, n) == 0)
            return lks_fail(m->err, LKS_ERR_MISMATCH,
                            "%s: '%.128s' in %s holds values of a type that no weights have",
                            name_of(m, t), other->name, m->s->path);
    }
    return lks_fail(m->err, LKS_ERR_MISMATCH, "%s is missing: %s", name_of(m, t), why);
}

/* What was not said of the tensors of the layer that begins with target `first`, from one group. */
static lks_status take_group(matching *m, int first, const lks_import_group *g, finding how) {
    const int end = end_of_layer(m, first);
    for (int t = first; t < end; t++) {
        const int tensor = g->of[part_of_target(m, t)];
        char why[LKS_IMPORT_NAME_MAX + 256];
        if (m->from[t] >= 0)
            continue;
        snprintf(why, sizeof why, "'%.*s' in %.192s has none", (int)g->length, g->name, m->s->path);
        if (tensor < 0)
            return fail_missing(m, t, g->name, g->length, why);
        LKS_TRY(give(m, t, tensor, how));
    }
    return LKS_OK;
}

/* Whether no tensor of the group was given away. */
static bool group_is_free(const matching *m, const lks_import_group *g) {
    for (int p = 0; p < LKS_IMPORT_PARTS; p++)
        if (g->of[p] >= 0 && m->used[g->of[p]])
            return false;
    return true;
}

/* The first target from `first` on that nothing was said of; n: there is none. */
static int next_layer(const matching *m, int first) {
    while (first < m->n && m->from[first] >= 0)
        first++;
    return first;
}

static lks_status take_by_name(matching *m) {
    for (int t = next_layer(m, 0); t < m->n; t = next_layer(m, end_of_layer(m, t))) {
        const lks_import_group *g =
            lks_import_group_find(&m->groups, name_of(m, t), layer_length(m, t));
        if (g && group_is_free(m, g))
            LKS_TRY(take_group(m, t, g, BY_NAME));
    }
    return LKS_OK;
}

/* PyTorch's writer of ONNX does so unless it is told not to. */
static const char *folded(const matching *m) {
    return strcmp(m->s->reader->name, "onnx") != 0
               ? ""
               : "; was it folded into the layer before? Then write it again with "
                 "training=torch.onnx.TrainingMode.PRESERVE, or import into a network without";
}

/* Each kind of layer in its own order. */
static lks_status take_by_order(matching *m) {
    static const char *const kinds[] = {"convolution", "dense layer", "batch normalisation",
                                        "layer"};
    int next[LKS_IMPORT_KINDS] = {0};
    for (int t = next_layer(m, 0); t < m->n; t = next_layer(m, end_of_layer(m, t))) {
        const lks_import_kind kind = kind_of_layer(m, t);
        int *g = &next[kind];
        char why[512];
        while (*g < m->groups.n &&
               (m->groups.all[*g].kind != kind || !group_is_free(m, &m->groups.all[*g])))
            ++*g;
        snprintf(why, sizeof why, "%.192s has no further %s%s", m->s->path, kinds[kind],
                 kind == LKS_IMPORT_NORM ? folded(m) : "");
        if (*g == m->groups.n)
            return fail_missing(m, t, name_of(m, t), layer_length(m, t), why);
        LKS_TRY(take_group(m, t, &m->groups.all[*g], BY_ORDER));
    }
    return LKS_OK;
}

/* Whether tensor i comes before tensor k in the network, as far as the file tells. */
static bool comes_first(const matching *m, int i, int k) {
    const lks_import_tensor *all = m->s->tensors;
    const int order = m->groups.sorted ? lks_import_by_numbers(all[i].name, their_length(m, i),
                                                               all[k].name, their_length(m, k))
                                       : 0;
    return order ? order < 0 : i < k;
}

/* The free tensor that comes first; -1: there is none. */
static int next_tensor(const matching *m) {
    int next = -1;
    for (int i = 0; i < m->s->n_tensors; i++)
        if (!m->used[i] && m->s->tensors[i].type != LKS_IMPORT_OTHER &&
            (next < 0 || comes_first(m, i, next)))
            next = i;
    return next;
}

/* Names tell nothing: arr_0, arr_1 ... */
static lks_status take_by_place(matching *m) {
    for (int t = 0; t < m->n; t++) {
        const int next = m->from[t] < 0 ? next_tensor(m) : -1;
        if (m->from[t] >= 0)
            continue;
        if (next < 0)
            return lks_fail(m->err, LKS_ERR_MISMATCH, "%s is missing: %s has no further tensor",
                            name_of(m, t), m->s->path);
        LKS_TRY(give(m, t, next, BY_ORDER));
    }
    return LKS_OK;
}

/* --- whether order was a guess ---------------------------------------------------------------- */

/* A name of one of our layers at another one's tensor is no accident. */
static lks_status check_names(const matching *m) {
    for (int t = 0; t < m->n; t++) {
        const char *theirs = m->s->tensors[m->from[t]].name;
        size_t length;
        lks_import_part_of(theirs, &length);
        for (int k = 0; m->how[t] == BY_ORDER && k < m->n; k = end_of_layer(m, k))
            if (m->targets[k].layer != m->targets[t].layer &&
                lks_import_is_called(theirs, length, name_of(m, k), layer_length(m, k)))
                return lks_fail(m->err, LKS_ERR_MISMATCH,
                                "%s would be '%.128s' of %s by order, and by its name that is of "
                                "another layer: say with --map which is which",
                                name_of(m, t), theirs, m->s->path);
    }
    return LKS_OK;
}

/* Whether the targets from t on, n of them, could as well be those from k on. */
static bool change_places(const matching *m, int t, int k, int n) {
    for (int i = 0; i < n; i++) {
        const lks_import_tensor *a = &m->s->tensors[m->from[t + i]];
        const lks_import_tensor *b = &m->s->tensors[m->from[k + i]];
        if (part_of_target(m, t + i) != part_of_target(m, k + i) && m->groups.told)
            return false;
        if (a->ndim != b->ndim ||
            memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) != 0)
            return false;
    }
    return true;
}

static int told_by_numbers(const matching *m, int t, int k) {
    const int a = m->from[t], b = m->from[k];
    return lks_import_told_by_numbers(m->s->tensors[a].name, their_length(m, a),
                                      m->s->tensors[b].name, their_length(m, b));
}

/* Whether the file leaves it open that target t, before k, has the tensor that it has. */
static bool is_guess(const matching *m, int t, int k) {
    if (m->how[t] == BY_MAP || m->how[k] == BY_MAP ||
        (m->how[t] == BY_NAME && m->how[k] == BY_NAME))
        return false;
    if (m->how[t] != m->how[k])
        return comes_first(m, m->from[k], m->from[t]);
    const int told = told_by_numbers(m, t, k);
    return m->groups.sorted ? told == 0 : told > 0;
}

/* Where one of the two has its name, and numbers tell another order, the file counts otherwise than we: dense0, dense1. */
static lks_status check_count_alike(const matching *m, int t, int k) {
    return m->how[t] == m->how[k] || told_by_numbers(m, t, k) == 0
               ? LKS_OK
               : lks_fail(m->err, LKS_ERR_MISMATCH,
                          "%s would be '%.128s' of %s, and %s '%.128s', against the numbers in the "
                          "names: say with --map which is which",
                          name_of(m, t), m->s->tensors[m->from[t]].name, m->s->path, name_of(m, k),
                          m->s->tensors[m->from[k]].name);
}

/* The first target behind t, by name or by order, that could have its place; n: there is none. By layers; or, where names
 * tell none, by tensors. */
static int find_rival(const matching *m, int t) {
    const bool told = m->groups.told;
    const int end = told ? end_of_layer(m, t) : t + 1;
    int k = end, last;
    for (; k < m->n; k = last) {
        last = told ? end_of_layer(m, k) : k + 1;
        if (last - k == end - t && is_guess(m, t, k) && change_places(m, t, k, end - t))
            return k;
    }
    return m->n;
}

/* Equal shapes that order alone tells apart, where the file's may be none of layers. */
static lks_status check_guesses(const matching *m) {
    int first = -1, rival = 0, guesses = 0;
    for (int t = 0; t < m->n; t = m->groups.told ? end_of_layer(m, t) : t + 1) {
        const int k = find_rival(m, t);
        if (k == m->n)
            continue;
        LKS_TRY(check_count_alike(m, t, k));
        if (guesses++ == 0) {
            first = t;
            rival = k;
        }
    }
    if (guesses > 0)
        lks_warn("%s: %s from '%.128s' and %s from '%.128s' could be the other way round: their "
                 "shapes are equal, and the file's order is not that of the network, or of none; "
                 "--map says which is which (%d such %s)",
                 m->s->path, name_of(m, first), m->s->tensors[m->from[first]].name,
                 name_of(m, rival), m->s->tensors[m->from[rival]].name, guesses,
                 guesses == 1 ? "guess" : "guesses");
    return LKS_OK;
}

/* --- what is left ------------------------------------------------------------------------------ */

/* A network with a part that is not used is another network. */
static lks_status check_rest(const matching *m) {
    char shape[192];
    for (int i = 0; i < m->s->n_tensors; i++) {
        const lks_import_tensor *t = &m->s->tensors[i];
        if (!m->used[i] && t->type != LKS_IMPORT_OTHER)
            return lks_fail(m->err, LKS_ERR_MISMATCH,
                            "'%.128s' in %s, %s, has no place in this network: is the "
                            "configuration's model the one that was trained?",
                            t->name, m->s->path, lks_import_shape_text(t->shape, t->ndim, shape));
    }
    return LKS_OK;
}

/* --- what the user says ----------------------------------------------------------------------- */

static lks_status take_tensor_map(matching *m, const lks_import_map *map) {
    int target = 0, tensor = 0;
    while (target < m->n && strcmp(name_of(m, target), map->ours) != 0)
        target++;
    while (tensor < m->s->n_tensors && strcmp(m->s->tensors[tensor].name, map->theirs) != 0)
        tensor++;
    if (target == m->n)
        return lks_fail(m->err, LKS_ERR_USAGE, "--map: the network has no tensor '%.128s'",
                        map->ours);
    if (tensor == m->s->n_tensors)
        return lks_fail(m->err, LKS_ERR_USAGE, "--map: %s has no tensor '%.128s'", m->s->path,
                        map->theirs);
    return give(m, target, tensor, BY_MAP);
}

static lks_status take_layer_map(matching *m, const lks_import_map *map) {
    int first = 0;
    while (first < m->n && (strlen(map->ours) != layer_length(m, first) ||
                            strncmp(name_of(m, first), map->ours, strlen(map->ours)) != 0))
        first++;
    const lks_import_group *g = lks_import_group_find(&m->groups, map->theirs, strlen(map->theirs));
    if (first == m->n)
        return lks_fail(m->err, LKS_ERR_USAGE,
                        "--map: the network has no layer '%.128s' with weights", map->ours);
    if (!g)
        return lks_fail(m->err, LKS_ERR_USAGE,
                        "--map: no names of tensors in %s begin with '%.128s'%s", m->s->path,
                        map->theirs,
                        m->groups.told ? "" : ", whose parts have unknown names; name each tensor");
    return take_group(m, first, g, BY_MAP);
}

/* What is said of a tensor comes before what is said of its layer. */
static lks_status take_maps(matching *m, const lks_import_maps *maps) {
    for (int i = 0; i < maps->n; i++)
        if (strchr(maps->all[i].ours, '/'))
            LKS_TRY(take_tensor_map(m, &maps->all[i]));
    for (int i = 0; i < maps->n; i++)
        if (!strchr(maps->all[i].ours, '/'))
            LKS_TRY(take_layer_map(m, &maps->all[i]));
    for (int t = 1; t < m->n; t++)
        if (m->targets[t].layer == m->targets[t - 1].layer &&
            (m->from[t] < 0) != (m->from[t - 1] < 0))
            return lks_fail(m->err, LKS_ERR_USAGE,
                            "--map names one of %s and %s alone: name all tensors of a layer, or "
                            "the layer",
                            name_of(m, t - 1), name_of(m, t));
    return LKS_OK;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Before work that grows with the square of their number. */
static lks_status check_count(const matching *m) {
    int n = 0;
    for (int i = 0; i < m->s->n_tensors; i++)
        n += m->s->tensors[i].type != LKS_IMPORT_OTHER;
    return n <= 2 * m->n + 256
               ? LKS_OK
               : lks_fail(m->err, LKS_ERR_MISMATCH, "%s has %d tensors, this network %d",
                          m->s->path, n, m->n);
}

static lks_status match(matching *m, const lks_import_maps *maps) {
    LKS_TRY(check_count(m));
    LKS_TRY(lks_import_groups_make(&m->groups, m->s, m->err));
    LKS_TRY(take_maps(m, maps));
    if (m->groups.told)
        LKS_TRY(take_by_name(m));
    LKS_TRY(m->groups.told ? take_by_order(m) : take_by_place(m));
    LKS_TRY(check_names(m));
    LKS_TRY(check_shapes(m));
    LKS_TRY(check_rest(m));
    return check_guesses(m);
}

lks_status lks_import_match(const lks_import_source *s, const lks_import_target *targets, int n,
                            lks_layout layout, const lks_import_maps *maps, int *from,
                            lks_error *err) {
    matching m = {.s = s, .targets = targets, .n = n, .layout = layout, .from = from, .err = err};
    m.used = calloc((size_t)s->n_tensors + 1, sizeof *m.used);
    m.how = calloc((size_t)n + 1, sizeof *m.how);
    for (int t = 0; t < n; t++)
        from[t] = -1;
    const lks_status status =
        m.used && m.how
            ? match(&m, maps)
            : lks_fail(err, LKS_ERR_MEMORY, "out of memory for the tensors of %s", s->path);
    lks_import_groups_free(&m.groups);
    free(m.how);
    free(m.used);
    return status;
}
