/** @file h5.h  The part of HDF5 that is used, with every failure turned into an lks_error.
 *
 *  Files are built and read in memory: HDF5 never touches the disk. It would hide a full disk
 * (after H5Dclose has failed, H5Fclose of 1.10.8 returns success), take locks that network file
 * systems refuse, and parse damaged files; this way the caller writes, checks and digests plain
 * bytes. Objects are named by absolute paths.
 *
 *  A file that is read is first turned into a list of all that is in it (lks_h5_list()), by a confined process
 *  (confined.h) unless this one made the file: what HDF5 does with it stays there. All reading is from that list.
 *
 *  One file is open for writing at a time in a process: from lks_h5_create() to lks_h5_close() other
 *  threads wait, and this one must not create or open a second. */
#ifndef LKS_IO_H5_H
#define LKS_IO_H5_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "io/h5/reply.h"
#include "lockstep/status.h"

#define LKS_H5_DIMS_MAX 4

/** Number types, in memory as on file, and texts of a fixed length; LKS_H5_GROUP is for lks_h5_item only. */
typedef enum lks_h5_type {
    LKS_H5_U8,
    LKS_H5_I32,
    LKS_H5_I64,
    LKS_H5_U64,
    LKS_H5_F32,
    LKS_H5_F64,
    LKS_H5_TEXT,
    LKS_H5_GROUP
} lks_h5_type;

/** A group, data set or attribute in the list of what is in a file: this, its name, and its values, each filled up
 * to a multiple of 8 bytes. */
typedef struct lks_h5_item {
    uint32_t type; /**< an lks_h5_type */
    uint32_t
        name; /**< bytes of the name: "/model/conv1/weight", or "/model@tensors" of an attribute */
    uint32_t ndim;    /**< of a data set or attribute; 0: one value without dimensions */
    uint32_t element; /**< bytes of an element: of a text its room */
    uint64_t dims[LKS_H5_DIMS_MAX];
    uint64_t bytes; /**< of all elements */
} lks_h5_item;

/** An open file. Functions return LKS_OK or fill the err given when it was opened. */
typedef struct lks_h5 {
    hid_t file;
    const char *name; /**< for messages */
    bool writing;
    unsigned char
        *bytes; /**< owned: of the file while writing, of the list of items while reading */
    size_t size, capacity;
    const lks_h5_item **items; /**< [n_items], of the list, in the order of their names */
    size_t n_items;
    H5E_auto2_t printer; /**< HDF5's own error printing is off while a file is open */
    void *printer_data;
    bool inside; /**< from opening to closing: no other thread is then in HDF5 */
    lks_error *err;
} lks_h5;

/** HDF5's innermost complaint about the last call that failed; clears it. Any other call, successful or not,
 * loses it. */
#define LKS_H5_REASON 512
void lks_h5_reason(char text[LKS_H5_REASON]);

/** Starts a new file with @p userblock free bytes (0, or a power of two from 512) in front. */
lks_status lks_h5_create(lks_h5 *h, const char *name, size_t userblock, lks_error *err);

/** Closes a new file and hands over its bytes, freed with free(). On failure only lks_h5_close() is
 * left to call. */
lks_status lks_h5_finish(lks_h5 *h, unsigned char **bytes, size_t *size);

/** Opens the file in @p bytes, anybody's, in a confined process; or, with lks_h5_open_own(), one that this process
 * made. The bytes may go when it is open. */
lks_status lks_h5_open(lks_h5 *h, const char *name, const void *bytes, size_t size, lks_error *err);
lks_status lks_h5_open_own(lks_h5 *h, const char *name, const void *bytes, size_t size,
                           lks_error *err);

/** Opens the file in @p bytes, which must stay until lks_h5_close(), with HDF5, for lks_h5_list(). */
lks_status lks_h5_open_image(lks_h5 *h, const char *name, const void *bytes, size_t size,
                             lks_error *err);

/** Opens the file of descriptor @p input in the same way, within a confined process, which opens no other from then on. HDF5
 * itself opens none of a name that has no place in a file system: it is lent the bytes. */
lks_status lks_h5_open_input(lks_h5 *h, const char *name, int input, lks_error *err);

