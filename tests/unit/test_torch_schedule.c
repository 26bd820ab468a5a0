/* Learning rates against PyTorch's schedulers (tests/golden/make-torch.py): step by step, and for
 * the plateau after each validation figure. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "optim/optim.h"
#include "config_text.h"
#include "support/golden.h"

/* Of the largest rate. Both sides compute in double; PyTorch multiplies its rates up step by step,
 * and forms small ones as differences of large ones. */
#define TOLERANCE 1e-14

static void compare(const lks_golden_case *c, size_t at, double rate) {
    const lks_golden_tensor *rates = lks_golden_tensor_of(c, "rates");
    bool right = fabs(rate - rates->values[at]) <= TOLERANCE * lks_golden_scale(rates);
    if (!right)
        printf("\n  %s, %zu: %.17g, PyTorch has %.17g\n", c->name, at, rate, rates->values[at]);
    CU_ASSERT(right);
}

static void check_steps(const lks_golden_case *c) {
    int64_t per_epoch = (int64_t)lks_golden_tensor_of(c, "steps_per_epoch")->values[0];
    int64_t steps = (int64_t)lks_golden_tensor_of(c, "rates")->count;
    lks_config config = golden_config(c);
    for (int64_t step = 0; step < steps; step++)
        compare(c, (size_t)step, lks_learning_rate(&config.train, NULL, step, per_epoch, steps));
    lks_config_free(&config);
}

static void check_plateau(const lks_golden_case *c) {
    const lks_golden_tensor *figures = lks_golden_tensor_of(c, "figures");
    lks_watch_state seen = {0};
    lks_config config = golden_config(c);
    CU_ASSERT_EQUAL(config.train.schedule.name, LKS_SCHEDULE_PLATEAU);
    for (size_t i = 0; i < figures->count; i++) {
        lks_plateau_watch(&seen, &config.train.schedule, figures->values[i], (int64_t)i + 1);
        compare(c, i, lks_learning_rate(&config.train, &seen, (int64_t)i + 1, 1, 100));
    }
    lks_config_free(&config);
}

static void test_rates(void) {
    lks_golden g = lks_golden_read("torch-schedules.txt");
    CU_ASSERT(g.n_cases > 0);
    for (int i = 0; i < g.n_cases; i++)
        if (lks_golden_find(&g.cases[i], "figures"))
            check_plateau(&g.cases[i]);
        else
            check_steps(&g.cases[i]);
    lks_golden_free(&g);
}

int main(void) {
    static const lks_test tests[] = {{"rates", test_rates}, {NULL, NULL}};
    return lks_test_main("schedules of PyTorch", tests);
}
