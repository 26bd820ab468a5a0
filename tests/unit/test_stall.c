/* Who is to blame where a job stalls, and that one which gets on is left alone, whatever messages are lost. */
#include "support/test.h"

#include <string.h>

#include "job/stall.h"

#define RANKS   4
#define TIMEOUT 10.0

/* The ranks of a job as rank 0 sees them, at second `now`. */
static lks_sign signs[RANKS];
static uint8_t blame[RANKS];
static double now;

static void hear(int rank, uint64_t progress, uint64_t calls, bool waiting) {
    lks_state_of_work work = {progress, calls, 7, waiting, "compute"};
    lks_sign_take(&signs[rank], &work, now);
}

/* All ranks are heard at second 0: they wait in call 5. */
static void begin(void) {
    memset(signs, 0, sizeof signs);
    now = 0;
    for (int r = 0; r < RANKS; r++)
        hear(r, 100, 5, true);
}

static int judge(void) {
    return lks_stall_judge(signs, RANKS, now, TIMEOUT, blame);
}

/* Who is blamed: one letter a rank. */
static const char *verdict(void) {
    static char letters[RANKS + 1];
    static const char of[] = {
        [LKS_BLAME_NONE] = '-',    [LKS_BLAME_SILENT] = 's', [LKS_BLAME_STILL] = 'h',
        [LKS_BLAME_UNHEARD] = 'u', [LKS_BLAME_BEHIND] = 'b', [LKS_BLAME_NETWORK] = 'n'};
    const int n = judge();
    int counted = 0;
    for (int r = 0; r < RANKS; r++) {
        letters[r] = of[blame[r]];
        counted += blame[r] != LKS_BLAME_NONE;
    }
    CU_ASSERT_EQUAL(n, counted);
    return letters;
}

static void nothing_before_the_time(void) {
    begin();
    CU_ASSERT_STRING_EQUAL(verdict(), "----");
    now = TIMEOUT;
    CU_ASSERT_STRING_EQUAL(verdict(), "----");
}

/* One stops, the others go on to the next call and wait there. */
static void a_stopped_rank(void) {
    begin();
    for (now = 1; now <= 12; now++)
        for (int r = 0; r < RANKS; r++)
            if (r != 2)
                hear(r, 101, 6, true);
    now = 11;
    CU_ASSERT_STRING_EQUAL(verdict(), "----"); /* the others came to their call at second 1 */
    now = 12;
    CU_ASSERT_STRING_EQUAL(verdict(), "--s-");
}

/* It was heard twice in the same place before it was stopped: for some time it stands still for longer than the
 * timeout, but is not silent for as long. That is no reason to call it alive, nor to blame others. */
static void a_rank_that_stops_after_two_beats(void) {
    for (int waiting = 0; waiting < 2; waiting++) {
        begin();
        hear(2, 100, 5, waiting);
        now = 1;
        hear(2, 100, 5, waiting);
        for (now = 1; now <= 10.5; now += 0.5)
            for (int r = 0; r < RANKS; r++)
                if (r != 2)
                    hear(r, 100, 5, true);
        CU_ASSERT_STRING_EQUAL(verdict(), "----");
        now = 11.5;
        for (int r = 0; r < RANKS; r++)
            if (r != 2)
                hear(r, 100, 5, true);
        CU_ASSERT_STRING_EQUAL(verdict(), "--s-");
    }
}

/* Of a rank that computes for long the others wait, and it is heard to move: no stall for hours. */
static void one_computes_for_long(void) {
    begin();
    for (now = 1; now < 7200; now++) {
        hear(0, 100, 5, true);
        hear(1, 100 + (uint64_t)now, 4, false);
        hear(2, 100, 5, true);
        hear(3, 100, 5, true);
        CU_ASSERT_EQUAL_FATAL(judge(), 0);
    }
}

/* A rank's beats get lost for good, but the job gets on: it cannot without that rank. */
static void lost_beats_end_nothing(void) {
    begin();
    for (now = 1; now < 1000; now++) {
        for (int r = 0; r < RANKS - 1; r++)
            hear(r, 100, 5 + (uint64_t)now, true);
        CU_ASSERT_EQUAL_FATAL(judge(), 0);
    }
    for (; now < 1011; now++) /* now it stands, and the one that is not heard is the suspect */
        for (int r = 0; r < RANKS - 1; r++)
            hear(r, 100, 5 + 999, true);
    CU_ASSERT_STRING_EQUAL(verdict(), "---s");
}

/* Alive, but its file system hangs. The others need not have come to wait for it. */
static void a_hanging_rank(void) {
    begin();
    for (now = 1; now <= 12; now++) {
        hear(0, 100 + (uint64_t)now, 5, false);
        hear(1, 101, 5, false);
        hear(2, 100, 5, true);
        hear(3, 100, 5, true);
    }
    now = 12;
    CU_ASSERT_STRING_EQUAL(verdict(), "-h--");
}

/* Rank 0 is judged like any other. */
static void rank_0_hangs(void) {
    begin();
    for (now = 1; now <= 12; now++)
        for (int r = 0; r < RANKS; r++)
            hear(r, 101, 5, r > 0);
    now = 12;
    CU_ASSERT_STRING_EQUAL(verdict(), "h---");
}

