/* Preloaded into the program (LD_PRELOAD): makes chosen system calls of one rank fail, or come out short, kills or stops the
 * rank exactly before or after one, and flips a bit of its memory at an exact step. It counts the calls that are chosen;
 * the count decides, so that what happened once can be repeated.
 *
 *   FAULT_CALLS  which calls count: kinds of `kinds` below, separated by commas
 *   FAULT_UNDER  folders (absolute, separated by colons): only calls for paths below one of them count
 *   FAULT_PATH   a pattern of fnmatch(3) that the whole path has to match, too; of a rename and a link it is the new name
 *   FAULT_RANK   the rank concerned, 0 unless given
 *   FAULT_AT     the fault happens at the n-th such call; not given: at none, calls are only listed
 *   FAULT_FOR    and at the calls that follow: so many in all, 1 unless given; 0: at all from then on
 *   FAULT_DO     EIO, ENOSPC, ... : the call fails with this error, and nothing is done (close() closes all the same)
 *                short: a read or write moves half of its bytes; other calls are left as they are
 *                kill, kill-after, stop, stop-after: the process gets SIGKILL or SIGSTOP before or after the call
 *                hang: the call never comes back
 *                kill-parent: so does what started it (mpirun), before the call
 *                usr1: the process gets SIGUSR1, before the call
 *                slow: the call comes FAULT_DELAY microseconds later
 *                flip, flip-after: a bit of memory changes, before or after the call
 *   FAULT_FLIP   SIZE:NUMBER:BYTE:BIT, of the allocation with this NUMBER (from 1) among those of SIZE bytes
 *   FAULT_DELAY  a flip comes so many microseconds later, by a thread, whatever the program then does; and see "slow"
 *   FAULT_SUMS   an MPI_Allreduce of at least so many values is a step's ("step"); 256 unless given
 *   FAULT_LOG    a file that gets a line for each call that counts: "number kind path", and one for each fault
 *
 * Allocations count only where the program itself makes them, not the libraries that it uses. */
#include <mpi.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef enum kind {
    OPEN,
    READ,
    WRITE,
    FSYNC,
    TRUNCATE,
    RENAME,
    LINK,
    SYMLINK,
    UNLINK,
    MKDIR,
    CLOSE,
    TOUCH,
    ALLOC,
    STEP,
    KINDS
} kind;

static const char *const kinds[KINDS] = {"open",   "read",  "write",   "fsync",  "truncate",
                                         "rename", "link",  "symlink", "unlink", "mkdir",
                                         "close",  "touch", "alloc",   "step"};

static const struct {
    const char *name;
    int code;
} errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT},  {"EINTR", EINTR},
              {"ENOMEM", ENOMEM}, {"EPERM", EPERM},   {"EACCES", EACCES},  {"EROFS", EROFS},
              {"EMFILE", EMFILE}, {"ESTALE", ESTALE}, {"ENOTSUP", ENOTSUP}};

typedef enum deed {
    NOTHING,
    FAIL,
    SHORT,
    KILL,
    KILL_AFTER,
    STOP,
    STOP_AFTER,
    KILL_PARENT,
    USR1,
    SLOW,
    HANG,
    FLIP,
    FLIP_AFTER,
    DEEDS
} deed;

static const char *const deeds[DEEDS] = {
    "nothing",     "fail", "short", "kill", "kill-after", "stop",      "stop-after",
    "kill-parent", "usr1", "slow",  "hang", "flip",       "flip-after"};

/* What is asked for. Written once, before main(). */
static struct {
    bool active, chosen[KINDS];
    const char *under, *path, *log;
    long at, length, delay;
    int sums, code;
    deed what;
    size_t size, byte; /* of the allocation to flip in */
    int number, bit;
} order;

static atomic_long calls, alike;
static unsigned char *_Atomic victim;   /* the allocation to flip in */
static uintptr_t text_first, text_last; /* the program itself */

/* --- what is asked for ------------------------------------------------------------------------ */

