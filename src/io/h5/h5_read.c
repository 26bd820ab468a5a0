/* Reading: from the list of all that is in a file, which may come from anybody. HDF5 is not asked. */
#include "io/h5/h5.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/system_error.h"
#include "io/h5/confined.h"
#include "base/memory.h"
#include "base/observe/pulse.h"

/* A list has the file's values and, of each item, its head and name: HDF5 has more about it. */
#define LIST_SIZE(file) (8 * (file) + ((size_t)1 << 20))
#define MEMORY(file)    (8 * (file) + ((size_t)96 << 20))
#define SECONDS(file)   (4 + (int)((file) >> 24))
#define PATH_ROOM       320

/* --- the list --------------------------------------------------------------------------------- */

static uint64_t filled_up(uint64_t n) {
    return (n + 7) / 8 * 8;
}

static const char *name_of(const lks_h5_item *item) {
    return (const char *)(item + 1);
}

static const void *values_of(const lks_h5_item *item) {
    return name_of(item) + filled_up(item->name);
}

static bool sound_shape(const lks_h5_item *item) {
    uint64_t bytes = item->element;
    if (item->type == LKS_H5_GROUP)
        return item->bytes == 0;
    if (item->ndim > LKS_H5_DIMS_MAX || item->element == 0 ||
        (item->type != LKS_H5_TEXT && item->element != lks_h5_type_size(item->type)))
        return false;
    for (uint32_t i = 0; i < item->ndim; i++)
        if (__builtin_mul_overflow(bytes, item->dims[i], &bytes))
            return false;
    return bytes == item->bytes;
}

/** Bytes that the item at @p bytes takes of @p left; 0: it is none. */
static size_t item_size(const unsigned char *bytes, size_t left) {
    const lks_h5_item *item = (const lks_h5_item *)(const void *)bytes;
    if (left < sizeof *item || item->type > LKS_H5_GROUP || item->name == 0 || item->name > left ||
        item->bytes > left || !sound_shape(item))
        return 0;
    const size_t size = sizeof *item + filled_up(item->name) + filled_up(item->bytes);
    return size <= left && !memchr(name_of(item), 0, item->name) ? size : 0;
}

static int compare_names(const char *a, size_t size_a, const char *b, size_t size_b) {
    const int order = memcmp(a, b, size_a < size_b ? size_a : size_b);
    return order ? order : (size_a > size_b) - (size_a < size_b);
}

static int by_name(const void *a, const void *b) {
    const lks_h5_item *x = *(const lks_h5_item *const *)a, *y = *(const lks_h5_item *const *)b;
    return compare_names(name_of(x), x->name, name_of(y), y->name);
}

static bool each_once(const lks_h5 *h) {
    for (size_t i = 1; i < h->n_items; i++)
        if (by_name(&h->items[i - 1], &h->items[i]) == 0)
            return false;
    return true;
}

/** From h->bytes [h->size] to h->items. */
static lks_status sort_list(lks_h5 *h) {
    size_t n = 0, size;
    for (size_t at = 0; at < h->size; at += size, n++)
        if ((size = item_size(h->bytes + at, h->size - at)) == 0)
            return lks_h5_fail(h, "/", "what HDF5 finds in it makes no sense");
    h->items = malloc((n ? n : 1) * sizeof(*h->items));
    if (!h->items)
        return lks_fail(h->err, LKS_ERR_MEMORY, "out of memory: %zu items of %s", n, h->name);
    for (size_t at = 0; h->n_items < n; h->n_items++) {
        h->items[h->n_items] = (const lks_h5_item *)(const void *)(h->bytes + at);
        at += item_size(h->bytes + at, h->size - at);
    }
    qsort(h->items, n, sizeof(*h->items), by_name);
    return each_once(h) ? LKS_OK : lks_h5_fail(h, "/", "two things of one name");
}

/** Takes over a list, and closes @p h if it is not sound. */
static lks_status take_list(lks_h5 *h, const char *name, unsigned char *list, size_t size,
                            lks_error *err) {
    *h = (lks_h5){.file = -1, .name = name, .bytes = list, .size = size, .err = err};
    const lks_status status = sort_list(h);
    if (status != LKS_OK)
        lks_h5_close(h);
    return status;
}

/* --- opening ---------------------------------------------------------------------------------- */