static void one_hangs_and_one_is_silent(void) {
    begin();
    for (now = 1; now <= 12; now++) {
        hear(0, 101, 6, true);
        hear(1, 101, 5, false);
        hear(3, 101, 6, true);
    }
    now = 12;
    CU_ASSERT_STRING_EQUAL(verdict(), "-hs-");
}

static void all_wait_in_mpi(void) {
    begin();
    for (now = 1; now <= 12; now++)
        for (int r = 0; r < RANKS; r++)
            hear(r, 100, r == 1 || r == 2 ? 5 : 6, true);
    now = 12;
    CU_ASSERT_STRING_EQUAL(verdict(), "-bb-");
    begin();
    for (now = 1; now <= 12; now++)
        for (int r = 0; r < RANKS; r++)
            hear(r, 100, 5, true);
    now = 11;
    CU_ASSERT_STRING_EQUAL(verdict(), "nnnn");
}

/* A rank that was never heard is suspected only where all others wait and nothing moves. */
static void a_rank_that_was_never_heard(void) {
    memset(signs, 0, sizeof signs);
    for (now = 0; now < 100; now++) {
        for (int r = 0; r < RANKS; r++)
            if (r != 3)
                hear(r, 100, (uint64_t)now, true);
        CU_ASSERT_EQUAL_FATAL(judge(), 0);
    }
    for (; now < 111; now++)
        for (int r = 0; r < RANKS; r++)
            if (r != 3)
                hear(r, 100, 99, true);
    CU_ASSERT_STRING_EQUAL(verdict(), "---u");
}

/* The judge's clock stands still with the job. After that the ranks are heard again, one by one. */
static void a_job_that_was_suspended(void) {
    begin();
    for (now = 1; now <= 9; now++)
        hear(0, 100, 5, true); /* rank 0 is stopped last */
    CU_ASSERT_STRING_EQUAL(verdict(), "----");
    for (int r = 1; r < RANKS; r++)
        hear(r, 100, 5, true);
    hear(2, 101, 5, false);
    now = 19;
    CU_ASSERT_STRING_EQUAL(verdict(), "----");
}

static void a_single_rank(void) {
    begin();
    for (now = 1; now <= 11; now++)
        hear(0, 100, 5, false);
    now = 11;
    CU_ASSERT_EQUAL(lks_stall_judge(signs, 1, now, TIMEOUT, blame), 1);
    CU_ASSERT_EQUAL(blame[0], LKS_BLAME_STILL);
}

/* --- the message ------------------------------------------------------------------------------ */

static const lks_rank_name names[RANKS] = {
    {"alpha", ""}, {"alpha", ""}, {"beta", "node2"}, {"gamma", ""}};

static void the_message_names_rank_host_and_place(void) {
    char text[1024];
    begin();
    signs[2].work.step = 812;
    now = 301;
    const uint8_t silent[RANKS] = {[2] = LKS_BLAME_SILENT, [3] = LKS_BLAME_STILL};
    lks_stall_tell(signs, names, RANKS, now, silent, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "rank 2 on beta, last seen in compute of step 812, for 301 s: no sign of life"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "; rank 3 on gamma, "));
    CU_ASSERT_PTR_NULL(strstr(text, "alpha"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "--stall-timeout"));
}

/* Of many ranks only some are named; a text without room is cut. */
static void a_long_message(void) {
    enum { MANY = 1000 };
    static lks_sign many[MANY];
    static lks_rank_name hosts[MANY];
    static uint8_t all[MANY];
    char text[2048], little[40];
    memset(all, LKS_BLAME_SILENT, sizeof all);
    lks_stall_tell(many, hosts, MANY, 1, all, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "rank 0 on"));
    CU_ASSERT_PTR_NULL(strstr(text, "rank 8 on"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "and 992 ranks more"));
    memset(little, 'x', sizeof little);
    lks_stall_tell(many, hosts, MANY, 1, all, little, sizeof little - 1);
    CU_ASSERT(strlen(little) < sizeof little - 1 && little[sizeof little - 1] == 'x');
}

int main(void) {
    static const lks_test tests[] = {
        {"nothing before the time", nothing_before_the_time},
        {"a stopped rank", a_stopped_rank},
        {"a rank that stops after two beats", a_rank_that_stops_after_two_beats},
        {"one computes for long", one_computes_for_long},
        {"lost beats end nothing", lost_beats_end_nothing},
        {"a hanging rank", a_hanging_rank},
        {"rank 0 hangs", rank_0_hangs},
        {"one hangs and one is silent", one_hangs_and_one_is_silent},
        {"all wait in MPI", all_wait_in_mpi},
        {"a rank that was never heard", a_rank_that_was_never_heard},
        {"a job that was suspended", a_job_that_was_suspended},
        {"a single rank", a_single_rank},
        {"the message names rank, host and place", the_message_names_rank_host_and_place},
        {"a long message", a_long_message},
        {NULL, NULL}};
    return lks_test_main("stalls", tests);
}
