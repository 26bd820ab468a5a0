#include "pictures/picture_folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "files/kind/file_kind.h"
#include "data/data.h"

static lks_status no_memory(const char *path, lks_error *err) {
    return lks_fail(err, LKS_ERR_MEMORY, "%s: out of memory for the list of pictures", path);
}

/* @p items with room for one more than @p count, or NULL (then they are as they were). The capacity
 * is always the next power of two, so it needs no field. */
static void *grown(void *items, int64_t count, size_t size) {
    if (count & (count - 1))
        return items;
    return reallocarray(items, count ? 2 * (size_t)count : 1, size);
}

/* --- names in a folder ------------------------------------------------------------------------ */

typedef struct name_list {
    char **names;
    int64_t count;
} name_list;

static void free_names(name_list *list) {
    for (int64_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (name_list){0};
}

static lks_status add_name(name_list *list, const char *name, const char *path, lks_error *err) {
    char **names = grown(list->names, list->count, sizeof *names), *copy = strdup(name);
    if (names)
        list->names = names;
    if (!names || !copy) {
        free(copy);
        return no_memory(path, err);
    }
    names[list->count++] = copy;
    return LKS_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static lks_status read_names(name_list *list, DIR *folder, const char *path, lks_error *err) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry && errno)
            return lks_fail(err, LKS_ERR_IO, "%s: cannot be listed: %s", path, strerror(errno));
        if (!entry)
            return LKS_OK;
        if (entry->d_name[0] != '.')
            LKS_TRY(add_name(list, entry->d_name, path, err));
    }
}

/* The names in folder @p path that are not hidden, in order of their bytes. */
static lks_status list_names(name_list *list, const char *path, lks_error *err) {
    *list = (name_list){0};
    DIR *folder = opendir(path);
    if (!folder)
        return lks_fail(err, LKS_ERR_DATA, "%s: cannot be listed: %s", path, strerror(errno));
    lks_status status = read_names(list, folder, path, err);
    closedir(folder);
    if (status != LKS_OK)
        free_names(list);
    else if (list->count)
        qsort(list->names, (size_t)list->count, sizeof *list->names, compare_names);
    return status;
}

static bool is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* --- what is found ---------------------------------------------------------------------------- */

static bool is_picture_name(const char *extension) {
    static const char *const known[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif",
                                        ".pgm", ".ppm", ".pbm",  ".pnm"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(extension, known[i]) == 0)
            return true;
    return false;
}

static const char *extension_of(const char *path) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && (!slash || dot > slash + 1) ? dot : "";
}

static lks_status leave_out(lks_picture_folder *f, const char *kind, const char *path,
                            lks_error *err) {
    for (int i = 0; i < f->n_left_out; i++)
        if (strcmp(f->left_out[i].kind, kind) == 0) {
            f->left_out[i].count++;
            return LKS_OK;
        }
    lks_left_out *left_out = grown(f->left_out, f->n_left_out, sizeof *left_out);
    if (!left_out)
        return no_memory(path, err);
    f->left_out = left_out;
    lks_left_out *l = &left_out[f->n_left_out];
    *l = (lks_left_out){.count = 1, .first = strdup(path)};
    if (!l->first)
        return no_memory(path, err);
    snprintf(l->kind, sizeof l->kind, "%s", kind);
    f->n_left_out++;
    return LKS_OK;
}