static long number_of(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static void refuse(const char *name, const char *text) {
    dprintf(2, "shim: error: %s=%s is not understood\n", name, text);
    _exit(2);
}

static void read_calls(char *text) {
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        int k = 0;
        while (k < KINDS && strcmp(word, kinds[k]) != 0)
            k++;
        if (k == KINDS)
            refuse("FAULT_CALLS", word);
        order.chosen[k] = true;
    }
}

static void read_deed(const char *text) {
    for (int d = SHORT; d < DEEDS; d++)
        if (strcmp(text, deeds[d]) == 0)
            order.what = (deed)d;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(text, errors[i].name) == 0) {
            order.what = FAIL;
            order.code = errors[i].code;
        }
    if (order.what == NOTHING)
        refuse("FAULT_DO", text);
}

static void read_flip(const char *text) {
    if (sscanf(text, "%zu:%d:%zu:%d", &order.size, &order.number, &order.byte, &order.bit) != 4 ||
        order.byte >= order.size || order.bit < 0 || order.bit > 7)
        refuse("FAULT_FLIP", text);
}

static int note_program(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    text_first = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t first = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD)
            continue;
        text_first = first < text_first ? first : text_first;
        text_last = first + part->p_memsz > text_last ? first + part->p_memsz : text_last;
    }
    return 1; /* the first is the program */
}

static long own_rank(void) {
    return number_of("OMPI_COMM_WORLD_RANK", number_of("PMIX_RANK", number_of("SLURM_PROCID", 0)));
}

__attribute__((constructor)) static void begin(void) {
    char *chosen = getenv("FAULT_CALLS");
    const char *what = getenv("FAULT_DO"), *flip = getenv("FAULT_FLIP");
    if (!chosen || own_rank() != number_of("FAULT_RANK", 0))
        return;
    chosen = strdup(chosen);
    read_calls(chosen);
    free(chosen);
    if (what)
        read_deed(what);
    if (flip)
        read_flip(flip);
    order.under = getenv("FAULT_UNDER");
    order.path = getenv("FAULT_PATH");
    order.log = getenv("FAULT_LOG");
    order.at = number_of("FAULT_AT", 0);
    order.length = number_of("FAULT_FOR", 1);
    order.delay = number_of("FAULT_DELAY", 0);
    order.sums = (int)number_of("FAULT_SUMS", 256);
    dl_iterate_phdr(note_program, NULL);
    order.active = true;
}

/* --- paths ------------------------------------------------------------------------------------ */

/* Where a link of /proc points; empty where it cannot be read. */
static void follow(const char *link, char path[PATH_MAX]) {
    const long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
}

