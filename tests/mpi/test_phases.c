/* The clock of phases: it loses and counts twice no time, divides the time in allreduces into
 * communication and wait, and reports over the ranks. */
#include "support/test.h"
#include "support/give_up.h"
#include "support/mpi_main.h"

#include <math.h>
#include <string.h>

#include "measure/phases.h"

static lks_comm comm;
static lks_error err;

static void start(lks_phases *p, size_t meetings) {
    memset(p, 0, sizeof *p);
    if (lks_phases_create(p, meetings, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
    lks_phases_start(p);
}

/* Entering a phase within another, and coming back, as a batchnorm's allreduce does. */
static void phases_fill_the_time(void) {
    enum { ROUNDS = 100 };
    lks_phases p;
    start(&p, 2 * ROUNDS);
    double met = 0;
    for (int i = 0; i < ROUNDS; i++) {
        CU_ASSERT_EQUAL(lks_phases_enter(&p, LKS_PHASE_COMPUTE), LKS_PHASE_OTHER);
        lks_phase before = lks_phases_meet(&p);
        CU_ASSERT_EQUAL(before, LKS_PHASE_COMPUTE);
        lks_phases_part(&p, before);
        CU_ASSERT_EQUAL(p.current, LKS_PHASE_COMPUTE);
        lks_phases_enter(&p, LKS_PHASE_UPDATE);
        lks_phases_part(&p, lks_phases_meet(&p));
        CU_ASSERT_EQUAL(lks_phases_enter(&p, LKS_PHASE_OTHER), LKS_PHASE_UPDATE);
    }
    CU_ASSERT_EQUAL(p.n_met, 2 * ROUNDS);
    for (size_t i = 0; i < p.n_met; i++)
        met += p.met[i];
    CU_ASSERT_EQUAL(p.seconds[LKS_PHASE_COMMUNICATION], met);
    double sum = 0;
    for (int i = 0; i < LKS_PHASES; i++)
        sum += p.seconds[i];
    CU_ASSERT_DOUBLE_EQUAL(sum, p.since - p.started, 1e-9);
    CU_ASSERT(p.seconds[LKS_PHASE_COMPUTE] > 0 && p.seconds[LKS_PHASE_UPDATE] > 0);
    CU_ASSERT_EQUAL(p.seconds[LKS_PHASE_WAIT], 0);
    lks_phases_free(&p);
}

/* Call k takes 1 + k / 4 seconds once its last rank has come, and that is another rank each time;
 * the others come 1, 2, ... seconds before. All numbers are exact. */
static void the_last_rank_waits_for_nobody(void) {
    enum { CALLS = 9 };
    lks_phases p;
    start(&p, CALLS);
    double real = 0, own = 0;
    for (int k = 0; k < CALLS; k++) {
        int late = k % comm.size, before = (late - comm.rank + comm.size) % comm.size;
        p.met[p.n_met++] = 1 + k / 4.0 + before;
        own += p.met[k];
        real += 1 + k / 4.0;
    }
    p.seconds[LKS_PHASE_COMMUNICATION] = own;
    lks_phases_divide(&p, &comm);
    CU_ASSERT_EQUAL(p.seconds[LKS_PHASE_COMMUNICATION], real);
    CU_ASSERT_EQUAL(p.seconds[LKS_PHASE_WAIT], own - real);
    CU_ASSERT_EQUAL(p.n_met, 0);
    lks_phases_divide(&p, &comm); /* nothing met since */
    CU_ASSERT_EQUAL(p.seconds[LKS_PHASE_COMMUNICATION], real);
    lks_phases_free(&p);
}

/* More calls than there is room for: nothing is written beyond it, and no time is lost. */
static void calls_beyond_the_room_are_divided_as_one(void) {
    for (size_t room = 0; room < 3; room++) {
        lks_phases p;
        start(&p, room);
        for (int i = 0; i < 7; i++)
            lks_phases_part(&p, lks_phases_meet(&p));
        CU_ASSERT_FATAL(p.n_met <= p.room && p.n_met == (room ? room : 1));
        double met = 0;
        for (size_t i = 0; i < p.n_met; i++)
            met += p.met[i];
        CU_ASSERT_DOUBLE_EQUAL(p.seconds[LKS_PHASE_COMMUNICATION], met, 1e-12);
        lks_phases_free(&p);
    }
}

static void check_time(const lks_phase_time *t, double min, double avg, double max, int rank) {
    CU_ASSERT_EQUAL(t->min, min);
    CU_ASSERT_EQUAL(t->avg, avg);
    CU_ASSERT_EQUAL(t->max, max);
    CU_ASSERT_EQUAL(t->rank, rank);
}

/* Sets what this rank is said to have spent; all numbers are exact. */
static void spend(lks_phases *p) {
    p->seconds[LKS_PHASE_EXCHANGE] = 1 + comm.rank;
    p->seconds[LKS_PHASE_BATCH] = 8 - comm.rank;
    p->seconds[LKS_PHASE_WAIT] = comm.rank == comm.size / 2 ? comm.size : 0;
    p->seconds[LKS_PHASE_EVALUATE] = 0.25;
}

static void records_are_taken_over_the_ranks(void) {
    lks_phases p;
    int n = comm.size;
    start(&p, 1);
    for (int record = 0; record < 3; record++) {
        spend(&p);
        const lks_phase_times t = lks_phases_take(&p, &comm);
        check_time(&t.of[LKS_PHASE_EXCHANGE], 1, (1 + n) / 2.0, n, n - 1);
        check_time(&t.of[LKS_PHASE_BATCH], 9 - n, 8 - (n - 1) / 2.0, 8, 0);
        check_time(&t.of[LKS_PHASE_WAIT], n > 1 ? 0 : 1, 1, n, n / 2);
        check_time(&t.of[LKS_PHASE_EVALUATE], 0.25, 0.25, 0.25, 0);
        check_time(&t.of[LKS_PHASE_VERIFY], 0, 0, 0, 0);
        const lks_phase_time *total = &t.of[LKS_PHASE_TOTAL];
        CU_ASSERT(total->min >= 0 && total->min <= total->avg && total->avg <= total->max);
        CU_ASSERT(total->rank >= 0 && total->rank < n);
        CU_ASSERT_EQUAL(p.started, p.since);
    }
    spend(&p); /* what comes after the last record belongs to the process too */
    const lks_phase_times t = lks_phases_sum(&p, &comm);
    check_time(&t.of[LKS_PHASE_EXCHANGE], 4, 2.0 * (1 + n), 4 * n, n - 1);
    check_time(&t.of[LKS_PHASE_EVALUATE], 1, 1, 1, 0);
    lks_phases_free(&p);
}

int main(void) {
    static const lks_test tests[] = {
        {"phases fill the time", phases_fill_the_time},
        {"the last rank waits for nobody", the_last_rank_waits_for_nobody},
        {"calls beyond the room are divided as one", calls_beyond_the_room_are_divided_as_one},
        {"records are taken over the ranks", records_are_taken_over_the_ranks},
        {NULL, NULL},
    };
    return lks_mpi_test_main(&comm, "phases", tests);
}
