/* One life at a time: who is judged how, and that of many starts one wins. */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "job/lease.h"
#include "job/lives.h"
#include "files/publish.h"
#include "support/test.h"

static lks_error err;
static const lks_lease_terms usual;

static const char *folder(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", lks_test_folder(), name);
    return path;
}

static lks_life self(void) {
    lks_life life;
    lks_life_self(&life);
    return life;
}

static lks_status claim(const char *lives, long long number, bool *taken) {
    lks_life life = self();
    life.number = number;
    return lks_lives_claim(lives, &life, taken, &err);
}

static int entries(const char *path, const char *prefix) {
    DIR *d = opendir(path);
    int n = 0;
    if (!d)
        return -1;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return n;
}

/* --- who it is -------------------------------------------------------------------------------- */

static void a_process_is_known_by_its_number_and_start(void) {
    const lks_life me = self();
    lks_life other = me;
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_ALIVE);
    other.born--; /* the number went to another process */
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_DEAD);
    const pid_t child = fork();
    if (child == 0)
        _exit(0);
    other = me;
    other.process = child;
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT); /* a zombie: only its entry is left */
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_DEAD);
    waitpid(child, NULL, 0);
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_DEAD);
}

static void elsewhere_only_the_heartbeat_tells(void) {
    const lks_life me = self();
    lks_life other = me;
    other.boot[0] = other.boot[0] == 'x' ? 'y' : 'x';
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_FOREIGN);
    other = me;
    other.pid_namespace++;
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_FOREIGN);
    memset(&other, 0, sizeof other); /* a damaged text */
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_FOREIGN);
    other = me;
    snprintf(other.host, sizeof other.host, "renamed"); /* a name says nothing */
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_ALIVE);
}