static void path_of(int file, char path[PATH_MAX]) {
    char link[64];
    if (file == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    follow(link, path);
}

static void path_at(int folder, const char *name, char path[PATH_MAX]) {
    char above[PATH_MAX];
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    path_of(folder, above);
    const size_t n = strlen(above);
    memcpy(path, above, n);
    snprintf(path + n, PATH_MAX - n, "/%s", name);
}

static bool below(const char *path) {
    const char *folder = order.under;
    while (folder && *folder) {
        const char *end = strchrnul(folder, ':');
        const size_t n = (size_t)(end - folder);
        if (strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0'))
            return true;
        folder = *end ? end + 1 : end;
    }
    return !order.under;
}

static bool matches(const char *path) {
    return below(path) && (!order.path || fnmatch(order.path, path, 0) == 0);
}

/* --- a call that counts ----------------------------------------------------------------------- */

static void tell(const char *format, ...) {
    char line[PATH_MAX + 128];
    const int saved = errno;
    if (!order.log)
        return;
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    const int file = (int)syscall(SYS_openat, AT_FDCWD, order.log,
                                  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file >= 0) {
        syscall(SYS_write, file, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
        syscall(SYS_close, file);
    }
    errno = saved;
}

static void flip_now(void) {
    unsigned char *const at = victim ? victim + order.byte : NULL;
    if (!at) {
        tell("FAULT no allocation %d of %zu bytes\n", order.number, order.size);
        return;
    }
    const unsigned before = *(volatile unsigned char *)at;
    *(volatile unsigned char *)at ^= (unsigned char)(1u << order.bit);
    tell("FAULT flipped bit %d of byte %zu of allocation %d of %zu bytes: %u became %u\n",
         order.bit, order.byte, order.number, order.size, before, (unsigned)*at);
}

static void *flip_later(void *context) {
    usleep((useconds_t)order.delay);
    flip_now();
    return context;
}

static void flip(void) {
    pthread_t thread;
    if (order.delay == 0)
        flip_now();
    else if (pthread_create(&thread, NULL, flip_later, NULL) == 0)
        pthread_detach(thread);
}

/* What happens to the whole process. */
static void strike(deed what) {
    switch (what) {
    case KILL_PARENT:
        kill(getppid(), SIGKILL);
        kill(getpid(), SIGKILL);
        break;
    case KILL:
    case KILL_AFTER:
        kill(getpid(), SIGKILL);
        break;
    case STOP:
    case STOP_AFTER:
        kill(getpid(), SIGSTOP);
        break;
    case USR1:
        kill(getpid(), SIGUSR1);
        break;
    case SLOW:
        usleep((useconds_t)order.delay);
        break;
    case HANG:
        for (;;)
            pause();
    case FLIP:
    case FLIP_AFTER:
        flip();
        break;
    default:
        break;
    }
}

/* Counts a call. What is to happen to the process before it has happened when this returns; the rest is told. */
static deed count(kind k, const char *path) {
    const long n = ++calls;
    const bool now =
        order.at > 0 && n >= order.at && (order.length == 0 || n < order.at + order.length);
    tell("%ld %s %s\n", n, kinds[k], path);
    if (!now || order.what == NOTHING)
        return NOTHING;
    tell("FAULT %ld %s %s %s\n", n, kinds[k], path,
         order.what == FAIL ? strerror(order.code) : deeds[order.what]);
    if (order.what != KILL_AFTER && order.what != STOP_AFTER && order.what != FLIP_AFTER)
        strike(order.what);
    return order.what;
}

static deed meet(kind k, int folder, const char *name) {
    char path[PATH_MAX];
    const int saved = errno;
    deed d = NOTHING;
    if (!order.active || !order.chosen[k])
        return NOTHING;
    if (name)
        path_at(folder, name, path);
    else
        path_of(folder, path);
    if (matches(path))
        d = count(k, path);
    errno = d == FAIL ? order.code : saved;
    return d;
}

/* After the call: what was to happen then, with errno as the call left it. */
static long leave(deed d, long result) {
    const int saved = errno;
    if (d == KILL_AFTER || d == STOP_AFTER || d == FLIP_AFTER)
        strike(d);
    errno = saved;
    return result;
}

/* --- files ------------------------------------------------------------------------------------ */

#define ALIAS(of) __attribute__((alias(#of)))

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    const deed d = meet(OPEN, folder, path);
    if (d == FAIL)
        return -1;
    return (int)leave(d, syscall(SYS_openat, folder, path, flags, mode));
}

#define MODE_OF(flags, mode)                                                                       \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                       \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = va_arg(arguments, mode_t);                                                          \
        va_end(arguments);                                                                         \
    }

int open(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) ALIAS(open);

int openat(int folder, const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return open_at(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) ALIAS(openat);

int creat(const char *path, mode_t mode) {
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char *path, mode_t mode) ALIAS(creat);

static size_t part_of(deed d, size_t size) {
    return d == SHORT && size > 1 ? size / 2 : size;
}

ssize_t write(int file, const void *bytes, size_t size) {
    const deed d = meet(WRITE, file, NULL);
    return d == FAIL ? -1 : leave(d, syscall(SYS_write, file, bytes, part_of(d, size)));
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
    const deed d = meet(WRITE, file, NULL);
    return d == FAIL ? -1 : leave(d, syscall(SYS_pwrite64, file, bytes, part_of(d, size), at));
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off_t at) ALIAS(pwrite);

ssize_t read(int file, void *bytes, size_t size) {
    const deed d = meet(READ, file, NULL);
    return d == FAIL ? -1 : leave(d, syscall(SYS_read, file, bytes, part_of(d, size)));
}

ssize_t pread(int file, void *bytes, size_t size, off_t at) {
    const deed d = meet(READ, file, NULL);
    return d == FAIL ? -1 : leave(d, syscall(SYS_pread64, file, bytes, part_of(d, size), at));
}
ssize_t pread64(int file, void *bytes, size_t size, off_t at) ALIAS(pread);

int fsync(int file) {
    const deed d = meet(FSYNC, file, NULL);
    return d == FAIL ? -1 : (int)leave(d, syscall(SYS_fsync, file));
}

int fdatasync(int file) {
    const deed d = meet(FSYNC, file, NULL);
    return d == FAIL ? -1 : (int)leave(d, syscall(SYS_fdatasync, file));
}

int ftruncate(int file, off_t size) {
    const deed d = meet(TRUNCATE, file, NULL);
    return d == FAIL ? -1 : (int)leave(d, syscall(SYS_ftruncate, file, size));
}
int ftruncate64(int file, off_t size) ALIAS(ftruncate);

int renameat2(int from_folder, const char *from, int folder, const char *path, unsigned flags) {
    const deed d = meet(RENAME, folder, path);
    return d == FAIL
               ? -1
               : (int)leave(d, syscall(SYS_renameat2, from_folder, from, folder, path, flags));
}

int renameat(int from_folder, const char *from, int folder, const char *path) {
    return renameat2(from_folder, from, folder, path, 0);
}

int rename(const char *from, const char *path) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, path, 0);
}