static lks_status leave_out_file(lks_picture_folder *f, const char *path, lks_error *err) {
    char kind[sizeof f->left_out->kind] = "files without an extension";
    const char *extension = extension_of(path);
    if (*extension)
        snprintf(kind, sizeof kind, "%.*s files", (int)sizeof kind - 8, extension);
    for (char *c = kind; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return leave_out(f, kind, path, err);
}

char *lks_left_out_advice(const lks_left_out *l, char *text, size_t size) {
    const lks_file_kind *kind = lks_file_kind_at(l->first);
    char command[900];
    text[0] = '\0';
    if (kind && kind->family != LKS_FILE_TEXT &&
        *lks_file_kind_command(kind, l->first, command, sizeof command))
        snprintf(text, size, "; the first is %s: %s", kind->name, command);
    return text;
}

static lks_status add_picture(lks_picture_folder *f, const char *path, int label, bool test,
                              lks_error *err) {
    if (f->n_pictures == UINT32_MAX)
        return lks_fail(err, LKS_ERR_DATA, "%s: more than %" PRIu32 " pictures", path, UINT32_MAX);
    lks_labelled_picture *pictures = grown(f->pictures, f->n_pictures, sizeof *pictures);
    if (!pictures)
        return no_memory(path, err);
    f->pictures = pictures;
    char *copy = strdup(path);
    if (!copy)
        return no_memory(path, err);
    pictures[f->n_pictures++] = (lks_labelled_picture){copy, (uint8_t)label, test};
    return LKS_OK;
}

bool lks_is_picture_name(const char *name) {
    return is_picture_name(extension_of(name));
}

/* --- one class -------------------------------------------------------------------------------- */

/* The folders above the one that is being looked at, innermost first. */
typedef struct ancestor {
    const struct ancestor *above;
    dev_t device;
    ino_t number;
} ancestor;

/* A folder that was looked at. */
typedef struct place {
    dev_t device;
    ino_t number;
} place;

typedef struct class_walk {
    lks_picture_folder *folder;
    int label;
    bool test;
    void *seen; /* a tree of places (tsearch(3)) */
} class_walk;

static int compare_places(const void *left, const void *right) {
    const place *a = left, *b = right;
    return a->device != b->device ? (a->device > b->device ? 1 : -1)
                                  : (a->number > b->number) - (a->number < b->number);
}

/* Whether the folder is new: a few links to each other's folders are as many paths as one likes. */
static lks_status note_place(class_walk *w, const struct stat *info, const char *path, bool *is_new,
                             lks_error *err) {
    place *here = malloc(sizeof *here);
    if (!here)
        return no_memory(path, err);
    *here = (place){info->st_dev, info->st_ino};
    place *const *found = tsearch(here, &w->seen, compare_places);
    *is_new = found && *found == here;
    if (!*is_new)
        free(here);
    return found ? LKS_OK : no_memory(path, err);
}

static lks_status walk(class_walk *w, const char *path, const ancestor *above, lks_error *err);

static lks_status take(class_walk *w, const char *path, const ancestor *above, lks_error *err) {
    if (is_folder(path))
        return walk(w, path, above, err);
    if (is_picture_name(extension_of(path)))
        return add_picture(w->folder, path, w->label, w->test, err);
    return leave_out_file(w->folder, path, err);
}

static lks_status walk(class_walk *w, const char *path, const ancestor *above, lks_error *err) {
    struct stat info;
    bool is_new;
    if (stat(path, &info) != 0)
        return lks_fail(err, LKS_ERR_IO, "%s: cannot be examined: %s", path, strerror(errno));
    for (const ancestor *a = above; a; a = a->above)
        if (a->device == info.st_dev && a->number == info.st_ino)
            return lks_fail(err, LKS_ERR_DATA, "%s: links to a folder that it is in", path);
    const ancestor here = {above, info.st_dev, info.st_ino};
    LKS_TRY(note_place(w, &info, path, &is_new, err));
    if (!is_new)
        return leave_out(w->folder, "links to folders looked at before", path, err);
    name_list list;
    LKS_TRY(list_names(&list, path, err));
    lks_status status = LKS_OK;
    for (int64_t i = 0; i < list.count && status == LKS_OK; i++) {
        char *inner = malloc(LKS_PATH_MAX);
        status = inner ? lks_data_path(inner, path, list.names[i], err) : no_memory(path, err);
        if (status == LKS_OK)
            status = take(w, inner, &here, err);
        free(inner);
    }
    free_names(&list);
    return status;
}

/* --- class folders ---------------------------------------------------------------------------- */

static bool is_number(const char *text) {
    return text[0] && text[strspn(text, "0123456789")] == '\0';
}

/* By value, however long; equal values by bytes. */
static int compare_numbers(const void *left, const void *right) {
    const char *a = *(char *const *)left, *b = *(char *const *)right;
    const char *x = a + strspn(a, "0"), *y = b + strspn(b, "0");
    const size_t m = strlen(x), n = strlen(y);
    const int order = m != n ? (m > n) - (m < n) : strcmp(x, y);
    return order ? order : strcmp(a, b);
}

static void sort_classes(name_list *classes) {
    bool numbers = true;
    for (int64_t i = 0; i < classes->count; i++)
        numbers = numbers && is_number(classes->names[i]);
    if (numbers && classes->count)
        qsort(classes->names, (size_t)classes->count, sizeof *classes->names, compare_numbers);
}

/* Splits what is in @p dir: folders into @p classes, in the order of their labels. */
static lks_status list_classes(name_list *classes, lks_picture_folder *f, const char *dir,
                               const name_list *all, lks_error *err) {
    for (int64_t i = 0; i < all->count; i++) {
        char path[LKS_PATH_MAX];
        LKS_TRY(lks_data_path(path, dir, all->names[i], err));
        if (is_folder(path) && strcmp(all->names[i], LKS_UNSURE_FOLDER) == 0)
            LKS_TRY(leave_out(f, "folders of what predict --sort was unsure of", path, err));
        else if (is_folder(path))
            LKS_TRY(add_name(classes, all->names[i], dir, err));
        else
            LKS_TRY(leave_out(f, "files in no class folder", path, err));
    }
    sort_classes(classes);
    return LKS_OK;
}

static lks_status check_classes(const lks_picture_folder *f, const char *dir,
                                const name_list *classes, lks_error *err) {
    if (classes->count == 0)
        return lks_fail(
            err, LKS_ERR_DATA,
            "%s: has no class folders; expected pictures %s/CLASS/*, one folder for each class",
            dir, dir);
    if (f->known)
        return LKS_OK;
    if (classes->count == 1)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: has one class folder, %s; at least two are needed%s", dir,
                        classes->names[0],
                        strcmp(classes->names[0], "train") == 0
                            ? ", or a folder test beside train, or give train itself as DIR"
                            : "");
    if (classes->count > LKS_CLASSES_MAX)
        return lks_fail(err, LKS_ERR_DATA, "%s: has %" PRId64 " class folders; at most %d can be",
                        dir, classes->count, LKS_CLASSES_MAX);
    return LKS_OK;
}

