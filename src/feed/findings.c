#include "feed/findings.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lockstep/log.h"

/* Bytes below this use less than two of their eight bits' upper ones: 1, 15, 16, 31 or 63 as the largest one comes
 * from data of 1 to 6 bits, or from floats that were scaled to 0..1. */
enum { DARK = 64 };

/* Means of two sets on either side of the middle, and this far apart, are those of two polarities. */
enum { APART = 64 };

/* Largest class : smallest class. Of EMNIST ByClass it is about 20. */
enum { UNEQUAL = 30 };

/* Repeats up to one in so many images are told, not warned of: sets that people collect have some. */
enum { SOME_REPEATS = 200 };

enum { SOME_FLAT = 100 }; /* likewise images of one colour */

static void add(lks_findings *found, lks_finding_weight weight, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(lks_findings *found, lks_finding_weight weight, const char *format, ...) {
    assert(found->n < (int)(sizeof found->of / sizeof *found->of));
    lks_finding *f = &found->of[found->n++];
    va_list list;
    f->weight = weight;
    va_start(list, format);
    vsnprintf(f->text, sizeof f->text, format, list);
    va_end(list);
}

static lks_finding_weight weigh(int64_t count, int64_t of, int some) {
    return count * some > of ? LKS_FINDING_WARNING : LKS_FINDING_NOTE;
}

typedef char image_text[160];

/* "image 7", with @p words for "image"; or its file. */
static const char *tell(image_text text, const lks_set_facts *f, bool test, const char *words,
                        int64_t id) {
    const char *path = f->name ? f->name(f->named, test, id) : NULL;
    if (path)
        snprintf(text, sizeof(image_text), "%s", path);
    else
        snprintf(text, sizeof(image_text), "%s %" PRId64, words, id);
    return text;
}

/* --- pixels ----------------------------------------------------------------------------------- */

#define GROUND                                                                                     \
    "if they were drawings on a transparent ground, pack them with --background 255 --invert"

static bool is_flat(const lks_survey *s) {
    return s->images > 0 && lks_survey_low(s) == lks_survey_high(s);
}

static void find_flat(lks_findings *found, const lks_set_facts *f, bool test) {
    const lks_survey *s = test ? f->test : f->training;
    const char *name = test ? "test" : "training";
    image_text first;
    if (is_flat(s))
        add(found, LKS_FINDING_ERROR,
            "every pixel of all %" PRId64 " %s images is %d, so nothing is to be seen; " GROUND,
            s->images, name, lks_survey_low(s));
    else if (s->one_colour)
        add(found,
            s->one_colour == s->images ? LKS_FINDING_WARNING
                                       : weigh(s->one_colour, s->images, SOME_FLAT),
            "%" PRId64 " of %" PRId64 " %s images are of one colour, the first is %s: nothing "
            "is to be seen on them; " GROUND,
            s->one_colour, s->images, name, tell(first, f, test, "image", s->first_one_colour));
}

static void find_dark(lks_findings *found, const lks_set_facts *f) {
    const lks_survey *s = f->training->images ? f->training : f->test;
    const int high = lks_survey_high(s);
    if (s->images == 0 || is_flat(s) || high >= DARK)
        return;
    const bool scaled = f->config->normalize != LKS_NORMALIZE_NONE;
    if (scaled)
        add(found, LKS_FINDING_NOTE,
            "the largest pixel is %d, of 255 that a byte can be: data.normalize mends it for this "
            "set, but pictures for `predict` must be as dark",
            high);
    else
        add(found, LKS_FINDING_WARNING,
            "the largest pixel is %d, of 255 that a byte can be, and pixels are divided by 255: "
            "multiply them by %d when the set is made, or set data.normalize: computed",
            high, UINT8_MAX / high);
}

/* A channel of several that says nothing. */
static void find_constant_channels(lks_findings *found, const lks_survey *s) {
    int n = 0, first = 0;
    for (int c = s->channels - 1; c >= 0; c--)
        if (s->low[c] == s->high[c]) {
            first = c;
            n++;
        }
    if (s->images && n > 0 && n < s->channels)
        add(found, LKS_FINDING_WARNING,
            "channel %d of the training images is %d everywhere%s, with deviation 0, and tells a "
            "network nothing: leave it out (`lockstep pack --channels`)",
            first, s->low[first], n > 1 ? ", and others are constant too" : "");
}

/* Two sets that were not made in the same way. */
static void find_difference(lks_findings *found, const lks_survey *a, const lks_survey *b) {
    const double x = lks_survey_mean(a), y = lks_survey_mean(b), middle = UINT8_MAX / 2.0;
    if (!a->images || !b->images || is_flat(a) || is_flat(b))
        return;
    if ((lks_survey_high(a) < DARK) != (lks_survey_high(b) < DARK))
        add(found, LKS_FINDING_WARNING,
            "the largest pixel is %d in the training images, but %d in the test images: scale both "
            "alike",
            lks_survey_high(a), lks_survey_high(b));
    else if ((x < middle) != (y < middle) && (x > y ? x - y : y - x) > APART)
        add(found, LKS_FINDING_WARNING,
            "the mean pixel is %.0f in the training images, but %.0f in the test images, as if one "
            "set were light on dark and the other dark on light: make both alike (`lockstep pack "
            "--invert`)",
            x, y);
}

/* --- labels ----------------------------------------------------------------------------------- */

/* "3", or "3, 5 and 9", or "3, 5, 9 and 14 more": the classes among the first `n` that `there` lacks. */
typedef char class_list[64];

static int list_missing(class_list text, const int64_t *there, const int64_t *wanted, int n) {
    int missing = 0, length = 0;
    text[0] = 0;
    for (int c = 0; c < n; c++)
        if (!there[c] && (!wanted || wanted[c]) && missing++ < 5)
            length += snprintf(text + length, sizeof(class_list) - (size_t)length, "%s%d",
                               missing > 1 ? ", " : "", c);
    if (missing > 5)
        snprintf(text + length, sizeof(class_list) - (size_t)length, " and %d more", missing - 5);
    return missing;
}

static int largest_label(const lks_survey *s) {
    int largest = 0;
    for (int c = 0; c < LKS_CLASSES_MAX; c++)
        largest = s->labels[c] ? c : largest;
    return largest;
}

/* Labels that begin above 0 leave all classes below without images. */
static int smallest_label(const lks_survey *s) {
    int c = 0;
    while (c < LKS_CLASSES_MAX - 1 && !s->labels[c])
        c++;
    return c;
}

static void find_missing(lks_findings *found, const lks_set_facts *f, int classes) {
    const lks_survey *s = f->training;
    class_list list;
    const int missing = list_missing(list, s->labels, NULL, classes), from = smallest_label(s);
    if (!missing)
        return;
    if (from > 0 && missing == from)
        add(found, LKS_FINDING_WARNING,
            "training labels are %d to %d, so class%s %s never occur%s: data.label_offset: %d "
            "takes "
            "%d off every label",
            from, largest_label(s), from > 1 ? "es" : "", list, from > 1 ? "" : "s",
            f->config->label_offset + from, f->config->label_offset + from);
    else
        add(found, LKS_FINDING_WARNING,
            "of %d classes %d never occur%s in the training images (%s), so the network cannot "
            "learn %s: number the labels 0, 1, 2 without gaps, or correct data.classes",
            classes, missing, missing > 1 ? "" : "s", list, missing > 1 ? "them" : "it");
}

static void find_limited(lks_findings *found, const lks_set_facts *f, int classes) {
    class_list list;
    const int missing = list_missing(list, f->kept, f->training->labels, classes);
    if (missing)
        add(found, LKS_FINDING_WARNING,
            "data.limit: %" PRId64 " leaves no training image of %d class%s (%s): raise it",
            f->config->limit, missing, missing > 1 ? "es" : "", list);
}

static void find_untested(lks_findings *found, const lks_set_facts *f, int classes) {
    const int64_t *wanted = f->training->images ? f->training->labels : NULL;
    class_list list;
    const int missing = list_missing(list, f->test->labels, wanted, classes);
    if (missing)
        add(found, LKS_FINDING_WARNING,
            "of %d classes %d never occur%s in the test images (%s): the accuracy on them says "
            "nothing of %s",
            classes, missing, missing > 1 ? "" : "s", list, missing > 1 ? "these" : "it");
}

static void find_unequal(lks_findings *found, const lks_set_facts *f) {
    const int64_t *n = f->training->labels;
    int most = -1, least = -1;
    for (int c = 0; c < LKS_CLASSES_MAX; c++) {
        if (n[c] && (most < 0 || n[c] > n[most]))
            most = c;
        if (n[c] && (least < 0 || n[c] < n[least]))
            least = c;
    }
    if (f->config->balanced || f->weighted || n[most] < UNEQUAL * n[least])
        return;
    add(found, LKS_FINDING_WARNING,
        "class %d has %" PRId64 " training images, class %d only %" PRId64
        ": whoever always answers %d is right on %.0f %% of them; data.balanced: true or "
        "train.class_weighting: balanced gives small classes their weight",
        most, n[most], least, n[least], most,
        100.0 * (double)n[most] / (double)f->training->images);
}

/* --- the same image again --------------------------------------------------------------------- */

static void find_repeats(lks_findings *found, const lks_set_facts *f) {
    const lks_repeats *r = f->repeats;
    image_text a, b;
    if (r->leaked.count)
        add(found, weigh(r->leaked.count, f->test->images, SOME_REPEATS),
            "%" PRId64 " of %" PRId64
            " test images are training images too (%s is %s): the test figures count what was "
            "learned by heart; leave them out of one set",
            r->leaked.count, f->test->images, tell(a, f, true, "test image", r->leaked.id),
            tell(b, f, false, "training image", r->leaked.first));
    if (r->contradictory.count)
        add(found, weigh(r->contradictory.count, f->training->images, SOME_REPEATS),
            "%" PRId64 " training images repeat others under another label (%s is %s): %s%s",
            r->contradictory.count, tell(a, f, false, "image", r->contradictory.id),
            tell(b, f, false, "image", r->contradictory.first),
            f->name ? "leave out what lies in the wrong folder" : "correct ",
            f->name ? "" : f->config->train_labels);
    if (r->training.count)
        add(found, weigh(r->training.count, f->training->images, SOME_REPEATS),
            "%" PRId64 " of %" PRId64 " training images repeat earlier ones (%s is %s)%s",
            r->training.count, f->training->images, tell(a, f, false, "image", r->training.id),
            tell(b, f, false, "image", r->training.first),
            f->config->validation > 0
                ? ": some of them may be on both sides of data.validation; leave them out"
                : ": leave them out before a part is held out to test");
}

/* --- all -------------------------------------------------------------------------------------- */

/* Pictures that are not square, with their channels last, pass for what few people have. */
static void find_layout(lks_findings *found, const lks_set_facts *f) {
    const int channels = f->training->channels;
    if (f->training->images && channels > 4 && f->columns >= 3 && f->columns <= 4 && f->rows > 4)
        add(found, LKS_FINDING_WARNING,
            "the images are read as %d x %d pixels with %d channels: if they are %d x %d pixels "
            "with "
            "%d colours, the channels stand last: write numpy.moveaxis(images, 3, 1)",
            f->rows, f->columns, channels, channels, f->rows, f->columns);
}

/* EMNIST's files hold rows where others have columns; their names tell. */
static void find_turned(lks_findings *found, const lks_set_facts *f) {
    const char *slash = strrchr(f->path, '/');
    if (strncmp(slash ? slash + 1 : f->path, "emnist-", 7) == 0 && !f->config->transpose)
        add(found, LKS_FINDING_WARNING,
            "EMNIST's pictures lie on their side: data.transpose: true puts them upright");
}

void lks_find(lks_findings *found, const lks_set_facts *f) {
    const bool training = f->training->images > 0, test = f->test->images > 0;
    const int classes = f->classes ? f->classes : largest_label(f->training) + 1;
    found->n = 0;
    if (training)
        find_flat(found, f, false);
    if (test)
        find_flat(found, f, true);
    find_dark(found, f);
    find_constant_channels(found, f->training);
    find_difference(found, f->training, f->test);
    find_turned(found, f);
    find_layout(found, f);
    if (training && !f->unlabelled) {
        find_missing(found, f, classes);
        find_unequal(found, f);
    }
    if (f->kept)
        find_limited(found, f, classes);
    if (test && !f->unlabelled)
        find_untested(found, f, classes);
    if (f->repeats)
        find_repeats(found, f);
}

void lks_findings_warn(const lks_findings *found) {
    for (int i = 0; i < found->n; i++)
        if (found->of[i].weight == LKS_FINDING_WARNING)
            lks_warn("%s", found->of[i].text);
}

lks_status lks_findings_check(const lks_findings *found, lks_error *err) {
    for (int i = 0; i < found->n; i++)
        if (found->of[i].weight == LKS_FINDING_ERROR)
            return lks_fail(err, LKS_ERR_DATA, "%s", found->of[i].text);
    return LKS_OK;
}
