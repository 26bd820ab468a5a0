#include "io/h5/h5.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HDF5 tries to open a file's name even when all is kept in memory; no file can have this one. */
#define NO_FILE "/dev/null/lockstep"

#define GROWTH          65536
#define SUPERBLOCK_V3   3
#define SUPERBLOCK_SIZE 48
#define EOF_OFFSET      28 /* in a version 3 superblock (HDF5 file format specification, II.A) */
#define COMPACT_MAX     64 /* attributes kept inside the checksummed object header */

/* --- errors ----------------------------------------------------------------------------------- */

lks_status lks_h5_fail(lks_h5 *h, const char *object, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (h->writing)
        return lks_fail(h->err, LKS_ERR_IO, "cannot write %s: %s: %s", h->name, object, text);
    return lks_fail(h->err, LKS_ERR_FORMAT, "%s is damaged or incomplete: %s: %s", h->name, object,
                    text);
}

/** The walk starts at the innermost function, whose words are the most exact. */
static herr_t keep_innermost(unsigned n, const H5E_error2_t *entry, void *text) {
    if (n == 0 && entry->desc)
        snprintf(text, LKS_H5_REASON, "%s", entry->desc);
    return 0;
}

void lks_h5_reason(char text[LKS_H5_REASON]) {
    snprintf(text, LKS_H5_REASON, "HDF5 gave no reason");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, text);
    H5Eclear2(H5E_DEFAULT);
}

lks_status lks_h5_fail_call(lks_h5 *h, const char *object) {
    char text[LKS_H5_REASON];
    lks_h5_reason(text);
    return lks_h5_fail(h, object, "%s", text);
}

/* HDF5's library has state of its own, and mostly comes without locks: one thread at a time has a file open. */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

void lks_h5_lock(void) {
    pthread_mutex_lock(&library);
}

void lks_h5_unlock(void) {
    pthread_mutex_unlock(&library);
}

bool lks_h5_forbid_others(void) {
    return H5open() >= 0 && H5PLset_loading_state(0) >= 0 && H5Lunregister(H5L_TYPE_EXTERNAL) >= 0;
}

