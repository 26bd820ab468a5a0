/* The process in which HDF5 reads files that somebody may have made to do harm. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/h5/confined.h"
#include "support/test.h"

static lks_error err;

static lks_status echo(int input, const void *argument, lks_reply *reply, lks_error *e) {
    char *to = lks_reply_room(reply, 4, e);
    (void)argument;
    return to && pread(input, to, 4, 0) == 4 ? LKS_OK : LKS_ERR_IO;
}

static lks_status refuse(int input, const void *argument, lks_reply *reply, lks_error *e) {
    (void)input, (void)reply;
    return lks_fail(e, LKS_ERR_DATA, "not %s", (const char *)argument);
}

static lks_status crash(int input, const void *argument, lks_reply *reply, lks_error *e) {
    (void)input, (void)argument, (void)reply, (void)e;
    raise(SIGKILL);
    return LKS_OK;
}

static lks_status loop(int input, const void *argument, lks_reply *reply, lks_error *e) {
    (void)argument, (void)reply, (void)e;
    for (volatile int again = input >= 0; again;)
        ;
    return LKS_OK;
}

static lks_status talk(int input, const void *argument, lks_reply *reply, lks_error *e) {
    (void)input, (void)argument;
    while (lks_reply_room(reply, 1000, e))
        ;
    return LKS_ERR_FORMAT;
}

/* Replies with 1 for each of: another file could be opened, a file could be made longer. */
static lks_status look_around(int input, const void *argument, lks_reply *reply, lks_error *e) {
    char *found = lks_reply_room(reply, 2, e);
    (void)input;
    lks_confined_no_more_files();
    found[0] = open("/etc/passwd", O_RDONLY) >= 0;
    found[1] = write(*(const int *)argument, "x", 1) == 1; /* a descriptor of the program */
    return LKS_OK;
}

/* Replies with the kind of standard input, output and error: what libraries say there goes nowhere, and nobody would take
 * it from the server's socket. */
static lks_status look_at_standard(int input, const void *argument, lks_reply *reply,
                                   lks_error *e) {
    char *found = lks_reply_room(reply, 3, e);
    struct stat info;
    (void)input, (void)argument;
    for (int i = 0; i < 3; i++)
        found[i] = fstat(i, &info) == 0 && S_ISCHR(info.st_mode) ? 'c' : 'x';
    return LKS_OK;
}

/* Replies with 1 where much more memory can be had than the job may take. */
static lks_status take_memory(int input, const void *argument, lks_reply *reply, lks_error *e) {
    char *found = lks_reply_room(reply, 1, e);
    (void)input, (void)argument;
    void *volatile much = malloc((size_t)1 << 30);
    *found = much != NULL;
    return LKS_OK;
}

static int file_of(const char *name, const char *text) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", lks_test_folder(), name);
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    CU_ASSERT_FATAL(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    return file;
}

static lks_status run(lks_confined_work work, int argument, unsigned char **bytes, size_t *size) {
    const int file = file_of("input", "text");
    const lks_confined_job job = {work, &argument, sizeof argument, (size_t)256 << 20, 5000, 1};
    const lks_status status = lks_confined_run(&job, "a file", file, bytes, size, &err);
    close(file);
    return status;
}

static void work_is_done(void) {
    unsigned char *bytes = NULL;
    size_t size = 0;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(run(echo, 0, &bytes, &size), LKS_OK);
        CU_ASSERT(size == 4 && memcmp(bytes, "text", 4) == 0);
        free(bytes);
    }
    const int word = 0x00646162; /* "bad" */
    CU_ASSERT_EQUAL(run(refuse, word, &bytes, &size), LKS_ERR_DATA);
    CU_ASSERT_STRING_EQUAL(err.text, "not bad");
}

static void what_falls_is_told(void) {
    unsigned char *bytes;
    size_t size;
    const lks_confined_work falls[] = {crash, loop};
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(run(falls[i], 0, &bytes, &size), LKS_ERR_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a file is damaged, or made to do harm"));
        CU_ASSERT_PTR_NULL(bytes);
    }
    CU_ASSERT_EQUAL(run(talk, 0, &bytes, &size), LKS_ERR_FORMAT);
    CU_ASSERT_EQUAL(run(echo, 0, &bytes, &size), LKS_OK); /* and the next one is served */
    free(bytes);
}

static void nothing_else_is_reached(void) {
    unsigned char *bytes;
    size_t size;
    const int other = file_of("other", "");
    CU_ASSERT_EQUAL_FATAL(run(look_around, other, &bytes, &size), LKS_OK);
    CU_ASSERT(size == 2 && bytes[0] == 0 && bytes[1] == 0);
    free(bytes);
    CU_ASSERT_EQUAL(lseek(other, 0, SEEK_END), 0);
    close(other);
}

static void words_go_nowhere(void) {
    unsigned char *bytes;
    size_t size;
    lks_confined_stop();
    CU_ASSERT_EQUAL_FATAL(lks_confined_start(&err), LKS_OK); /* with the lowest places free */
    CU_ASSERT_EQUAL_FATAL(run(look_at_standard, 0, &bytes, &size), LKS_OK);
    CU_ASSERT(size == 3 && memcmp(bytes, "ccc", 3) == 0);
    free(bytes);
}

static void memory_is_bounded(void) {
    unsigned char *bytes;
    size_t size;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
    return; /* sanitizers take terabytes of addresses */
#endif
    CU_ASSERT_EQUAL_FATAL(run(take_memory, 0, &bytes, &size), LKS_OK);
    CU_ASSERT(size == 1 && bytes[0] == 0);
    free(bytes);
}

static void a_server_that_ended_is_replaced(void) {
    unsigned char *bytes;
    size_t size;
    lks_confined_stop();
    lks_confined_stop();
    CU_ASSERT_EQUAL(lks_confined_start(&err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(run(echo, 0, &bytes, &size), LKS_OK);
    free(bytes);
    lks_confined_stop();
}

int main(void) {
    static const lks_test tests[] = {
        {"work is done", work_is_done},
        {"what falls is told", what_falls_is_told},
        {"nothing else is reached", nothing_else_is_reached},
        {"words go nowhere", words_go_nowhere},
        {"memory is bounded", memory_is_bounded},
        {"a server that ended is replaced", a_server_that_ended_is_replaced},
        {NULL, NULL}};
    return lks_test_main("confined", tests);
}
