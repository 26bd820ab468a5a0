#include "import/match.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import/groups.h"

/* The work in hand. */
typedef struct matching {
    const lks_import_source *s;
    const lks_import_target *targets; /* [n] */
    int n;
    lks_layout layout;
    int *from;  /* [n] -1: not yet */
    bool *used; /* [s->n_tensors] */
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

static lks_status give(matching *m, int target, int tensor) {
    if (m->used[tensor])
        return lks_fail(m->err, LKS_ERR_USAGE, "--map gives '%.128s' of %s to two tensors",
                        m->s->tensors[tensor].name, m->s->path);
    m->from[target] = tensor;
    m->used[tensor] = true;
    return LKS_OK;
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
    return lks_fail(m->err, LKS_ERR_MISMATCH, "%s is %s here, '%.128s' in %s is %s%s",
                    own->tensor->name, lks_import_shape_text(shape, own->laid.ndim, wanted),
                    t->name, m->s->path, lks_import_shape_text(t->shape, t->ndim, found),
                    !fits(own, t, other)        ? ""
                    : other == LKS_LAYOUT_TORCH ? "; --layout pytorch would fit"
                                                : "; --layout keras would fit");
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

/* All tensors of the layer that begins with target `first` from one group. */
static lks_status take_group(matching *m, int first, const lks_import_group *g) {
    const int end = end_of_layer(m, first);
    for (int t = first; t < end; t++) {
        const int tensor = g->of[part_of_target(m, t)];
        if (tensor < 0)
            return lks_fail(m->err, LKS_ERR_MISMATCH, "%s is missing: '%.*s' in %s has none",
                            name_of(m, t), (int)g->length, g->name, m->s->path);
        LKS_TRY(give(m, t, tensor));
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

static bool all_called_alike(const matching *m) {
    for (int t = next_layer(m, 0); t < m->n; t = next_layer(m, end_of_layer(m, t)))
        if (!lks_import_group_find(&m->groups, name_of(m, t), layer_length(m, t)))
            return false;
    return true;
}

static lks_status take_by_name(matching *m) {
    for (int t = next_layer(m, 0); t < m->n; t = next_layer(m, end_of_layer(m, t)))
        LKS_TRY(
            take_group(m, t, lks_import_group_find(&m->groups, name_of(m, t), layer_length(m, t))));
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
        while (*g < m->groups.n &&
               (m->groups.all[*g].kind != kind || !group_is_free(m, &m->groups.all[*g])))
            ++*g;
        if (*g == m->groups.n)
            return lks_fail(m->err, LKS_ERR_MISMATCH, "%s is missing: %s has no further %s%s",
                            name_of(m, t), m->s->path, kinds[kind],
                            kind == LKS_IMPORT_NORM ? folded(m) : "");
        LKS_TRY(take_group(m, t, &m->groups.all[*g]));
    }
    return LKS_OK;
}

/* Names tell nothing: arr_0, arr_1 ... */
static lks_status take_by_place(matching *m) {
    int next = 0;
    for (int t = 0; t < m->n; t++) {
        if (m->from[t] >= 0)
            continue;
        while (next < m->s->n_tensors &&
               (m->used[next] || m->s->tensors[next].type == LKS_IMPORT_OTHER))
            next++;
        if (next == m->s->n_tensors)
            return lks_fail(m->err, LKS_ERR_MISMATCH, "%s is missing: %s has no further tensor",
                            name_of(m, t), m->s->path);
        LKS_TRY(give(m, t, next));
    }
    return LKS_OK;
}

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
    return give(m, target, tensor);
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
    return take_group(m, first, g);
}

static lks_status take_maps(matching *m, const lks_import_maps *maps) {
    for (int i = 0; i < maps->n; i++) {
        const lks_import_map *map = &maps->all[i];
        LKS_TRY(strchr(map->ours, '/') ? take_tensor_map(m, map) : take_layer_map(m, map));
    }
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
    if (!m->groups.told)
        LKS_TRY(take_by_place(m));
    else
        LKS_TRY(all_called_alike(m) ? take_by_name(m) : take_by_order(m));
    LKS_TRY(check_shapes(m));
    return check_rest(m);
}

lks_status lks_import_match(const lks_import_source *s, const lks_import_target *targets, int n,
                            lks_layout layout, const lks_import_maps *maps, int *from,
                            lks_error *err) {
    matching m = {.s = s, .targets = targets, .n = n, .layout = layout, .from = from, .err = err};
    m.used = calloc((size_t)s->n_tensors + 1, sizeof *m.used);
    if (!m.used)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the tensors of %s", s->path);
    for (int t = 0; t < n; t++)
        from[t] = -1;
    const lks_status status = match(&m, maps);
    lks_import_groups_free(&m.groups);
    free(m.used);
    return status;
}
