#include "io/h5/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files/system_error.h"
#include "io/h5/h5.h"
#include "base/observe/pulse.h"

#define SERVER       "the process that reads HDF5 files"
#define COMPLETE     UINT64_C(0x6574656c706d6f63) /* "complete" */
#define PIECE        65536
#define SOCKET_PLACE 3 /* in the server: after standard input, output and error */

/* AddressSanitizer takes terabytes of addresses for its shadow. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHADOWED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOWED
#endif

/** What goes to the server, with the descriptors of the input and of the pipe for the reply. */
typedef struct order {
    lks_confined_work work;
    size_t memory, most;
    int seconds;
    _Alignas(max_align_t) unsigned char argument[LKS_CONFINED_ARGUMENT];
} order;

/** The end of each reply: without it the work did not end. */
typedef struct ending {
    uint64_t complete;
    lks_error outcome;
} ending;

/* --- the process that works ------------------------------------------------------------------- */

static void limit(int what, size_t most) {
    struct rlimit now;
    if (getrlimit(what, &now) != 0)
        return;
    if (most < now.rlim_max)
        setrlimit(what, &(struct rlimit){most, most});
}

void lks_confined_no_more_files(void) {
    limit(RLIMIT_NOFILE, 0);
}

#ifndef SHADOWED
/** Bytes of addresses that this process has in use; 0: not known. */
static size_t memory_now(void) {
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%zu", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}
#endif

static void confine(const order *o) {
#ifndef SHADOWED
    const size_t now = memory_now();
    if (now > 0)
        limit(RLIMIT_AS, now + o->memory);
#endif
    limit(RLIMIT_CPU, (size_t)o->seconds);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
}

static bool write_all(int file, const void *bytes, size_t size) {
    while (size > 0) {
        const ssize_t n = write(file, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = (const char *)bytes + n;
        size -= (size_t)n;
    }
    return true;
}

static bool do_work(const order *o, int input, int output) {
    ending e = {.complete = COMPLETE};
    lks_reply reply = {.most = o->most};
    confine(o);
    e.outcome.status = o->work(input, o->argument, &reply, &e.outcome);
    const size_t size = e.outcome.status == LKS_OK ? reply.size : 0;
    return write_all(output, reply.bytes, size) && write_all(output, &e, sizeof e);
}

/* --- the server ------------------------------------------------------------------------------- */

#define DESCRIPTORS (2 * sizeof(int))

typedef union passed {
    struct cmsghdr header;
    char room[CMSG_SPACE(DESCRIPTORS)];
} passed;

/** False: there will be no more. */
static bool receive(int socket, order *o, int files[2]) {
    passed p = {0};
    struct iovec part = {o, sizeof *o};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &p, .msg_controllen = sizeof p};
    ssize_t n;
    do
        n = recvmsg(socket, &m, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof *o || m.msg_controllen < CMSG_LEN(DESCRIPTORS))
        return false;
    memcpy(files, CMSG_DATA(&p.header), DESCRIPTORS);
    return true;
}

/** One job after the other: who asks waits for the answer anyway. */
static void serve(int socket) {
    order o;
    int files[2];
    while (receive(socket, &o, files)) {
        const pid_t worker = fork();
        if (worker == 0) {
            close(socket);
            _exit(do_work(&o, files[0], files[1]) ? 0 : 1);
        }
        close(files[0]);
        close(files[1]);
        if (worker > 0)
            waitpid(worker, NULL, 0);
    }
}

/** Of what the program had open only `kept` stays, at SOCKET_PLACE: a pipe that others wait for the end of must
 * not stay open. */
static bool leave_files(int kept) {
    const int aside = fcntl(kept, F_DUPFD, SOCKET_PLACE + 1); /* the places may be taken */
    const int nothing = open("/dev/null", O_RDWR);
    if (aside < 0 || nothing < 0)
        return false;
    for (int i = 0; i < SOCKET_PLACE; i++)
        if (dup2(nothing, i) < 0)
            return false;
    if (dup2(aside, SOCKET_PLACE) < 0)
        return false;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, SOCKET_PLACE + 1, ~0u, 0) == 0)
        return true;
#endif
    for (int i = SOCKET_PLACE + 1; i < (int)sysconf(_SC_OPEN_MAX); i++)
        close(i);
    return true;
}

/** In the new process. Signals are for the program: the server ends when that has closed its end. */
static void be_server(int socket) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (leave_files(socket) && lks_h5_forbid_others())
        serve(SOCKET_PLACE);
    _exit(0);
}

/* --- the program ------------------------------------------------------------------------------ */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    bool runs;
    int socket;
    pid_t process;
} server;

static void stop(void) {
    if (!server.runs)
        return;
    server.runs = false;
    close(server.socket);
    while (waitpid(server.process, NULL, 0) < 0 && errno == EINTR)
        ;
}

