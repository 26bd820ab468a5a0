/* Damaged checkpoints and failing writes: an error and nothing else, whatever byte is hit. */
#include "checkpoint_sample.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "io/checkpoint_format.h"
#include "support/test.h"

/* Bytes from one damaged place to the next. Sanitizers look at memory, and each reading takes ten times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { STRIDE = 7, SEALED_STRIDE = 139 };
#else
enum { STRIDE = 1, SEALED_STRIDE = 47 };
#endif

static lks_error err;

static lks_status read_status(const char *path) {
    lks_checkpoint c;
    lks_status status = lks_checkpoint_read(path, NUMERICS, &c, &err);
    if (status == LKS_OK)
        lks_checkpoint_free(&c);
    return status;
}

/* --- damage ------------------------------------------------------------------------------- */

static void overwrite(int file, size_t at, const unsigned char *bytes, size_t n) {
    if (pwrite(file, bytes, n, (off_t)at) != (ssize_t)n)
        abort();
}

/** One bit in every byte of the file, or every STRIDEth: the seal leaves none unnoticed. */
static void every_flipped_bit_is_noticed(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "flip.h5");
    sample *s = new_sample();
    write_sample(path, s);
    size_t size;
    unsigned char *bytes = load(path, &size);
    int file = open(path, O_WRONLY), unnoticed = 0;
    for (size_t at = 0; at < size; at += STRIDE) {
        unsigned char flipped = bytes[at] ^ (unsigned char)(1u << (at * 5 + at / 8) % 8);
        overwrite(file, at, &flipped, 1);
        lks_status status = read_status(path);
        unnoticed += status != LKS_ERR_FORMAT && status != LKS_ERR_MISMATCH;
        overwrite(file, at, &bytes[at], 1);
    }
    CU_ASSERT_EQUAL(unnoticed, 0);
    CU_ASSERT_EQUAL(read_status(path), LKS_OK);
    close(file);
    free(bytes);
    free(s);
}

/** True if the file is refused, or has the content it should have. */
static bool refused_or_equal(const char *path, const lks_checkpoint *expected) {
    lks_checkpoint c;
    lks_status status = lks_checkpoint_read(path, NUMERICS, &c, &err);
    if (status != LKS_OK)
        return status == LKS_ERR_FORMAT || status == LKS_ERR_IO || status == LKS_ERR_MISMATCH;
    bool equal = equal_checkpoints(expected, &c);
    lks_checkpoint_free(&c);
    return equal;
}

/** Flips bits behind a seal made anew, so that HDF5 and the digests inside must notice; counts what
 * got through. */
static int flip_under_new_seals(const char *path, const sample *s) {
    size_t size;
    unsigned char *bytes = load(path, &size);
    int file = open(path, O_WRONLY), wrong = 0;
    for (size_t at = LKS_SEAL_SIZE; at < size; at += SEALED_STRIDE) {
        unsigned char flip = (unsigned char)(1u << at % 8);
        bytes[at] ^= flip;
        if (lks_seal_write(bytes, size, &err) != LKS_OK)
            abort();
        overwrite(file, 0, bytes, LKS_SEAL_SIZE);
        overwrite(file, at, &bytes[at], 1);
        wrong += !refused_or_equal(path, &s->c);
        bytes[at] ^= flip;
        overwrite(file, at, &bytes[at], 1);
    }
    close(file);
    free(bytes);
    return wrong;
}

/** In a process of its own: HDF5 1.10.8 leaks when metadata are damaged, and complains of it at
 * exit. */
static void damage_under_a_good_seal_is_noticed_quietly(void) {
    char path[PATH_MAX_TEST], printed[PATH_MAX_TEST];
    test_path(path, "reseal.h5");
    test_path(printed, "stderr.txt");
    sample *s = new_sample();
    write_sample(path, s);
    CU_ASSERT_EQUAL(lks_checkpoint_digest(&s->c, &err), LKS_OK);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(open(printed, O_CREAT | O_TRUNC | O_WRONLY, 0666), 2);
        _exit(flip_under_new_seals(path, s) == 0 ? 0 : 1);
    }
    int status = -1;
    struct stat info;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_EQUAL(stat(printed, &info), 0);
    CU_ASSERT_EQUAL(info.st_size, 0);
    free(s);
}

static void cut_and_longer_files_are_refused(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "cut.h5");
    sample *s = new_sample();
    write_sample(path, s);
    size_t size;
    unsigned char *bytes = load(path, &size);
    int lowest = dup(0), accepted = 0;
    close(lowest);
    store(path, bytes, size + 1);
    accepted += read_status(path) != LKS_ERR_FORMAT;
    for (size_t n = size; n > 0; n -= n > 700 ? 97 : 1) {
        CU_ASSERT_EQUAL_FATAL(truncate(path, (off_t)n - 1), 0);
        accepted += read_status(path) != LKS_ERR_FORMAT;
    }
    CU_ASSERT_EQUAL(accepted, 0);
    int now = dup(0);
    CU_ASSERT_EQUAL(now, lowest); /* no descriptor is left open */
    close(now);
    free(bytes);
    free(s);
}