/* The label of a class, or -1. */
static int find_class(const lks_picture_folder *f, const char *name) {
    for (int i = 0; i < f->n_classes; i++)
        if (strcmp(f->class_names[i], name) == 0)
            return i;
    return -1;
}

/* What is there may be pictures of another kind. */
static lks_status no_pictures(const lks_picture_folder *f, const char *path, lks_error *err) {
    const size_t length = strlen(path);
    char advice[1024] = "";
    for (int i = 0; i < f->n_left_out && !advice[0]; i++)
        if (strncmp(f->left_out[i].first, path, length) == 0 && f->left_out[i].first[length] == '/')
            lks_left_out_advice(&f->left_out[i], advice, sizeof advice);
    return lks_fail(err, LKS_ERR_DATA, "%s: has no pictures (*.png, .jpg, .pgm, .ppm, .pbm)%s",
                    path, advice[0] ? advice : "; remove the folder, or put some there");
}

static lks_status refuse_class(const lks_picture_folder *f, const char *path, lks_error *err) {
    if (!f->known)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: train has no folder of this class; the classes of test must be "
                        "among those of train",
                        path);
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: the network has no class of that name; its %d classes are %s to %s", path,
                    f->n_classes, f->class_names[0], f->class_names[f->n_classes - 1]);
}

/* The training classes give the labels, where they are not known; test's must be among them. */
static lks_status scan_class(lks_picture_folder *f, const char *dir, const char *name, bool test,
                             lks_error *err) {
    char path[LKS_PATH_MAX];
    LKS_TRY(lks_data_path(path, dir, name, err));
    if (!test && !f->known) {
        f->class_names[f->n_classes] = strdup(name);
        if (!f->class_names[f->n_classes])
            return no_memory(path, err);
        f->n_classes++;
    }
    class_walk w = {f, find_class(f, name), test, NULL};
    if (w.label < 0)
        return refuse_class(f, path, err);
    const int64_t before = f->n_pictures;
    const lks_status status = walk(&w, path, NULL, err);
    tdestroy(w.seen, free);
    LKS_TRY(status);
    return f->n_pictures == before && !f->known ? no_pictures(f, path, err) : LKS_OK;
}

