/* From layers to steps, and from steps to places in memory. */
#include "export/c/plan.h"

#include "base/memory.h"

#define ALIGNMENT 4 /* floats: a vector of most processors */

size_t lks_c_values(lks_shape s) {
    return (size_t)s.rows * (size_t)s.columns * (size_t)s.channels;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* While steps are made: what layers became. */
typedef struct making {
    lks_c_plan *plan;
    const lks_c_kernels *kernels;
    int *readers; /* [layers] how many layers read each one's output */
    int *step;    /* [layers] the step that gives it */
} making;

static int step_of(const making *m, int layer) {
    return layer < 0 ? 0 : m->step[layer];
}

static void count_readers(const making *m) {
    const lks_exporting *x = m->plan->x;
    for (int i = 0; i < x->n_layers; i++)
        for (int k = 0; k < x->layers[i].config->n_inputs; k++)
            if (x->layers[i].config->inputs[k] >= 0)
                m->readers[x->layers[i].config->inputs[k]]++;
}

static bool is_plain_maximum(const lks_export_layer *layer) {
    if (!lks_export_is(layer, "maxpool"))
        return false;
    const lks_export_window w = lks_export_window_of(layer);
    return w.size[0] == 2 && w.size[1] == 2 && w.stride[0] == 2 && w.stride[1] == 2 &&
           !lks_export_is_padded(&w);
}

/* The layer behind `layer`, where it alone reads that one's output; else NULL. */
static const lks_export_layer *follower(const making *m, int layer) {
    const lks_exporting *x = m->plan->x;
    const bool alone = layer + 1 < x->n_layers && m->readers[layer] == 1 &&
                       x->layers[layer + 1].config->inputs[0] == layer;
    return alone ? &x->layers[layer + 1] : NULL;
}

/* A normalisation, then ReLU and 2 x 2 maxima in either order, which commute. */
static void take_followers(const making *m, lks_c_step *s) {
    const lks_export_layer *next;
    while ((next = follower(m, s->last_layer)) != NULL) {
        const bool plain =
            !s->norm && !s->relu && !s->pool && !lks_export_is(s->layer, "batchnorm");
        if (s->kernel->takes_norm && plain && lks_export_is(next, "batchnorm"))
            s->norm = next;
        else if (s->kernel->takes_relu && !s->relu && lks_export_is(next, "relu"))
            s->relu = true;
        else if (s->kernel->takes_pool && !s->pool && is_plain_maximum(next))
            s->pool = true;
        else
            break;
        s->out = next->out;
        s->last_layer++;
    }
}

/* The step that begins with layer `layer`; returns the last layer that it computes. */
static int add_step(const making *m, int layer) {
    lks_c_plan *plan = m->plan;
    const lks_export_layer *from = &plan->x->layers[layer];
    const lks_c_kernel *kernel = m->kernels->choose(plan->x, from);
    if (!kernel) {
        m->step[layer] = step_of(m, from->config->inputs[0]);
        return layer;
    }
    lks_c_step *s = &plan->steps[plan->n_steps];
    *s = (lks_c_step){.plan = plan,
                      .kernel = kernel,
                      .layer = from,
                      .n_inputs = from->config->n_inputs,
                      .out = from->out,
                      .last_layer = layer,
                      .stands_in = plan->n_steps};
    for (int k = 0; k < s->n_inputs; k++)
        s->inputs[k] = step_of(m, from->config->inputs[k]);
    take_followers(m, s);
    for (int i = layer; i <= s->last_layer; i++)
        m->step[i] = plan->n_steps;
    plan->n_steps++;
    return s->last_layer;
}

static void add_widening(const making *m) {
    lks_c_plan *plan = m->plan;
    const lks_c_step *last = &plan->steps[plan->n_steps - 1];
    if (!m->kernels->widen || last->kernel->gives_logits)
        return;
    plan->steps[plan->n_steps] = (lks_c_step){.plan = plan,
                                              .kernel = m->kernels->widen,
                                              .layer = last->layer,
                                              .inputs = {plan->n_steps - 1},
                                              .n_inputs = 1,
                                              .out = last->out,
                                              .last_layer = last->last_layer,
                                              .stands_in = plan->n_steps};
    plan->n_steps++;
}

static void add_steps(const making *m) {
    lks_c_plan *plan = m->plan;
    plan->steps[0] = (lks_c_step){.plan = plan, .kernel = m->kernels->image, .out = plan->x->input};
    plan->n_steps = 1;
    count_readers(m);
    for (int layer = 0; layer < plan->x->n_layers; layer++)
        layer = add_step(m, layer);
    add_widening(m);
}

/* --- memory ----------------------------------------------------------------------------------- */

static int last_reader(const lks_c_plan *plan, int step) {
    int last = step;
    for (int i = step + 1; i < plan->n_steps; i++)
        for (int k = 0; k < plan->steps[i].n_inputs; k++)
            if (plan->steps[i].inputs[k] == step)
                last = i;
    return last;
}

/* The value of a step replaces that of an input which nobody reads after it; the logits stand elsewhere. */
static void choose_place(lks_c_plan *plan, int i) {
    lks_c_step *s = &plan->steps[i];
    const int last = last_reader(plan, i);
    for (int k = 0; s->kernel->in_place && i < plan->n_steps - 1 && k < s->n_inputs; k++) {
        lks_c_step *place = &plan->steps[plan->steps[s->inputs[k]].stands_in];
        if (place->value.last != i)
            continue;
        place->value.last = last;
        s->stands_in = (int)(place - plan->steps);
        return;
    }
    s->value = (lks_c_memory){
        .floats = i < plan->n_steps - 1 ? lks_c_values(s->out) : 0, .first = i, .last = last};
}

static bool meet(const lks_c_memory *a, const lks_c_memory *b) {
    return a->first <= b->last && b->first <= a->last && a->at < b->at + b->floats &&
           b->at < a->at + a->floats;
}

/* The lowest place for it, besides `n` others that have theirs. */
static void place(lks_c_memory *m, lks_c_memory *const *others, int n) {
    m->at = 0;
    for (int i = 0; i < n;) {
        const size_t end = others[i]->at + others[i]->floats;
        if (meet(m, others[i])) {
            m->at = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            i = 0;
        } else {
            i++;
        }
    }
}

/* The largest ones choose first. */
static lks_status place_all(lks_c_plan *plan, lks_error *err) {
    int n = 0;
    lks_c_memory **all = lks_alloc(2 * (size_t)plan->n_steps, sizeof(void *), "places", err);
    if (!all)
        return err->status;
    for (int i = 0; i < plan->n_steps; i++) {
        lks_c_memory *const own[] = {&plan->steps[i].value, &plan->steps[i].room};
        for (int k = 0; k < 2; k++) {
            int at = n;
            if (own[k]->floats == 0)
                continue;
            for (; at > 0 && all[at - 1]->floats < own[k]->floats; at--)
                all[at] = all[at - 1];
            all[at] = own[k];
            n++;
        }
    }
    for (int i = 0; i < n; i++) {
        place(all[i], all, i);
        const size_t end = all[i]->at + all[i]->floats;
        plan->floats = end > plan->floats ? end : plan->floats;
    }
    lks_free(all);
    return LKS_OK;
}

static lks_status give_memory(lks_c_plan *plan, lks_error *err) {
    for (int i = 0; i < plan->n_steps; i++) {
        lks_c_step *s = &plan->steps[i];
        choose_place(plan, i);
        s->room = (lks_c_memory){
            .floats = s->kernel->room ? s->kernel->room(s) : 0, .first = i, .last = i};
    }
    return place_all(plan, err);
}

lks_status lks_c_plan_make(lks_c_plan *plan, const lks_exporting *x, const lks_c_kernels *kernels,
                           lks_error *err) {
    const size_t layers = (size_t)x->n_layers;
    *plan = (lks_c_plan){.x = x};
    making m = {.plan = plan, .kernels = kernels};
    m.readers = lks_alloc(2 * layers, sizeof *m.readers, "steps", err);
    plan->steps = lks_alloc(layers + 2, sizeof *plan->steps, "steps", err);
    if (m.readers && plan->steps) {
        m.step = m.readers + layers;
        add_steps(&m);
    }
    const bool made = m.readers && plan->steps;
    lks_free(m.readers);
    return made ? give_memory(plan, err) : err->status;
}

void lks_c_plan_free(lks_c_plan *plan) {
    for (int i = 0; i < plan->n_steps; i++)
        lks_free(plan->steps[i].constants);
    lks_free(plan->steps);
    *plan = (lks_c_plan){.steps = NULL};
}