int linkat(int from_folder, const char *from, int folder, const char *path, int flags) {
    const deed d = meet(LINK, folder, path);
    return d == FAIL ? -1
                     : (int)leave(d, syscall(SYS_linkat, from_folder, from, folder, path, flags));
}

int link(const char *from, const char *path) {
    return linkat(AT_FDCWD, from, AT_FDCWD, path, 0);
}

int symlinkat(const char *target, int folder, const char *path) {
    const deed d = meet(SYMLINK, folder, path);
    return d == FAIL ? -1 : (int)leave(d, syscall(SYS_symlinkat, target, folder, path));
}

int symlink(const char *target, const char *path) {
    return symlinkat(target, AT_FDCWD, path);
}

int unlinkat(int folder, const char *path, int flags) {
    const deed d = meet(UNLINK, folder, path);
    return d == FAIL ? -1 : (int)leave(d, syscall(SYS_unlinkat, folder, path, flags));
}

int unlink(const char *path) {
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path) {
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int folder, const char *path, mode_t mode) {
    const deed d = meet(MKDIR, folder, path);
    return d == FAIL ? -1 : (int)leave(d, syscall(SYS_mkdirat, folder, path, mode));
}

int mkdir(const char *path, mode_t mode) {
    return mkdirat(AT_FDCWD, path, mode);
}

int futimens(int file, const struct timespec times[2]) {
    const deed d = meet(TOUCH, file, NULL);
    return d == FAIL ? -1 : (int)leave(d, syscall(SYS_utimensat, file, NULL, times, 0));
}

int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    const deed d = meet(TOUCH, folder, path);
    return d == FAIL ? -1 : (int)leave(d, syscall(SYS_utimensat, folder, path, times, flags));
}

/* The file is closed whatever close() says: so it is on Linux. */
int close(int file) {
    const deed d = meet(CLOSE, file, NULL);
    const int code = errno;
    const int result = (int)leave(d, syscall(SYS_close, file));
    if (d != FAIL)
        return result;
    errno = code;
    return -1;
}

