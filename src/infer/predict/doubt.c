/* Whether an answer can be trusted. */
#include "infer/predict/predictor.h"
#include "infer/temperature.h"
#include "data/traits.h"

const char *lks_doubt_name(lks_doubt doubt) {
    static const char *const names[LKS_DOUBTS] = {
        [LKS_DOUBT_BLANK] = "blank",
        [LKS_DOUBT_CONFIDENCE] = "low confidence",
        [LKS_DOUBT_PARTS] = "several parts",
        [LKS_DOUBT_LESS_INK] = "less ink than training images",
        [LKS_DOUBT_MORE_INK] = "more ink than training images",
        [LKS_DOUBT_SMALL] = "smaller than training images",
        [LKS_DOUBT_LARGE] = "larger than training images",
        [LKS_DOUBT_THIN] = "thinner strokes than training images",
        [LKS_DOUBT_THICK] = "thicker strokes than training images",
        [LKS_DOUBT_PLACE] = "cut in doubt",
        [LKS_DOUBT_UNSTEADY] = "unsteady",
    };
    return names[doubt];
}

_Static_assert(LKS_DOUBT_MORE_INK == LKS_DOUBT_LESS_INK + 2 * LKS_TRAIT_INK + 1 &&
                   LKS_DOUBT_LARGE == LKS_DOUBT_LESS_INK + 2 * LKS_TRAIT_EXTENT + 1 &&
                   LKS_DOUBT_THICK == LKS_DOUBT_LESS_INK + 2 * LKS_TRAIT_STROKE + 1,
               "doubts follow the bits of lks_traits_beyond()");

/* Means over several networks or looks are no longer what the temperature was fitted on. */
const char *lks_predictor_uncalibrated(const lks_predictor *p) {
    if (p->networks.n > 1 || p->networks.shifts > 0)
        return "they are means over several networks or looks";
    if (!lks_temperature_known(&p->networks.members[0].temperature))
        return "the network was trained without a validation split; see `lockstep calibrate`";
    return NULL;
}

void lks_predictor_set_doubt(lks_predictor *p, const lks_predict_options *options) {
    const lks_ensemble *all = &p->networks;
    const lks_temperature none = {0};
    double smoothing = 0;
    for (int i = 0; i < all->n; i++)
        smoothing += all->members[i].config.train.label_smoothing / all->n;
    p->unsure_below = options->unsure_below;
    p->temperature =
        lks_temperature_value(lks_predictor_uncalibrated(p) ? &none : &all->members[0].temperature,
                              smoothing, all->classes);
}

unsigned lks_predictor_beyond(const lks_predictor *p, const uint8_t *image) {
    const lks_shape *s = &p->networks.shape;
    int values[LKS_TRAITS];
    if (s->channels != 1)
        return 0;
    lks_traits_measure(image, s->rows, s->columns, values);
    return lks_traits_beyond(&p->networks.members[0].data.traits, values) << LKS_DOUBT_LESS_INK;
}

/* The mean probability of the answer over five looks, at a temperature that softens them. */
static double steadiness(lks_predictor *p, const lks_answer *a) {
    static const int moves[][2] = {{0, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, 0}};
    enum { LOOKS = sizeof moves / sizeof moves[0] };
    double sum = 0, probabilities[LKS_CLASSES_MAX];
    for (int k = 0; k < LOOKS; k++) {
        lks_ensemble_look(&p->networks, a->pixels, moves[k][0], moves[k][1], probabilities);
        sum += lks_temperature_confidence(probabilities, p->networks.classes, a->predicted,
                                          LKS_STEADY_TEMPERATURE * p->temperature);
    }
    return sum / LOOKS;
}

void lks_predictor_doubt(lks_predictor *p, const lks_predict_item *item, lks_answer *a) {
    a->confidence = lks_temperature_confidence(a->probabilities, p->networks.classes, a->predicted,
                                               p->temperature);
    if (a->doubt & 1U << LKS_DOUBT_BLANK)
        return; /* what the network says of black means nothing */
    if (a->confidence < p->unsure_below)
        a->doubt |= 1U << LKS_DOUBT_CONFIDENCE;
    if (item->larger && a->confidence < LKS_STEADY_SURE && steadiness(p, a) < LKS_STEADY)
        a->doubt |= 1U << LKS_DOUBT_UNSTEADY;
}
