#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 4, PATH = 256 };

static void need(int done, const char *what) {
    if (done)
        return;
    perror(what);
    abort();
}

static void write_all(int fd, const uint8_t *data, size_t size) {
    while (size > 0) {
        const ssize_t n = write(fd, data, size);
        need(n > 0, "write");
        data += n;
        size -= (size_t)n;
    }
}

const char *fuzz_file(int slot, const uint8_t *data, size_t size) {
    static int files[SLOTS];
    static char paths[SLOTS][PATH];
    if (files[slot] > 0)
        close(files[slot]);
    need((files[slot] = memfd_create("input", 0)) > 0, "memfd_create");
    write_all(files[slot], data, size);
    snprintf(paths[slot], PATH, "/proc/self/fd/%d", files[slot]);
    return paths[slot];
}

char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    need(text != NULL, "malloc");
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

static char folder[PATH];

static int forget(const char *path, const struct stat *info, int kind, struct FTW *at) {
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, forget, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void) {
    if (!folder[0])
        atexit(remove_folder);
    else
        remove_folder();
    snprintf(folder, PATH, "/dev/shm/lockstep-fuzz-%ld", (long)getpid());
    need(mkdir(folder, 0700) == 0, folder);
    return folder;
}

void fuzz_put(const char *name, const uint8_t *data, size_t size) {
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0700);
    }
    FILE *f = fopen(path, "wb");
    if (!f) /* a folder's name, or below a file */
        return;
    fwrite(data, 1, size, f);
    fclose(f);
}

/* The start of the next line "=== NAME", or the end. */
static const uint8_t *next_heading(const uint8_t *at, const uint8_t *end) {
    for (; at + 4 <= end; at++) {
        if (memcmp(at, "=== ", 4) == 0)
            return at;
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            return end;
    }
    return end;
}

void fuzz_parts(const uint8_t *data, size_t size, fuzz_part part, void *context) {
    const uint8_t *const end = data + size;
    const uint8_t *at = next_heading(data, end);
    while (at < end) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *body = newline ? newline + 1 : end;
        const uint8_t *next = next_heading(body, end);
        char name[64];
        const size_t length = (size_t)((newline ? newline : end) - at) - 4;
        snprintf(name, sizeof name, "%.*s", (int)(length < 60 ? length : 60), (const char *)at + 4);
        part(context, name, body, (size_t)(next - body));
        at = next;
    }
}