/* The classes of one set, whose folder has the names @p all. */
static lks_status scan_listed(lks_picture_folder *f, const char *dir, bool test,
                              const name_list *all, name_list *classes, lks_error *err) {
    LKS_TRY(list_classes(classes, f, dir, all, err));
    if (!test)
        LKS_TRY(check_classes(f, dir, classes, err));
    for (int64_t i = 0; i < classes->count; i++)
        LKS_TRY(scan_class(f, dir, classes->names[i], test, err));
    return LKS_OK;
}

static lks_status scan_set(lks_picture_folder *f, const char *dir, bool test, lks_error *err) {
    name_list all, classes = {0};
    LKS_TRY(list_names(&all, dir, err));
    lks_status status = scan_listed(f, dir, test, &all, &classes, err);
    free_names(&classes);
    free_names(&all);
    return status;
}

/* --- the folder ------------------------------------------------------------------------------- */

/* What lies beside train and test. */
static lks_status leave_out_others(lks_picture_folder *f, const char *dir, lks_error *err) {
    name_list all;
    LKS_TRY(list_names(&all, dir, err));
    lks_status status = LKS_OK;
    for (int64_t i = 0; i < all.count && status == LKS_OK; i++) {
        char path[LKS_PATH_MAX];
        const char *name = all.names[i];
        if (strcmp(name, "train") == 0 || strcmp(name, "test") == 0)
            continue;
        status = lks_data_path(path, dir, name, err);
        if (status == LKS_OK)
            status = leave_out(f, "files or folders beside train and test", path, err);
    }
    free_names(&all);
    return status;
}

static int compare_pictures(const void *left, const void *right) {
    const lks_labelled_picture *a = left, *b = right;
    if (a->test != b->test)
        return a->test - b->test;
    if (a->label != b->label)
        return a->label - b->label;
    return strcmp(a->path, b->path);
}

static lks_status scan(lks_picture_folder *f, const char *dir, lks_error *err) {
    char train[LKS_PATH_MAX], test[LKS_PATH_MAX];
    LKS_TRY(lks_data_path(train, dir, "train", err));
    LKS_TRY(lks_data_path(test, dir, "test", err));
    f->has_test = is_folder(train) && is_folder(test);
    if (!f->has_test)
        return scan_set(f, dir, false, err);
    LKS_TRY(leave_out_others(f, dir, err));
    LKS_TRY(scan_set(f, train, false, err));
    const int64_t n_train = f->n_pictures;
    LKS_TRY(scan_set(f, test, true, err));
    if (f->n_pictures == n_train)
        return lks_fail(err, LKS_ERR_DATA, "%s: has no class folders; expected pictures %s/CLASS/*",
                        test, test);
    return LKS_OK;
}

static lks_status finish(lks_picture_folder *f, const char *dir, lks_status status,
                         lks_error *err) {
    if (status == LKS_OK && f->n_pictures == 0)
        status = lks_fail(err, LKS_ERR_DATA, "%s: has no pictures in its class folders", dir);
    if (status != LKS_OK)
        lks_picture_folder_free(f);
    else
        qsort(f->pictures, (size_t)f->n_pictures, sizeof *f->pictures, compare_pictures);
    return status;
}

lks_status lks_picture_folder_scan(lks_picture_folder *f, const char *dir, lks_error *err) {
    *f = (lks_picture_folder){0};
    return finish(f, dir, scan(f, dir, err), err);
}

lks_status lks_picture_folder_scan_known(lks_picture_folder *f, const char *dir,
                                         const lks_data_config *c, int classes, lks_error *err) {
    char name[LKS_CLASS_FOLDER_MAX];
    *f = (lks_picture_folder){.known = true};
    for (; f->n_classes < classes; f->n_classes++)
        if (!(f->class_names[f->n_classes] =
                  strdup(lks_class_folder(c, classes, f->n_classes, name))))
            return finish(f, dir, no_memory(dir, err), err);
    return finish(f, dir, scan(f, dir, err), err);
}

void lks_picture_folder_free(lks_picture_folder *f) {
    for (int i = 0; i < f->n_classes; i++)
        free(f->class_names[i]);
    for (int64_t i = 0; i < f->n_pictures; i++)
        free(f->pictures[i].path);
    for (int i = 0; i < f->n_left_out; i++)
        free(f->left_out[i].first);
    free(f->pictures);
    free(f->left_out);
    *f = (lks_picture_folder){0};
}