/** Appends all that is in the file to @p reply, as lks_h5_item. Refused is what lks_h5_create() and its
 * fellows do not make: links but plain ones, other types, values in several chunks, without Fletcher32, or outside of
 * the file, and more of them than the file's size can hold. */
lks_status lks_h5_list(lks_h5 *h, lks_reply *reply);

/** Opens the file of descriptor @p file on the disk for reading, without a lock. False with the @p reason, which
 * the caller words, if that fails; then nothing is left to close. */
bool lks_h5_open_file(lks_h5 *h, int file, char reason[LKS_H5_REASON], lks_error *err);

/** The descriptor of a file in memory with these bytes, for a confined process; -1 with the error filled. Closed by the
 * caller. */
int lks_h5_lend(const char *name, const void *bytes, size_t size, lks_error *err);

/** Other threads are kept out of HDF5 between these two. */
void lks_h5_lock(void);
void lks_h5_unlock(void);

/** For the whole process: HDF5 loads no plugins and follows no link into another file. False if it cannot be told. */
bool lks_h5_forbid_others(void);

/** Closes and frees; harmless after lks_h5_finish(). */
void lks_h5_close(lks_h5 *h);

/** Fills the error with @p object and HDF5's innermost complaint. LKS_ERR_FORMAT when reading, else
 * LKS_ERR_IO. */
lks_status lks_h5_fail_call(lks_h5 *h, const char *object);
/** The same with a complaint of our own. */
lks_status lks_h5_fail(lks_h5 *h, const char *object, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

hid_t lks_h5_file_type(lks_h5_type type);
hid_t lks_h5_memory_type(lks_h5_type type);
size_t lks_h5_type_size(lks_h5_type type);
/** A zero-terminated string of @p size bytes; to be closed. */
hid_t lks_h5_text_type(size_t size);

/** Makes a group and the groups above it. */
lks_status lks_h5_group(lks_h5 *h, const char *path);

/** Attributes: @p n numbers, a text, and @p n texts that stand @p stride bytes apart. */
lks_status lks_h5_put(lks_h5 *h, const char *object, const char *name, lks_h5_type type,
                      const void *values, size_t n);
lks_status lks_h5_put_text(lks_h5 *h, const char *object, const char *name, const char *text);
lks_status lks_h5_put_texts(lks_h5 *h, const char *object, const char *name, const char *texts,
                            size_t stride, size_t n);

/** Reading is strict: type and count must be the expected ones, texts must fit. lks_h5_get_texts()
 * allocates *n rows of @p width bytes, at most @p most, freed with lks_free(). */
lks_status lks_h5_get(lks_h5 *h, const char *object, const char *name, lks_h5_type type,
                      void *values, size_t n);
lks_status lks_h5_get_text(lks_h5 *h, const char *object, const char *name, char *text,
                           size_t size);
lks_status lks_h5_get_texts(lks_h5 *h, const char *object, const char *name, size_t width,
                            size_t most, char **texts, size_t *n);

/** Whether @p path is there. */
bool lks_h5_has(lks_h5 *h, const char *path);

/** Whether the object has an attribute of that name. */
bool lks_h5_has_attribute(lks_h5 *h, const char *object, const char *name);

/** Data sets: chunked with Fletcher32 (empty ones compact), groups above them made as needed. */
lks_status lks_h5_put_array(lks_h5 *h, const char *path, lks_h5_type type, int ndim,
                            const int64_t *shape, const void *values);
lks_status lks_h5_put_string(lks_h5 *h, const char *path, const char *text);

/** The shape of a data set of @p type, of 1 to LKS_H5_DIMS_MAX dimensions, and how many elements that makes: never
 * more than the file could hold. */
lks_status lks_h5_get_shape(lks_h5 *h, const char *path, lks_h5_type type, int *ndim,
                            int64_t shape[LKS_H5_DIMS_MAX], size_t *count);
/** Reads all of a data set that must have exactly @p count elements of @p type. */
lks_status lks_h5_get_array(lks_h5 *h, const char *path, lks_h5_type type, size_t count,
                            void *values);
/** Allocates *text, freed with lks_free(). */
lks_status lks_h5_get_string(lks_h5 *h, const char *path, char **text);

#endif
