#include "import/identity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json.h"
#include "base/json/json_scan.h"
#include "config/source.h"
#include "feed/dataset.h"

/* --- facts ------------------------------------------------------------------------------------ */

/* The list of n numbers that is member `key` of the object in `json`. */
static bool take_numbers(const char *json, const char *key, double *values, int n) {
    lks_json_scan s = {json};
    bool found = false;
    if (!lks_json_eat(&s, '{') || lks_json_eat(&s, '}'))
        return false;
    do {
        char *name;
        const bool named = lks_json_take_text(&s, &name) && lks_json_eat(&s, ':');
        found = named && strcmp(name, key) == 0;
        free(name);
        if (!named || (!found && !lks_json_skip(&s)))
            return false;
    } while (!found && lks_json_eat(&s, ','));
    for (int i = 0; i < n && found; i++)
        found = lks_json_eat(&s, i ? ',' : '[') && lks_json_take_number(&s, &values[i]);
    return found && lks_json_eat(&s, ']');
}

/* Calls `take` with each text of a list; how many they are, -1: it is no list of texts. */
static int visit_texts(const char *json, void (*take)(void *context, int i, const char *text),
                       void *context) {
    lks_json_scan s = {json};
    int n = 0;
    if (!lks_json_eat(&s, '['))
        return -1;
    do {
        char *text;
        if (n == LKS_CLASSES_MAX || !lks_json_take_text(&s, &text))
            return -1;
        take(context, n++, text);
        free(text);
    } while (lks_json_eat(&s, ','));
    return lks_json_eat(&s, ']') ? n : -1;
}

static void pass(void *context, int i, const char *text) {
    (void)context, (void)i, (void)text;
}

static bool take_bounds(const char *json, const char *key, int32_t *bounds) {
    double values[LKS_TRAITS];
    if (!take_numbers(json, key, values, LKS_TRAITS))
        return false;
    for (int k = 0; k < LKS_TRAITS; k++) {
        if (!(values[k] >= 0 && values[k] < LKS_TRAIT_BINS))
            return false;
        bounds[k] = (int32_t)values[k];
    }
    return true;
}

#define COUNT_MAX ((int64_t)1 << 53)

static bool take_traits(const char *json, lks_traits *t) {
    t->images = lks_json_get_integer(json, "images", COUNT_MAX, -1);
    t->looked = lks_json_get_integer(json, "looked", COUNT_MAX, -1);
    t->centred = lks_json_get_integer(json, "centred", COUNT_MAX, -1);
    return t->images >= 0 && t->looked >= 0 && t->centred >= 0 &&
           take_bounds(json, "low", t->low) && take_bounds(json, "high", t->high);
}

static bool take_image(const char *json, lks_data_identity *d) {
    d->rows = (int)lks_json_get_integer(json, "rows", INT32_MAX, 0);
    d->columns = (int)lks_json_get_integer(json, "columns", INT32_MAX, 0);
    d->channels = (int)lks_json_get_integer(json, "channels", LKS_CHANNELS_MAX, 0);
    return d->rows > 0 && d->columns > 0 && d->channels > 0;
}

bool lks_import_tells_data(const lks_import_source *s) {
    static const char *const needed[] = {"lockstep", "input", "classes", "normalization",
                                         "data_sha256"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!lks_import_fact_of(s, needed[i]))
            return false;
    return true;
}