/** Lists what is in an open file, and closes it; @p own is the error that it was opened with. */
static lks_status list_and_close(lks_h5 *h, lks_status opened, lks_reply *reply,
                                 const lks_error *own, lks_error *err) {
    lks_status status = opened;
    if (status == LKS_OK) {
        status = lks_h5_list(h, reply);
        lks_h5_close(h);
    }
    return status == LKS_OK ? LKS_OK : lks_fail(err, status, "%s", own->text);
}

lks_status lks_h5_open_input(lks_h5 *h, const char *name, int input, lks_error *err) {
    struct stat info;
    if (fstat(input, &info) != 0)
        return lks_fail_system(err, "read", name);
    const size_t size = (size_t)info.st_size;
    const void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, input, 0);
    if (bytes == MAP_FAILED)
        return lks_fail_system(err, "read", name);
    LKS_TRY(lks_h5_open_image(h, name, bytes, size, err));
    lks_confined_no_more_files();
    return LKS_OK;
}

/** In a confined process: @p argument is the file's name. */
static lks_status list_file(int input, const void *argument, lks_reply *reply, lks_error *err) {
    lks_h5 h;
    lks_error own = {0};
    const lks_status opened = lks_h5_open_input(&h, argument, input, &own);
    return list_and_close(&h, opened, reply, &own, err);
}

