/* Proves that the thread sanitizer sees races here, and follows OpenMP: `planted team` and `planted thread` have one,
 * `planted none` has none, though without OpenMP's own word on barriers it would look so. */
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static long shared[2];

static void add_in_team(void) {
#pragma omp parallel num_threads(4)
    shared[0] += omp_get_thread_num() + 1;
}

static void *add(void *context) {
    ++*(long *)context;
    return NULL;
}

static int add_beside(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, add, &shared[0]) != 0)
        return 2;
    shared[0]++;
    return pthread_join(thread, NULL) == 0 ? 0 : 2;
}

/* One writes before the barrier, another after it. */
static void take_turns(void) {
#pragma omp parallel num_threads(2)
    {
        shared[omp_get_thread_num()]++;
#pragma omp barrier
        shared[1 - omp_get_thread_num()]++;
    }
}

int main(int argc, char **argv) {
    const char *what = argc == 2 ? argv[1] : "";
    int status = 0;
    if (strcmp(what, "team") == 0)
        add_in_team();
    else if (strcmp(what, "thread") == 0)
        status = add_beside();
    else if (strcmp(what, "none") == 0)
        for (int i = 0; i < 1000; i++)
            take_turns();
    else
        status = 2;
    printf("%ld %ld\n", shared[0], shared[1]);
    return status;
}