/* --- streams: the C library's own calls cannot be preloaded, so a stream gets ours ------------- */

static ssize_t read_stream(void *cookie, char *bytes, size_t size) {
    return read((int)(intptr_t)cookie, bytes, size);
}

/* 0 is how such a function tells of an error. */
static ssize_t write_stream(void *cookie, const char *bytes, size_t size) {
    const ssize_t n = write((int)(intptr_t)cookie, bytes, size);
    return n < 0 ? 0 : n;
}

static int seek_stream(void *cookie, off64_t *at, int whence) {
    const off_t found = lseek((int)(intptr_t)cookie, *at, whence);
    *at = found;
    return found < 0 ? -1 : 0;
}

static int close_stream(void *cookie) {
    return close((int)(intptr_t)cookie);
}

#define STREAMS 16
static struct {
    FILE *stream;
    int file;
} streams[STREAMS];

static int flags_of(const char *mode) {
    const int both = strchr(mode, '+') ? O_RDWR : -1;
    const int shut = strchr(mode, 'e') ? O_CLOEXEC : 0;
    if (mode[0] == 'r')
        return (both < 0 ? O_RDONLY : both) | shut;
    return (both < 0 ? O_WRONLY : both) | shut | O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
}

static FILE *open_stream(int file, const char *mode) {
    static atomic_uint next;
    FILE *stream =
        fopencookie((void *)(intptr_t)file, mode,
                    (cookie_io_functions_t){read_stream, write_stream, seek_stream, close_stream});
    if (!stream)
        return NULL;
    const unsigned at = next++ % STREAMS;
    streams[at].stream = stream;
    streams[at].file = file;
    return stream;
}

FILE *fopen(const char *path, const char *mode) {
    char whole[PATH_MAX];
    if (order.active)
        path_at(AT_FDCWD, path, whole);
    if (!order.active || !matches(whole)) {
        FILE *(*real)(const char *, const char *);
        *(void **)&real = dlsym(RTLD_NEXT, "fopen");
        return real(path, mode);
    }
    const int file = open_at(AT_FDCWD, path, flags_of(mode), 0666);
    return file < 0 ? NULL : open_stream(file, mode);
}
FILE *fopen64(const char *path, const char *mode) ALIAS(fopen);

int fileno(FILE *stream) {
    for (int i = 0; i < STREAMS; i++)
        if (streams[i].stream == stream)
            return streams[i].file;
    return fileno_unlocked(stream);
}

/* --- memory ----------------------------------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* The deed for an allocation that `caller` makes. */
static deed meet_allocation(const void *caller) {
    const int saved = errno;
    const uintptr_t from = (uintptr_t)caller;
    if (!order.active || !order.chosen[ALLOC] || from < text_first || from >= text_last)
        return NOTHING;
    const deed d = count(ALLOC, "-");
    errno = d == FAIL ? order.code : saved;
    return d;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t size) {
    return meet_allocation(CALLER) == FAIL ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    return meet_allocation(CALLER) == FAIL ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size) {
    return meet_allocation(CALLER) == FAIL ? NULL : __libc_realloc(p, size);
}

/* The program's arrays come from here, in whole multiples of the alignment. */
void *aligned_alloc(size_t alignment, size_t size) {
    if (meet_allocation(CALLER) == FAIL)
        return NULL;
    unsigned char *p = __libc_memalign(alignment, size);
    const size_t wanted = (order.size + alignment - 1) / alignment * alignment;
    if (order.active && order.size > 0 && size == wanted && ++alike == order.number)
        victim = p;
    return p;
}

/* --- steps ------------------------------------------------------------------------------------ */

int MPI_Allreduce(const void *send, void *receive, int n, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm) {
    if (!order.active || !order.chosen[STEP] || n < order.sums)
        return PMPI_Allreduce(send, receive, n, type, op, comm);
    const deed d = count(STEP, "-");
    return (int)leave(d, PMPI_Allreduce(send, receive, n, type, op, comm));
}