int lks_h5_lend(const char *name, const void *bytes, size_t size, lks_error *err) {
    const int file = memfd_create("lockstep", MFD_CLOEXEC);
    size_t done = 0;
    while (file >= 0 && done < size) {
        const ssize_t n = write(file, (const char *)bytes + done, size - done);
        lks_pulse_tick();
        if (n <= 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    if (file >= 0 && done == size)
        return file;
    lks_fail_system(err, "read", name);
    if (file >= 0)
        close(file);
    return -1;
}

lks_status lks_h5_open(lks_h5 *h, const char *name, const void *bytes, size_t size,
                       lks_error *err) {
    char argument[LKS_CONFINED_ARGUMENT];
    const int length = snprintf(argument, sizeof argument, "%s", name);
    const lks_confined_job job = {
        .work = list_file,
        .argument = argument,
        .argument_size = length < (int)sizeof argument ? (size_t)length + 1 : sizeof argument,
        .memory = MEMORY(size),
        .most = LIST_SIZE(size),
        .seconds = SECONDS(size)};
    *h = (lks_h5){.file = -1};
    if (size == 0)
        return lks_fail(err, LKS_ERR_FORMAT, "%s is damaged or incomplete: it is empty", name);
    const int file = lks_h5_lend(name, bytes, size, err);
    if (file < 0)
        return LKS_ERR_IO;
    unsigned char *list;
    const lks_status status = lks_confined_run(&job, name, file, &list, &size, err);
    close(file);
    return status == LKS_OK ? take_list(h, name, list, size, err) : status;
}

lks_status lks_h5_open_own(lks_h5 *h, const char *name, const void *bytes, size_t size,
                           lks_error *err) {
    lks_reply reply = {.most = LIST_SIZE(size)};
    *h = (lks_h5){.file = -1};
    lks_error own = {0};
    lks_h5 image;
    const lks_status opened = lks_h5_open_image(&image, name, bytes, size, &own);
    const lks_status status = list_and_close(&image, opened, &reply, &own, err);
    if (status == LKS_OK)
        return take_list(h, name, reply.bytes, reply.size, err);
    free(reply.bytes);
    return status;
}

/* --- looking up ------------------------------------------------------------------------------- */

static int by_key(const void *key, const void *item) {
    const lks_h5_item *i = *(const lks_h5_item *const *)item;
    return compare_names(key, strlen(key), name_of(i), i->name);
}

static const lks_h5_item *find(const lks_h5 *h, const char *name) {
    const lks_h5_item *const *found =
        bsearch(name, h->items, h->n_items, sizeof(*h->items), by_key);
    return found ? *found : NULL;
}

static const char *label(char text[PATH_ROOM], const char *object, const char *attribute) {
    snprintf(text, PATH_ROOM, "%s@%s", object, attribute);
    return text;
}

static size_t count_of(const lks_h5_item *item) {
    return (size_t)(item->bytes / item->element);
}

bool lks_h5_has(lks_h5 *h, const char *path) {
    return find(h, path) != NULL;
}

bool lks_h5_has_attribute(lks_h5 *h, const char *object, const char *name) {
    char text[PATH_ROOM];
    return find(h, label(text, object, name)) != NULL;
}

/** Finds values of @p type; the error tells what is there instead. */
static lks_status find_values(lks_h5 *h, const char *name, lks_h5_type type,
                              const lks_h5_item **item) {
    *item = find(h, name);
    if (!*item)
        return lks_h5_fail(h, name, "it is missing");
    if ((*item)->type != (uint32_t)type)
        return lks_h5_fail(h, name, "another type than expected");
    return LKS_OK;
}

static lks_status copy_values(lks_h5 *h, const char *name, lks_h5_type type, void *values,
                              size_t n) {
    const lks_h5_item *item;
    LKS_TRY(find_values(h, name, type, &item));
    if (count_of(item) != n)
        return lks_h5_fail(h, name, "%zu elements where %zu belong", count_of(item), n);
    if (n > 0)
        memcpy(values, values_of(item), (size_t)item->bytes);
    lks_pulse_tick();
    return LKS_OK;
}

/* --- attributes ------------------------------------------------------------------------------- */

lks_status lks_h5_get(lks_h5 *h, const char *object, const char *name, lks_h5_type type,
                      void *values, size_t n) {
    char text[PATH_ROOM];
    return copy_values(h, label(text, object, name), type, values, n);
}

/** Copies @p n texts into rows of @p width bytes, each with a terminating zero. */
static lks_status copy_texts(lks_h5 *h, const char *name, const lks_h5_item *item, size_t width,
                             char *rows) {
    const char *from = values_of(item);
    const size_t room = item->element, n = count_of(item);
    if (room > width)
        return lks_h5_fail(h, name, "not a text of at most %zu bytes", width - 1);
    for (size_t i = 0; i < n; i++) {
        char *row = rows + i * width;
        memset(row, 0, width);
        memcpy(row, from + i * room, strnlen(from + i * room, room < width ? room : width - 1));
    }
    return LKS_OK;
}

lks_status lks_h5_get_text(lks_h5 *h, const char *object, const char *name, char *text,
                           size_t size) {
    char path[PATH_ROOM];
    const lks_h5_item *item;
    LKS_TRY(find_values(h, label(path, object, name), LKS_H5_TEXT, &item));
    if (count_of(item) != 1)
        return lks_h5_fail(h, path, "not one text");
    return copy_texts(h, path, item, size, text);
}

lks_status lks_h5_get_texts(lks_h5 *h, const char *object, const char *name, size_t width,
                            size_t most, char **texts, size_t *n) {
    char path[PATH_ROOM];
    const lks_h5_item *item;
    *texts = NULL;
    *n = 0;
    LKS_TRY(find_values(h, label(path, object, name), LKS_H5_TEXT, &item));
    const size_t found = count_of(item);
    if (found > most)
        return lks_h5_fail(h, path, "%zu names, at most %zu are possible", found, most);
    char *rows = lks_alloc(found, width, "names", h->err);
    if (!rows)
        return LKS_ERR_MEMORY;
    const lks_status status = copy_texts(h, path, item, width, rows);
    if (status != LKS_OK) {
        lks_free(rows);
        return status;
    }
    *texts = rows;
    *n = found;
    return LKS_OK;
}

/* --- data sets -------------------------------------------------------------------------------- */

lks_status lks_h5_get_shape(lks_h5 *h, const char *path, lks_h5_type type, int *ndim,
                            int64_t shape[LKS_H5_DIMS_MAX], size_t *count) {
    const lks_h5_item *item;
    LKS_TRY(find_values(h, path, type, &item));
    if (item->ndim < 1)
        return lks_h5_fail(h, path, "not an array of 1 to %d dimensions", LKS_H5_DIMS_MAX);
    *ndim = (int)item->ndim;
    *count = count_of(item);
    for (uint32_t i = 0; i < item->ndim; i++)
        shape[i] = (int64_t)item->dims[i];
    return LKS_OK;
}

lks_status lks_h5_get_array(lks_h5 *h, const char *path, lks_h5_type type, size_t count,
                            void *values) {
    return copy_values(h, path, type, values, count);
}

lks_status lks_h5_get_string(lks_h5 *h, const char *path, char **text) {
    const lks_h5_item *item;
    *text = NULL;
    LKS_TRY(find_values(h, path, LKS_H5_TEXT, &item));
    if (count_of(item) != 1)
        return lks_h5_fail(h, path, "not one text");
    char *copy = lks_alloc((size_t)item->element + 1, 1, path, h->err);
    if (!copy)
        return LKS_ERR_MEMORY;
    memcpy(copy, values_of(item), item->element);
    *text = copy;
    return LKS_OK;
}