static void a_job_takes_over_from_its_earlier_launches(void) {
    setenv("SLURM_JOB_ID", "17", 1);
    setenv("SLURM_CLUSTER_NAME", "big", 1);
    setenv("SLURM_RESTART_COUNT", "1", 1);
    setenv("LOCKSTEP_RELAUNCH", "2", 1);
    const lks_life me = self();
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_CLUSTER_NAME");
    unsetenv("SLURM_RESTART_COUNT");
    unsetenv("LOCKSTEP_RELAUNCH");
    CU_ASSERT_STRING_EQUAL(me.job, "Slurm job 17 of big");
    const struct {
        long long restart, relaunch;
        lks_life_state state;
    } cases[] = {{0, 0, LKS_LIFE_FORMER}, {0, 9, LKS_LIFE_FORMER}, {1, 1, LKS_LIFE_FORMER},
                 {1, 2, LKS_LIFE_ALIVE},  {1, 3, LKS_LIFE_ALIVE},  {2, 0, LKS_LIFE_ALIVE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lks_life other = me;
        other.restart = cases[i].restart;
        other.relaunch = cases[i].relaunch;
        CU_ASSERT_EQUAL(lks_life_judge(&me, &other), cases[i].state);
    }
    lks_life other = self(); /* of no job */
    CU_ASSERT_EQUAL(lks_life_judge(&me, &other), LKS_LIFE_ALIVE);
    CU_ASSERT_EQUAL(lks_life_judge(&other, &other), LKS_LIFE_ALIVE);
}

static void a_life_is_read_as_it_was_written(void) {
    char text[2048];
    lks_life me = self(), back;
    me.number = 12345678;
    snprintf(me.host, sizeof me.host, "no\"de\n\x1b[31m");
    snprintf(me.job, sizeof me.job, "job \\ {\"life\": 3}");
    CU_ASSERT_EQUAL_FATAL(lks_life_put(&me, text, sizeof text, &err), LKS_OK);
    lks_life_get(&back, text);
    CU_ASSERT_EQUAL(back.number, me.number);
    CU_ASSERT_EQUAL(back.born, me.born);
    CU_ASSERT_STRING_EQUAL(back.host, me.host);
    CU_ASSERT_STRING_EQUAL(back.job, me.job);
    CU_ASSERT_STRING_EQUAL(back.boot, me.boot);
    CU_ASSERT_EQUAL(lks_life_put(&me, text, 40, &err), LKS_ERR_MEMORY);
}

/* --- a place ---------------------------------------------------------------------------------- */

/* Starts that come to the same number at once: exactly one gets it. */
static void one_of_many_starts_wins(void) {
    enum { STARTS = 12, ROUNDS = 10 };
    for (int round = 0; round < ROUNDS; round++) {
        char lives[4200], go[2];
        int gate[2], winners = 0;
        snprintf(lives, sizeof lives, "%s-%d", folder("starts"), round);
        CU_ASSERT_EQUAL_FATAL(pipe(gate), 0);
        for (int i = 0; i < STARTS; i++)
            if (fork() == 0) {
                bool taken;
                close(gate[1]);
                if (read(gate[0], go, 1) != 0)
                    _exit(9);
                _exit(claim(lives, 1, &taken) != LKS_OK ? 9 : taken ? 1 : 0);
            }
        close(gate[0]);
        close(gate[1]); /* they go */
        for (int i = 0; i < STARTS; i++) {
            int status;
            wait(&status);
            CU_ASSERT_NOT_EQUAL(WEXITSTATUS(status), 9);
            winners += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        CU_ASSERT_EQUAL(winners, 1);
        CU_ASSERT_EQUAL(entries(lives, ""), 1);
    }
}

/* While another process beats as fast as it can, it is ended: from then on it has lost, whatever a listing
 * has told. */
static void a_beating_life_can_be_ended(void) {
    const char *lives = folder("beating");
    bool taken;
    int told[2];
    char go;
    CU_ASSERT_EQUAL_FATAL(claim(lives, 1, &taken), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(pipe(told), 0);
    const pid_t child = fork();
    if (child == 0) {
        lks_heart heart;
        bool lost = false;
        if (lks_heart_open(&heart, lives, 1, &err) != LKS_OK ||
            lks_heart_beat(&heart, &lost, &err) != LKS_OK || write(told[1], "x", 1) != 1)
            _exit(9);
        while (!lost)
            if (lks_heart_beat(&heart, &lost, &err) != LKS_OK)
                _exit(8);
        lks_heart_close(&heart);
        _exit(heart.beat > 0 ? 0 : 7);
    }
    CU_ASSERT_EQUAL_FATAL(read(told[0], &go, 1), 1);
    CU_ASSERT_EQUAL(lks_lives_close(lives, 2, &err), LKS_OK);
    int status;
    waitpid(child, &status, 0);
    CU_ASSERT_TRUE(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
    lks_lives_entry entry;
    lks_lives_look(lives, 1, &entry);
    CU_ASSERT_FALSE(entry.open);
    CU_ASSERT_EQUAL(entry.life.process, getpid());
    char path[4200];
    snprintf(path, sizeof path, "%s/00000001/ended", lives);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0); /* it has not ended itself */
    close(told[0]);
    close(told[1]);
}

static void a_folder_that_was_moved_is_lost(void) {
    char lives[4200], away[4300];
    lks_heart heart;
    bool taken, lost;
    snprintf(lives, sizeof lives, "%s", folder("moved"));
    snprintf(away, sizeof away, "%s-away", lives);
    CU_ASSERT_EQUAL_FATAL(claim(lives, 1, &taken), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_heart_open(&heart, lives, 1, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_heart_beat(&heart, &lost, &err), LKS_OK);
    CU_ASSERT_FALSE(lost);
    CU_ASSERT_EQUAL(rename(lives, away), 0);
    CU_ASSERT_EQUAL(lks_heart_beat(&heart, &lost, &err), LKS_OK);
    CU_ASSERT_TRUE(lost);
    CU_ASSERT_EQUAL(claim(lives, 1, &taken),
                    LKS_OK); /* another run in its place, of the same number */
    CU_ASSERT_FALSE(taken);
    CU_ASSERT_EQUAL(lks_heart_beat(&heart, &lost, &err), LKS_OK);
    CU_ASSERT_TRUE(lost);
    lks_heart_close(&heart);
}

static void old_lives_are_removed_but_for_the_last(void) {
    const char *lives = folder("many");
    char path[4200];
    bool taken;
    for (long long n = 1; n <= 20; n++)
        CU_ASSERT_EQUAL(claim(lives, n, &taken), LKS_OK);
    snprintf(path, sizeof path, "%s/.tmp-0-life.dead-1-0", lives);
    CU_ASSERT_EQUAL(mkdir(path, 0777), 0);
    CU_ASSERT_EQUAL(lks_lives_close(lives, 20, &err), LKS_OK);
    lks_lives_prune(lives, 20);
    CU_ASSERT_EQUAL(entries(lives, ""), 9);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    long long newest;
    CU_ASSERT_EQUAL(lks_lives_newest(lives, &newest, &err), LKS_OK);
    CU_ASSERT_EQUAL(newest, 20);
}

/* --- a lease ---------------------------------------------------------------------------------- */

static void a_second_start_is_refused_until_the_first_ends(void) {
    const char *lives = folder("lease");
    lks_lease *first, *second;
    char text[LKS_LEASE_TEXT], path[4200];
    lks_lease_tell(lives, text);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_EQUAL_FATAL(lks_lease_claim(&first, lives, &usual, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_lease_check(first, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_publish_allowed(&err), LKS_OK);
    CU_ASSERT_EQUAL(lks_lease_claim(&second, lives, &usual, &err), LKS_ERR_BUSY);
    CU_ASSERT_PTR_NULL(second);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "life 1: process "));
    CU_ASSERT_EQUAL(lks_lease_look(lives, &usual, &err), LKS_ERR_BUSY);
    CU_ASSERT_EQUAL(entries(lives, ""), 1);
    lks_lease_tell(lives, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "at work"));
    lks_lease_release(first, false);
    CU_ASSERT_EQUAL(lks_lease_look(lives, &usual, &err), LKS_OK);
    lks_lease_tell(lives, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ": ended"));
    CU_ASSERT_EQUAL_FATAL(lks_lease_claim(&second, lives, &usual, &err), LKS_OK);
    lks_lease_release(second, true);
    snprintf(path, sizeof path, "%s/00000002", lives);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0); /* forgotten */
}

/* Another process takes over; what this one then wants to publish is refused, and it is told by whom. */
static void an_overtaken_lease_publishes_nothing(void) {
    char lives[4200], file[4300];
    snprintf(lives, sizeof lives, "%s", folder("overtaken"));
    snprintf(file, sizeof file, "%s-file", lives);
    lks_lease *lease;
    CU_ASSERT_EQUAL_FATAL(lks_lease_claim(&lease, lives, &usual, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_publish_text(file, "old", 3, &err), LKS_OK);
    const pid_t child = fork();
    if (child == 0) {
        const lks_lease_terms now = {.take_over = true};
        lks_lease *other;
        lks_publish_guard(0, NULL, NULL); /* this process has none */
        _exit(lks_lease_claim(&other, lives, &now, &err) == LKS_OK ? 0 : 9);
    }
    int status;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
    CU_ASSERT_EQUAL(lks_publish_text(file, "new", 3, &err), LKS_ERR_BUSY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(life 1) was overtaken by life 2: process "));
    CU_ASSERT_EQUAL(lks_publish_remove(file, &err), LKS_ERR_BUSY);
    CU_ASSERT_EQUAL(lks_lease_check(lease, &err), LKS_ERR_BUSY);
    lks_lease_release(lease, true); /* what is not its own any more stays */
    CU_ASSERT_EQUAL(entries(lives, ""), 2);
    CU_ASSERT_EQUAL(lks_publish_text(file, "new", 3, &err), LKS_OK);
}

int main(void) {
    static const lks_test tests[] = {
        {"a process is known by its number and start", a_process_is_known_by_its_number_and_start},
        {"elsewhere only the heartbeat tells", elsewhere_only_the_heartbeat_tells},
        {"a job takes over from its earlier launches", a_job_takes_over_from_its_earlier_launches},
        {"a life is read as it was written", a_life_is_read_as_it_was_written},
        {"one of many starts wins", one_of_many_starts_wins},
        {"a beating life can be ended", a_beating_life_can_be_ended},
        {"a folder that was moved is lost", a_folder_that_was_moved_is_lost},
        {"old lives are removed but for the last", old_lives_are_removed_but_for_the_last},
        {"a second start is refused until the first ends",
         a_second_start_is_refused_until_the_first_ends},
        {"an overtaken lease publishes nothing", an_overtaken_lease_publishes_nothing},
        {NULL, NULL}};
    return lks_test_main("lease", tests);
}