static void enter(lks_h5 *h) {
    lks_h5_lock();
    h->inside = true;
    H5Eget_auto2(H5E_DEFAULT, &h->printer, &h->printer_data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* --- the bytes of a file in memory ------------------------------------------------------------ */

/** New bytes are zeroed: gaps in the file must not carry what was in memory before. */
static void *grow(void *old, size_t size, H5FD_file_image_op_t op, void *data) {
    lks_h5 *h = data;
    (void)op;
    if (!h->writing)
        return NULL;
    if (size > h->capacity) {
        size_t capacity = size + h->capacity / 2;
        unsigned char *bytes = realloc(old, capacity);
        if (!bytes)
            return NULL;
        memset(bytes + h->capacity, 0, capacity - h->capacity);
        h->bytes = bytes;
        h->capacity = capacity;
    }
    h->size = size;
    return h->bytes;
}

/* HDF5 asks for copies when a file is opened; lending it the bytes themselves saves them. */
static void *lend(size_t size, H5FD_file_image_op_t op, void *data) {
    lks_h5 *h = data;
    (void)op;
    return size <= h->size ? h->bytes : NULL;
}

static void *copy_lent(void *to, const void *from, size_t size, H5FD_file_image_op_t op,
                       void *data) {
    (void)size, (void)op, (void)data;
    return to == from ? to : NULL;
}

/** The bytes outlive HDF5's file: they are complete only once it is closed. */
static herr_t keep(void *bytes, H5FD_file_image_op_t op, void *data) {
    (void)bytes, (void)op, (void)data;
    return 0;
}

static void *same_data(void *data) {
    return data;
}

static herr_t keep_data(void *data) {
    (void)data;
    return 0;
}

static hid_t memory_access(lks_h5 *h) {
    H5FD_file_image_callbacks_t callbacks = {.image_malloc = lend,
                                             .image_memcpy = copy_lent,
                                             .image_realloc = grow,
                                             .image_free = keep,
                                             .udata_copy = same_data,
                                             .udata_free = keep_data,
                                             .udata = h};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    /* V110 puts checksums on all metadata. Strong closing closes objects that an error left open.
     */
    if (access < 0 || H5Pset_fapl_core(access, GROWTH, false) < 0 ||
        H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 ||
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
        H5Pset_file_image_callbacks(access, &callbacks) < 0 ||
        (!h->writing && H5Pset_file_image(access, h->bytes, h->size) < 0)) {
        H5Pclose(access);
        return -1;
    }
    return access;
}

/* --- opening and closing ---------------------------------------------------------------------- */

/** No time stamps: equal content gives equal bytes. */
static bool plain_group(hid_t properties) {
    return H5Pset_obj_track_times(properties, false) >= 0 &&
           H5Pset_attr_phase_change(properties, COMPACT_MAX, 0) >= 0;
}

lks_status lks_h5_create(lks_h5 *h, const char *name, size_t userblock, lks_error *err) {
    *h = (lks_h5){.file = -1, .name = name, .writing = true, .err = err};
    enter(h);
    hid_t access = memory_access(h);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    if (access >= 0 && creation >= 0 && H5Pset_userblock(creation, userblock) >= 0 &&
        plain_group(creation))
        h->file = H5Fcreate(NO_FILE, H5F_ACC_TRUNC, creation, access);
    lks_status status = h->file < 0 ? lks_h5_fail_call(h, "/") : LKS_OK;
    H5Pclose(creation);
    H5Pclose(access);
    if (status != LKS_OK)
        lks_h5_close(h);
    return status;
}

lks_status lks_h5_open_image(lks_h5 *h, const char *name, const void *bytes, size_t size,
                             lks_error *err) {
    *h = (lks_h5){.file = -1, .name = name, .size = size, .capacity = size, .err = err};
    /* HDF5's interface has no const here; the file is opened read-only. */
    memcpy(&h->bytes, &bytes, sizeof h->bytes);
    enter(h);
    hid_t access = memory_access(h);
    if (access >= 0)
        h->file = H5Fopen(NO_FILE, H5F_ACC_RDONLY, access);
    lks_status status = h->file < 0 ? lks_h5_fail_call(h, "/") : LKS_OK;
    H5Pclose(access);
    if (status != LKS_OK)
        lks_h5_close(h);
    return status;
}

/** H5Pset_file_locking() came with 1.10.7 and 1.12.1; before, the library decides. */
static bool no_locks(hid_t access) {
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
    return H5Pset_file_locking(access, false, true) >= 0;
#else
    return access >= 0;
#endif
}

bool lks_h5_open_file(lks_h5 *h, int file, char reason[LKS_H5_REASON], lks_error *err) {
    char path[64];
    *h = (lks_h5){.file = -1, .err = err};
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    enter(h);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && no_locks(access) && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
        h->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    const bool good = h->file >= 0;
    if (!good)
        lks_h5_reason(reason);
    H5Pclose(access);
    if (!good)
        lks_h5_close(h);
    return good;
}

/** The buffer is larger than the file; the superblock says where the file ends.
 * (H5Fget_file_image() leaves a superblock with a wrong checksum in 1.10.8: it clears the "open for
 * writing" mark, but not in the sum.) */
static bool cut_at_end(lks_h5 *h, size_t userblock) {
    const unsigned char *superblock = h->bytes + userblock;
    if (h->size < userblock + SUPERBLOCK_SIZE || superblock[8] != SUPERBLOCK_V3)
        return false;
    uint64_t end = 0;
    for (int i = 7; i >= 0; i--)
        end = end << 8 | superblock[EOF_OFFSET + i];
    if (end > h->capacity)
        return false;
    h->size = (size_t)end;
    return true;
}

lks_status lks_h5_finish(lks_h5 *h, unsigned char **bytes, size_t *size) {
    hsize_t userblock = 0;
    hid_t creation = H5Fget_create_plist(h->file);
    lks_status status = LKS_OK;
    if (creation < 0 || H5Pget_userblock(creation, &userblock) < 0 ||
        H5Fflush(h->file, H5F_SCOPE_LOCAL) < 0)
        status = lks_h5_fail_call(h, "/");
    H5Pclose(creation);
    LKS_TRY(status);
    hid_t file = h->file;
    h->file = -1;
    if (H5Fclose(file) < 0)
        return lks_h5_fail_call(h, "/");
    if (!cut_at_end(h, (size_t)userblock))
        return lks_h5_fail(h, "/", "this HDF5 library wrote an unexpected superblock");
    *bytes = h->bytes;
    *size = h->size;
    h->bytes = NULL;
    return LKS_OK;
}

static void leave(lks_h5 *h) {
    if (h->file >= 0)
        H5Fclose(h->file);
    h->file = -1;
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, h->printer, h->printer_data);
    h->inside = false;
    lks_h5_unlock();
}

void lks_h5_close(lks_h5 *h) {
    const bool owned = h->writing || !h->inside;
    if (h->inside)
        leave(h);
    if (owned)
        free(h->bytes);
    free(h->items);
    h->bytes = NULL;
    h->items = NULL;
    h->n_items = 0;
}

/* --- types and groups ------------------------------------------------------------------------- */

hid_t lks_h5_file_type(lks_h5_type type) {
    const hid_t types[] = {H5T_STD_U8LE,  H5T_STD_I32LE,  H5T_STD_I64LE,
                           H5T_STD_U64LE, H5T_IEEE_F32LE, H5T_IEEE_F64LE};
    return types[type];
}

hid_t lks_h5_memory_type(lks_h5_type type) {
    const hid_t types[] = {H5T_NATIVE_UINT8,  H5T_NATIVE_INT32, H5T_NATIVE_INT64,
                           H5T_NATIVE_UINT64, H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE};
    return types[type];
}

size_t lks_h5_type_size(lks_h5_type type) {
    const size_t sizes[] = {1, 4, 8, 8, 4, 8};
    return sizes[type];
}

hid_t lks_h5_text_type(size_t size) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static lks_status make_group(lks_h5 *h, const char *path) {
    htri_t present = H5Lexists(h->file, path, H5P_DEFAULT);
    if (present > 0)
        return LKS_OK;
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE), group = -1;
    if (present == 0 && creation >= 0 && plain_group(creation))
        group = H5Gcreate2(h->file, path, H5P_DEFAULT, creation, H5P_DEFAULT);
    lks_status status = group < 0 || H5Gclose(group) < 0 ? lks_h5_fail_call(h, path) : LKS_OK;
    H5Pclose(creation);
    return status;
}

/* HDF5 can make missing groups itself, but with time stamps. */
lks_status lks_h5_group(lks_h5 *h, const char *path) {
    char part[256];
    if (strlen(path) >= sizeof part)
        return lks_h5_fail(h, path, "name too long");
    for (size_t i = 1; path[0] && path[i - 1]; i++) {
        if (path[i] != '/' && path[i])
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        LKS_TRY(make_group(h, part));
    }
    return LKS_OK;
}
