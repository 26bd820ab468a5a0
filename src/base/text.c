#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Room for `more` bytes and the 0 after them. */
static bool make_room(lks_text *t, size_t more) {
    if (more < t->capacity - t->size)
        return true;
    size_t capacity = 2 * (t->size + more + 1);
    char *bytes = realloc(t->bytes, capacity);
    if (!bytes)
        return false;
    t->bytes = bytes;
    t->capacity = capacity;
    return true;
}

/* What stdio hands on; 0 is its sign for an error. */
static ssize_t take(void *cookie, const char *from, size_t n) {
    lks_text *t = cookie;
    t->failed = t->failed || !make_room(t, n);
    if (t->failed)
        return 0;
    memcpy(t->bytes + t->size, from, n);
    t->size += n;
    return (ssize_t)n;
}

static lks_status no_memory(const char *what, lks_error *err) {
    return lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", what);
}

lks_status lks_text_open(lks_text *t, const char *what, lks_error *err) {
    *t = (lks_text){0};
    t->f = fopencookie(t, "w", (cookie_io_functions_t){.write = take});
    return t->f ? LKS_OK : no_memory(what, err);
}

lks_status lks_text_close(lks_text *t, const char *what, lks_error *err) {
    bool whole = !ferror(t->f);
    whole = fclose(t->f) == 0 && whole && !t->failed;
    t->f = NULL;
    if (whole && make_room(t, 0)) { /* an empty text has its 0, too */
        t->bytes[t->size] = '\0';
        return LKS_OK;
    }
    free(t->bytes);
    *t = (lks_text){0};
    return no_memory(what, err);
}

void lks_text_drop(lks_text *t) {
    fclose(t->f);
    free(t->bytes);
    *t = (lks_text){0};
}