/* Ranges are those of a checkpoint, and checked there. */
lks_status lks_import_data_told(lks_data_identity *data, const lks_import_source *s,
                                lks_error *err) {
    const char *form = lks_import_fact_of(s, "normalization"), *wrong = NULL;
    const char *images = lks_import_fact_of(s, "data_images");
    const char *traits = lks_import_fact_of(s, "traits");
    *data = (lks_data_identity){0};
    snprintf(data->digest, sizeof data->digest, "%s", lks_import_fact_of(s, "data_sha256"));
    data->classes = visit_texts(lks_import_fact_of(s, "classes"), pass, NULL);
    if (data->classes < 1)
        wrong = "classes";
    else if (!take_image(lks_import_fact_of(s, "input"), data))
        wrong = "input";
    else if (!take_numbers(form, "mean", data->mean, data->channels) ||
             !take_numbers(form, "std", data->std, data->channels))
        wrong = "normalization";
    else if (traits && !take_traits(traits, &data->traits))
        wrong = "traits";
    if (wrong)
        return lks_fail(err, LKS_ERR_FORMAT, "%s: what it says of its network's %s cannot be",
                        s->path, wrong);
    lks_json_scan count = {images ? images : "0"};
    uint64_t n_train = 0;
    if (lks_json_take_count(&count, &n_train) && n_train <= UINT32_MAX)
        data->n_train = (int64_t)n_train;
    return LKS_OK;
}

/* --- the user's word -------------------------------------------------------------------------- */

lks_status lks_import_data_said(lks_data_identity *data, lks_shape image, const lks_config *config,
                                lks_error *err) {
    const lks_data_config *c = &config->data;
    *data = (lks_data_identity){
        .rows = image.rows, .columns = image.columns, .channels = image.channels};
    memset(data->digest, '0', sizeof data->digest - 1);
    data->classes = c->classes         ? c->classes
                    : c->n_class_names ? c->n_class_names
                                       : lks_model_outputs(config);
    if (data->classes == 0)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "the network does not tell how many classes there are; --set "
                        "data.classes=N does");
    if (c->normalize == LKS_NORMALIZE_COMPUTED)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "data.normalize: computed needs the training images; without them say "
                        "--set data.normalize=given --set data.mean=M --set data.std=S, or none");
    LKS_TRY(lks_check_given_normalisation(c, image.channels, err));
    for (int k = 0; k < image.channels; k++) {
        const bool given = c->normalize == LKS_NORMALIZE_GIVEN;
        data->mean[k] = given ? c->mean[c->n_mean == 1 ? 0 : k] : 0;
        data->std[k] = given ? c->std[c->n_std == 1 ? 0 : k] : 1;
    }
    return LKS_OK;
}

/* --- the images ------------------------------------------------------------------------------- */

lks_status lks_import_data_read(lks_data_identity *data, lks_comm *comm, const lks_config *config,
                                lks_error *err) {
    lks_config training = *config; /* the test set tells nothing here */
    lks_dataset d;
    training.data.test_images[0] = '\0';
    if (lks_dataset_open(&d, comm, &training, NULL, true, err) != LKS_OK)
        return err->status;
    *data = d.identity;
    lks_dataset_free(&d);
    return LKS_OK;
}

/* --- names of classes ------------------------------------------------------------------------- */

typedef struct class_list {
    lks_data_config *to;
    bool named, sound;
} class_list;

static void take_name(void *context, int i, const char *text) {
    class_list *list = context;
    char number[16];
    snprintf(number, sizeof number, "%d", i);
    list->named = list->named || strcmp(text, number) != 0;
    const size_t length = strlen(text);
    list->sound = list->sound && length > 0 && length < LKS_NAME_MAX &&
                  lks_text_check(text, length) == length && !strpbrk(text, "\t\r\n");
    if (list->sound)
        memcpy(list->to->class_names[i], text, length + 1);
}

lks_status lks_import_take_classes(lks_config *config, const lks_import_source *s, lks_error *err) {
    const char *fact = lks_import_fact_of(s, "classes");
    if (!fact || config->data.n_class_names > 0)
        return LKS_OK;
    lks_data_config *names = calloc(1, sizeof *names);
    if (!names)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for names of classes");
    class_list list = {.to = names, .sound = true};
    const int n = visit_texts(fact, take_name, &list);
    if (n > 0 && list.named && list.sound) {
        memcpy(config->data.class_names, names->class_names, sizeof names->class_names);
        config->data.n_class_names = n;
    }
    free(names);
    return LKS_OK;
}