static lks_status start(lks_error *err) {
    int ends[2];
    if (server.runs)
        return LKS_OK;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return lks_fail_system(err, "start", SERVER);
    lks_h5_lock(); /* no thread is in the middle of HDF5 */
    server.process = fork();
    lks_h5_unlock();
    if (server.process == 0) {
        close(ends[0]);
        be_server(ends[1]);
    }
    close(ends[1]);
    if (server.process < 0) {
        lks_fail_system(err, "start", SERVER);
        close(ends[0]);
        return LKS_ERR_IO;
    }
    server.socket = ends[0];
    server.runs = true;
    return LKS_OK;
}

lks_status lks_confined_start(lks_error *err) {
    pthread_mutex_lock(&mutex);
    const lks_status status = start(err);
    pthread_mutex_unlock(&mutex);
    return status;
}

void lks_confined_stop(void) {
    pthread_mutex_lock(&mutex);
    stop();
    pthread_mutex_unlock(&mutex);
}

static bool send_order(const order *o, int input, int output) {
    const int files[2] = {input, output};
    passed p = {.header = {.cmsg_len = CMSG_LEN(DESCRIPTORS),
                           .cmsg_level = SOL_SOCKET,
                           .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&p.header), files, DESCRIPTORS);
    /* The interface has no const here; the order is only read. */
    struct iovec part = {.iov_len = sizeof *o};
    memcpy(&part.iov_base, &o, sizeof part.iov_base);
    const struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &p, .msg_controllen = sizeof p};
    ssize_t n;
    do
        n = sendmsg(server.socket, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *o;
}

/** A server that was killed, by the system for want of memory, is replaced. */
static lks_status hand_over(const order *o, int input, int output, lks_error *err) {
    for (int try = 0; try < 2; try++) {
        LKS_TRY(start(err));
        if (send_order(o, input, output))
            return LKS_OK;
        lks_fail_system(err, "talk to", SERVER);
        stop();
    }
    return LKS_ERR_IO;
}

/** All that comes, up to the most. */
static lks_status collect(int pipe, lks_reply *r, lks_error *err) {
    ssize_t n = 1;
    while (n != 0 && r->size < r->most) {
        const size_t before = r->size, left = r->most - before;
        const size_t room = left < PIECE ? left : PIECE;
        unsigned char *to = lks_reply_room(r, room, err);
        if (!to)
            return LKS_ERR_MEMORY;
        n = read(pipe, to, room);
        r->size = before + (n > 0 ? (size_t)n : 0);
        lks_pulse_tick();
        if (n < 0 && errno != EINTR)
            return lks_fail_system(err, "read from", SERVER);
    }
    return LKS_OK;
}

static lks_status judge(const lks_confined_job *job, const char *name, lks_reply *r,
                        lks_error *err) {
    ending e = {0};
    if (r->size >= sizeof e && r->size < r->most)
        memcpy(&e, r->bytes + r->size - sizeof e, sizeof e);
    if (e.complete != COMPLETE || e.outcome.status < LKS_OK || e.outcome.status >= LKS_STATUS_COUNT)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s is damaged, or made to do harm: the HDF5 library crashed on it, or "
                        "needed more than %zu MiB or %d s",
                        name, job->memory >> 20, job->seconds);
    r->size -= sizeof e;
    e.outcome.text[sizeof e.outcome.text - 1] = '\0';
    return e.outcome.status == LKS_OK ? LKS_OK
                                      : lks_fail(err, e.outcome.status, "%s", e.outcome.text);
}

static lks_status ask(const order *o, int input, int *pipe_end, lks_error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return lks_fail_system(err, "start", SERVER);
    pthread_mutex_lock(&mutex);
    const lks_status status = hand_over(o, input, ends[1], err);
    pthread_mutex_unlock(&mutex);
    close(ends[1]);
    if (status != LKS_OK)
        close(ends[0]);
    *pipe_end = ends[0];
    return status;
}

lks_status lks_confined_run(const lks_confined_job *job, const char *name, int input,
                            unsigned char **bytes, size_t *size, lks_error *err) {
    lks_reply reply = {.most = job->most + sizeof(ending) + 1}; /* so that too much shows */
    order o = {job->work, job->memory, job->most, job->seconds, {0}};
    int pipe_end = -1;
    memcpy(o.argument, job->argument, job->argument_size);
    LKS_TRY(ask(&o, input, &pipe_end, err));
    lks_status status = collect(pipe_end, &reply, err);
    close(pipe_end);
    if (status == LKS_OK)
        status = judge(job, name, &reply, err);
    if (status != LKS_OK)
        free(reply.bytes);
    *bytes = status == LKS_OK ? reply.bytes : NULL;
    *size = reply.size;
    return status;
}