static void cut_under_a_good_seal_is_noticed(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "cutseal.h5");
    sample *s = new_sample();
    write_sample(path, s);
    size_t size;
    int accepted = 0;
    unsigned char *bytes = load(path, &size);
    for (size_t n = LKS_SEAL_SIZE; n < size; n += 331) {
        CU_ASSERT_EQUAL_FATAL(lks_seal_write(bytes, n, &err), LKS_OK);
        store(path, bytes, n);
        accepted += read_status(path) != LKS_ERR_FORMAT;
    }
    CU_ASSERT_EQUAL(accepted, 0);
    free(bytes);
    free(s);
}

static void seal_anew(const char *path) {
    size_t size;
    unsigned char *bytes = load(path, &size);
    CU_ASSERT_EQUAL_FATAL(lks_seal_write(bytes, size, &err), LKS_OK);
    store(path, bytes, size);
    free(bytes);
}

/** Edits a checkpoint with HDF5 itself, which corrects its own checksums, and seals it anew. */
static lks_status status_after_edit(const char *path, const char *dataset, const char *attribute) {
    static const float values[N_VALUES] = {1};
    static const char digest[LKS_SHA256_HEX] = "00";
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), text = lks_h5_text_type(sizeof digest);
    hid_t set = dataset ? H5Dopen2(file, dataset, H5P_DEFAULT) : -1;
    hid_t note = attribute ? H5Aopen(file, attribute, H5P_DEFAULT) : -1;
    if (dataset)
        CU_ASSERT_TRUE(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    if (dataset)
        H5Dclose(set);
    if (attribute)
        CU_ASSERT_TRUE(H5Awrite(note, text, digest) >= 0);
    if (attribute)
        H5Aclose(note);
    H5Tclose(text);
    CU_ASSERT_TRUE(H5Fclose(file) >= 0);
    seal_anew(path);
    return read_status(path);
}

static void edited_values_are_noticed(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "edited.h5");
    sample *s = new_sample();
    write_sample(path, s);
    CU_ASSERT_EQUAL(status_after_edit(path, NULL, NULL), LKS_OK);
    CU_ASSERT_EQUAL(status_after_edit(path, "/model/conv1/weight", NULL), LKS_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "digest"));
    write_sample(path, s);
    CU_ASSERT_EQUAL(status_after_edit(path, "/optimizer/v/dense1/bias", NULL), LKS_ERR_FORMAT);
    write_sample(path, s);
    CU_ASSERT_EQUAL(status_after_edit(path, NULL, "weights_sha256"), LKS_ERR_FORMAT);
    free(s);
}

static void remove_attribute(const char *path, const char *object, const char *name) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    CU_ASSERT_TRUE(H5Adelete_by_name(file, object, name, H5P_DEFAULT) >= 0);
    CU_ASSERT_TRUE(H5Fclose(file) >= 0);
    seal_anew(path);
}

/** Attributes that came later may be missing; the others may not. */
static void files_of_older_programs_are_read(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "older.h5");
    sample *s = new_sample();
    write_sample(path, s);
    remove_attribute(path, "/provenance", "init_from");
    remove_attribute(path, "/provenance", "init_from_sha256");
    remove_attribute(path, "/provenance", "init_from_flat");
    lks_checkpoint c;
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_read(path, NUMERICS, &c, &err), LKS_OK);
    CU_ASSERT_STRING_EQUAL(c.provenance.init_from.path, "");
    memset(&s->c.provenance.init_from, 0, sizeof s->c.provenance.init_from);
    CU_ASSERT_EQUAL(memcmp(&c.provenance, &s->c.provenance, sizeof c.provenance), 0);
    lks_checkpoint_free(&c);
    remove_attribute(path, "/provenance", "hosts");
    CU_ASSERT_EQUAL(read_status(path), LKS_ERR_FORMAT);
    free(s);
}

/** Dimensions that no file holds must not become an allocation. */
static void absurd_dimensions_are_refused(void) {
    lks_h5 h;
    unsigned char *bytes;
    size_t size;
    const hsize_t dims[2] = {1ull << 33, 1ull << 33}, chunk[2] = {16, 16};
    CU_ASSERT_EQUAL_FATAL(lks_h5_create(&h, "absurd", LKS_SEAL_SIZE, &err), LKS_OK);
    hid_t space = H5Screate_simple(2, dims, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    hid_t set = H5Dcreate2(h.file, "/x", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    CU_ASSERT_TRUE(set >= 0);
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    CU_ASSERT_EQUAL_FATAL(lks_h5_finish(&h, &bytes, &size), LKS_OK);
    lks_h5_close(&h);
    CU_ASSERT_EQUAL(lks_h5_open(&h, "absurd", bytes, size, &err), LKS_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/x: claims to be larger"));
    free(bytes);
}

static void other_versions_are_told_apart(void) {
    char path[PATH_MAX_TEST];
    lks_checkpoint c;
    test_path(path, "version.h5");
    sample *s = new_sample();
    write_sample(path, s);
    CU_ASSERT_EQUAL(lks_checkpoint_read(path, NUMERICS + 1, &c, &err), LKS_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "numerics 7"));
    size_t size;
    unsigned char *bytes = load(path, &size);
    char *number = strstr((char *)bytes, "format 1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(number);
    number[7] = '2';
    store(path, bytes, size);
    CU_ASSERT_EQUAL(read_status(path), LKS_ERR_FORMAT); /* it may be a damaged digit */
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "format 2"));
    free(bytes);
    free(s);
}

static void what_is_no_checkpoint_is_refused(void) {
    char path[PATH_MAX_TEST];
    test_path(path, "missing.h5");
    CU_ASSERT_EQUAL(read_status(path), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    CU_ASSERT_EQUAL(read_status(lks_test_folder()), LKS_ERR_IO);
    test_path(path, "pipe");
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0666), 0);
    CU_ASSERT_EQUAL(read_status(path), LKS_ERR_IO); /* and does not wait for a writer */
    test_path(path, "sparse");
    store(path, "x", 1);
    CU_ASSERT_EQUAL(truncate(path, (off_t)1 << 40), 0);
    CU_ASSERT_EQUAL(read_status(path), LKS_ERR_FORMAT); /* without a terabyte of memory */
    unlink(path);
}

/* --- failing writes ----------------------------------------------------------------------- */

static void a_full_disk_leaves_the_old_file(void) {
    char dir[PATH_MAX_TEST], path[PATH_MAX_TEST + 16];
    make_dir(dir, "full");
    snprintf(path, sizeof path, "%s/c.h5", dir);
    sample *s = new_sample();
    write_sample(path, s);
    size_t size, size_after;
    unsigned char *before = load(path, &size);
    struct rlimit old, limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    s->values[0][7] = 99;
    for (size_t n = 0; n < size; n += 1 + size / 7) {
        limit = (struct rlimit){.rlim_cur = n, .rlim_max = old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
        lks_status status = lks_checkpoint_write(path, &s->c, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        CU_ASSERT_EQUAL(status, LKS_ERR_IO);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(EFBIG)));
    }
    CU_ASSERT_EQUAL(count_entries(dir, ""), 1);
    unsigned char *after = load(path, &size_after);
    CU_ASSERT_TRUE(size == size_after && memcmp(before, after, size) == 0);
    write_sample(path, s);
    free(before);
    free(after);
    free(s);
}

static void unwritable_places_are_named(void) {
    char path[PATH_MAX_TEST];
    sample *s = new_sample();
    test_path(path, "nowhere/c.h5");
    CU_ASSERT_EQUAL(lks_checkpoint_write(path, &s->c, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(ENOENT)));
    make_dir(path, "taken.h5");
    CU_ASSERT_EQUAL(lks_checkpoint_write(path, &s->c, &err), LKS_ERR_IO);
    CU_ASSERT_EQUAL(count_entries(lks_test_folder(), ".tmp-"), 0);
    strcat(path, "/");
    CU_ASSERT_EQUAL(lks_checkpoint_write(path, &s->c, &err), LKS_ERR_IO);
    free(s);
}

int main(void) {
    const lks_test tests[] = {
        {"every flipped bit is noticed", every_flipped_bit_is_noticed},
        {"damage under a good seal is noticed quietly",
         damage_under_a_good_seal_is_noticed_quietly},
        {"cut and longer files are refused", cut_and_longer_files_are_refused},
        {"a cut under a good seal is noticed", cut_under_a_good_seal_is_noticed},
        {"edited values are noticed", edited_values_are_noticed},
        {"files of older programs are read", files_of_older_programs_are_read},
        {"absurd dimensions are refused", absurd_dimensions_are_refused},
        {"other versions are told apart", other_versions_are_told_apart},
        {"what is no checkpoint is refused", what_is_no_checkpoint_is_refused},
        {"a full disk leaves the old file", a_full_disk_leaves_the_old_file},
        {"unwritable places are named", unwritable_places_are_named},
        {NULL, NULL},
    };
    return lks_test_main("checkpoint damage", tests);
}
