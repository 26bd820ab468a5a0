/* IDX files, good and bad: plain and gzip'd, 1-d, 3-d and 4-d, whole and in ranges. */
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "data/data.h"

/* --- reads that are cut short and interrupted
 * ------------------------------------------------------- */

static bool hostile_reads;

/* Stands in for the C library's: at worst the kernel gives a few bytes at a time and signals
 * between them. */
ssize_t pread(int fd, void *buffer, size_t count, off_t offset) {
    static unsigned calls;
    if (hostile_reads && ++calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    if (hostile_reads && count > 61)
        count = 61;
    return syscall(SYS_pread64, fd, buffer, count, offset);
}

/* --- making files
 * ----------------------------------------------------------------------------------- */

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static bytes bytes_make(size_t size) {
    return (bytes){.data = calloc(size + 1, 1), .size = size};
}

static void put_32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Bytes that do not compress and depend on @p seed. */
static void scramble(uint8_t *at, size_t count, uint32_t seed) {
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        at[i] = (uint8_t)(seed >> 24);
    }
}

/* A header with the given magic number and counts, and @p data_size bytes behind it. */
static bytes idx_file(uint32_t magic, int n, const uint32_t *counts, size_t data_size) {
    bytes b = bytes_make(4 + 4 * (size_t)n + data_size);
    put_32(b.data, magic);
    for (int i = 0; i < n; i++)
        put_32(b.data + 4 + 4 * i, counts[i]);
    scramble(b.data + 4 + 4 * n, data_size, magic);
    return b;
}

static bytes gzipped(const uint8_t *data, size_t size) {
    z_stream z = {0};
    deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    bytes out = bytes_make(deflateBound(&z, size) + 64);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out.data;
    z.avail_out = (uInt)out.size;
    CU_ASSERT_EQUAL_FATAL(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = z.total_out;
    deflateEnd(&z);
    return out;
}

static bytes joined(bytes a, bytes b) {
    bytes out = bytes_make(a.size + b.size);
    memcpy(out.data, a.data, a.size);
    memcpy(out.data + a.size, b.data, b.size);
    free(a.data);
    free(b.data);
    return out;
}

/* Writes the file @p name into the scratch folder and frees @p b. */
static void store(const char *name, bytes b) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", lks_test_folder(), name);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(b.data, 1, b.size, file), b.size);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
    free(b.data);
}

static void store_copy(const char *name, bytes b) {
    bytes copy = bytes_make(b.size);
    memcpy(copy.data, b.data, b.size);
    store(name, copy);
}

/* --- good files
 * ------------------------------------------------------------------------------------- */

static lks_idx_info open_good(const char *dir, const char *name, int dimensions) {
    lks_idx_info info;
    lks_error err = {0};
    if (lks_idx_open(&info, dir, name, dimensions, &err) != LKS_OK)
        printf("\n  %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(err.status, LKS_OK);
    return info;
}

/* Every item, read as the shares of P = 1..7 ranks, is the same as in @p expected. */
static void check_shares(const lks_idx_info *info, const uint8_t *expected) {
    const size_t item = (size_t)info->channels * (size_t)info->rows * (size_t)info->columns;
    uint8_t *out = malloc((size_t)info->count * item);
    for (int parts = 1; parts <= 7; parts++) {
        memset(out, 0xa5, (size_t)info->count * item);
        for (int part = 0; part < parts; part++) {
            lks_range r = lks_share(info->count, parts, part);
            lks_error err;
            CU_ASSERT_EQUAL(
                lks_idx_read(info, r.first, r.count, out + (size_t)r.first * item, &err), LKS_OK);
        }
        CU_ASSERT_EQUAL(memcmp(out, expected, (size_t)info->count * item), 0);
    }
    free(out);
}

static void plain_images(void) {
    bytes b = idx_file(0x803, 3, (uint32_t[]){13, 5, 7}, 13 * 5 * 7);
    store_copy("images", b);
    lks_idx_info info = open_good(lks_test_folder(), "images", 3);
    CU_ASSERT_EQUAL(info.count, 13);
    CU_ASSERT_EQUAL(info.channels, 1);
    CU_ASSERT_EQUAL(info.rows, 5);
    CU_ASSERT_EQUAL(info.columns, 7);
    CU_ASSERT_FALSE(info.compressed);
    check_shares(&info, b.data + 16);
    hostile_reads = true;
    check_shares(&info, b.data + 16);
    hostile_reads = false;
    free(b.data);
}

static void labels_fewer_than_ranks(void) {
    bytes b = idx_file(0x801, 1, (uint32_t[]){5}, 5);
    store_copy("labels", b);
    lks_idx_info info = open_good(lks_test_folder(), "labels", 1);
    CU_ASSERT_EQUAL(info.count, 5);
    CU_ASSERT_EQUAL(info.channels * info.rows * info.columns, 1);
    check_shares(&info, b.data + 8);
    free(b.data);
}

/* Images of one pixel look like labels but for their header. */
static void one_pixel_images(void) {
    bytes b = idx_file(0x804, 4, (uint32_t[]){9, 1, 1, 1}, 9);
    store_copy("pixels", b);
    lks_idx_info info = open_good(lks_test_folder(), "pixels", 3);
    check_shares(&info, b.data + 20);
    free(b.data);
}

static void four_dimensions_are_interleaved(void) {
    enum { N = 6, C = 3, H = 4, W = 5 };
    bytes b = idx_file(0x804, 4, (uint32_t[]){N, C, H, W}, N * C * H * W);
    uint8_t expected[N * H * W * C];
    for (int i = 0; i < N; i++)
        for (int c = 0; c < C; c++)
            for (int p = 0; p < H * W; p++)
                expected[(i * H * W + p) * C + c] = b.data[20 + (i * C + c) * H * W + p];
    store_copy("colour", b);
    store("packed-colour.gz", gzipped(b.data, b.size));
    lks_idx_info info = open_good(lks_test_folder(), "colour", 3);
    CU_ASSERT_EQUAL(info.channels, C);
    CU_ASSERT_EQUAL(info.rows, H);
    CU_ASSERT_EQUAL(info.columns, W);
    check_shares(&info, expected);
    info = open_good(lks_test_folder(), "packed-colour", 3);
    check_shares(&info, expected);
    free(b.data);
}

/* Larger than every buffer on the way, so that refilling and skipping are met. */
static void gzip_images(void) {
    enum { N = 200, BYTES = N * 40 * 30 };
    bytes b = idx_file(0x803, 3, (uint32_t[]){N, 40, 30}, BYTES);
    store("packed.gz", gzipped(b.data, b.size));
    lks_idx_info info = open_good(lks_test_folder(), "packed", 3);
    CU_ASSERT_TRUE(info.compressed);
    CU_ASSERT_STRING_EQUAL(info.path + strlen(info.path) - 10, "/packed.gz");
    check_shares(&info, b.data + 16);
    hostile_reads = true;
    check_shares(&info, b.data + 16);
    hostile_reads = false;

    store_copy("packed", b); /* the plain file is preferred where both are */
    info = open_good(lks_test_folder(), "packed", 3);
    CU_ASSERT_FALSE(info.compressed);
    free(b.data);
}

/* Members cut in the middle of the header and of an image, an empty one, and zeros up to a block's
 * end. */
static void gzip_members_and_padding(void) {
    enum { N = 30, BYTES = N * 20 * 20 };
    bytes b = idx_file(0x803, 3, (uint32_t[]){N, 20, 20}, BYTES);
    bytes members = joined(gzipped(b.data, 6), gzipped(b.data + 6, 5001));
    members = joined(members, gzipped(b.data, 0));
    members = joined(members, gzipped(b.data + 5007, b.size - 5007));
    store_copy("members.gz", members);
    store("padded.gz", joined(members, bytes_make(70000)));
    lks_idx_info info = open_good(lks_test_folder(), "members", 3);
    check_shares(&info, b.data + 16);
    info = open_good(lks_test_folder(), "padded", 3);
    check_shares(&info, b.data + 16);
    hostile_reads = true;
    check_shares(&info, b.data + 16);
    hostile_reads = false;
    free(b.data);
}

static void absolute_names_and_golden_files(void) {
    char name[1024];
    snprintf(name, sizeof name, "%s/train-labels-idx1-ubyte", LKS_GOLDEN_DIR);
    lks_idx_info info = open_good("/nowhere", name, 1);
    CU_ASSERT_EQUAL_FATAL(info.count, 2000);
    uint8_t labels[2000];
    CU_ASSERT_EQUAL(lks_idx_read(&info, 0, 2000, labels, NULL), LKS_OK);
    int counts[10] = {0};
    for (int i = 0; i < 2000; i++)
        counts[labels[i] % 10]++;
    CU_ASSERT_EQUAL(counts[0], 191);
    CU_ASSERT_EQUAL(counts[9], 210);
    info = open_good(LKS_GOLDEN_DIR, "t10k-images-idx3-ubyte", 3);
    CU_ASSERT_EQUAL(info.count, 500);
    CU_ASSERT_EQUAL(info.rows, 28);
    CU_ASSERT_EQUAL(info.columns, 28);
}

/* Written to a file and read back, in the order that is asked for. */
static void files_made_in_memory_are_read_back(void) {
    enum { N = 5, H = 4, W = 3, WANTED = 3 };
    static const uint32_t ids[WANTED] = {4, 0, 3};
    uint8_t images[N * H * W * 3], labels[N] = {10, 11, 12, 13, 14};
    scramble(images, sizeof images, 5);
    for (int channels = 1; channels <= 3; channels += 2) {
        const size_t size = (size_t)(H * W * channels);
        uint8_t wanted[WANTED * H * W * 3];
        for (size_t i = 0; i < WANTED; i++)
            memcpy(wanted + i * size, images + ids[i] * size, size);
        lks_idx_bytes file;
        CU_ASSERT_EQUAL_FATAL(lks_idx_make_images(&file, images, H, W, channels, ids, WANTED, NULL),
                              LKS_OK);
        CU_ASSERT_EQUAL(file.bytes[3], channels == 1 ? 3 : 4);
        store_copy("made", (bytes){file.bytes, file.size});
        lks_idx_bytes_free(&file);
        lks_idx_info info = open_good(lks_test_folder(), "made", 3);
        CU_ASSERT_TRUE(info.count == WANTED && info.rows == H && info.columns == W);
        CU_ASSERT_EQUAL_FATAL(info.channels, channels);
        check_shares(&info, wanted);
    }
    lks_idx_bytes file;
    CU_ASSERT_EQUAL_FATAL(lks_idx_make_labels(&file, labels, ids, WANTED, NULL), LKS_OK);
    store_copy("made", (bytes){file.bytes, file.size});
    lks_idx_bytes_free(&file);
    lks_idx_info info = open_good(lks_test_folder(), "made", 1);
    CU_ASSERT_EQUAL_FATAL(info.count, WANTED);
    check_shares(&info, (uint8_t[]){14, 10, 13});
}

/* --- bad files
 * -------------------------------------------------------------------------------------- */

/* Opens and reads everything; the first failure must be @p status and say @p says and the name. */
static void check_refused(const char *dir, const char *name, int dimensions, const char *says) {
    lks_idx_info info;
    lks_error err = {0};
    lks_status status = lks_idx_open(&info, dir, name, dimensions, &err);
    if (status == LKS_OK) {
        CU_ASSERT_FATAL(info.count * info.channels * info.rows * info.columns < 1 << 24);
        uint8_t *out = malloc((size_t)(info.count * info.channels * info.rows * info.columns));
        status = lks_idx_read(&info, 0, info.count, out, &err);
        free(out);
    }
    const bool as_expected = status == LKS_ERR_DATA && err.status == status &&
                             strstr(err.text, says) && strstr(err.text, name[0] ? name : dir) &&
                             !strchr(err.text, '\n');
    if (!as_expected)
        printf("\n  %s: expected \"%s\", got %d: %s\n", name, says, status, err.text);
    CU_ASSERT_TRUE(as_expected);
}

static void bad_headers(void) {
    const struct {
        const char *name, *says;
        uint32_t magic, counts[4];
        int n, dimensions;
        size_t data_size;
    } cases[] = {
        {"text", "not an IDX file of unsigned bytes", 0x48656c6c, {1, 1, 1}, 3, 3, 1},
        {"swapped-bytes", "not an IDX file of unsigned bytes", 0x03080000, {1, 1, 1}, 3, 3, 1},
        {"unknown-type", "no kind that is known", 0xa03, {1, 1, 1}, 3, 3, 1},
        {"floats", "is an IDX file of 32-bit floats, not", 0xd03, {1, 1, 1}, 3, 3, 4},
        {"labels-as-images", "1 dimension (magic number 0x00000801)", 0x801, {9}, 1, 3, 9},
        {"images-as-labels", "3 dimensions (magic number 0x00000803)", 0x803, {1, 1, 9}, 3, 1, 9},
        {"five-dimensions", "5 dimensions", 0x805, {1, 1, 1, 1}, 4, 3, 5},
        {"one-hot", "not a row of zeros and a one", 0x802, {3, 3}, 2, 1, 9},
        {"flat-images", "write rows and columns as two dimensions", 0x802, {3, 9}, 2, 3, 27},
        {"255-dimensions", "255 dimensions", 0x8ff, {1, 1, 1, 1}, 4, 3, 5},
        {"header-cut", "less than an IDX header of 16", 0x803, {1, 1}, 2, 3, 3},
        {"no-items", "0 items of 1 x 28 x 28", 0x803, {0, 28, 28}, 3, 3, 0},
        {"no-rows", "5 items of 1 x 0 x 28", 0x803, {5, 0, 28}, 3, 3, 0},
        {"no-channels", "5 items of 0 x 8 x 8", 0x804, {5, 0, 8, 8}, 4, 3, 0},
        {"no-labels", "0 items", 0x801, {0}, 1, 1, 0},
        {"rows", "65537 rows x 1 columns", 0x803, {1, 65537, 1}, 3, 3, 65537},
        {"columns", "1 rows x 4294967295 columns", 0x803, {1, 1, UINT32_MAX}, 3, 3, 1},
        {"channels", "65 channels", 0x804, {1, 65, 1, 1}, 4, 3, 65},
        {"last", "write numpy.moveaxis(images, 3, 1)", 0x804, {1, 28, 28, 3}, 4, 3, 2352},
        {"wide", "the channels stand last", 0x804, {1, 70, 48, 4}, 4, 3, 13440},
        {"one", "write it as 2 x 28 x 28", 0x804, {2, 28, 28, 1}, 4, 3, 1568},
        {"image", "images of 4294967296 bytes", 0x803, {1, 65536, 65536}, 3, 3, 1},
        {"absurd",
         "truncated: the header says 4294967295 items of 268435456 bytes",
         0x803,
         {UINT32_MAX, 16384, 16384},
         3,
         3,
         784},
        {"one-byte-short", "truncated: the header says 3 items", 0x803, {3, 4, 4}, 3, 3, 47},
        {"one-byte-long", "trailing bytes: the header says 3 items", 0x803, {3, 4, 4}, 3, 3, 49},
        {"labels-short", "12 bytes with the header, but the file has 11", 0x801, {4}, 1, 1, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store(cases[i].name,
              idx_file(cases[i].magic, cases[i].n, cases[i].counts, cases[i].data_size));
        check_refused(lks_test_folder(), cases[i].name, cases[i].dimensions, cases[i].says);
    }
    store("empty", bytes_make(0));
    check_refused(lks_test_folder(), "empty", 3, "truncated: 0 bytes");
    store("three-bytes", bytes_make(3));
    check_refused(lks_test_folder(), "three-bytes", 1, "truncated: 3 bytes");
}

/* A gzip'd file of 50 random images with byte @p at (from the end if negative) changed. */
static bytes damaged_gzip(long at) {
    bytes b = idx_file(0x803, 3, (uint32_t[]){50, 10, 10}, 5000);
    bytes packed = gzipped(b.data, b.size);
    packed.data[at < 0 ? (long)packed.size + at : at] ^= 0x10;
    free(b.data);
    return packed;
}

/* A gzip'd file whose header says @p count images of 10 x 10 and that holds @p data_size bytes. */
static bytes gzip_of(uint32_t count, size_t data_size) {
    bytes b = idx_file(0x803, 3, (uint32_t[]){count, 10, 10}, data_size);
    bytes packed = gzipped(b.data, b.size);
    free(b.data);
    return packed;
}

static void bad_gzip(void) {
    bytes cut = gzip_of(50, 5000), cut_in_trailer = gzip_of(50, 5000), only_magic = gzip_of(1, 100);
    cut.size -= 1000;
    cut_in_trailer.size -= 1;
    only_magic.size = 2;
    bytes garbage = bytes_make(9);
    memcpy(garbage.data, "123456789", 9);
    bytes late_garbage = bytes_make(100001);
    late_garbage.data[100000] = 'x';
    const struct {
        const char *name, *says;
        bytes file;
    } cases[] = {
        {"cut.gz", "truncated: the gzip data break off", cut},
        {"cut-in-trailer.gz", "truncated: the gzip data break off", cut_in_trailer},
        {"only-magic.gz", "truncated: the gzip data break off after 2 bytes", only_magic},
        {"method.gz", "damaged gzip data", damaged_gzip(2)},
        {"pixel.gz", "damaged gzip data", damaged_gzip(2500)},
        {"crc.gz", "damaged gzip data near byte", damaged_gzip(-6)},
        {"length.gz", "damaged gzip data near byte", damaged_gzip(-2)},
        {"garbage.gz", "9 trailing bytes after the end of the gzip data",
         joined(gzip_of(50, 5000), garbage)},
        {"late-garbage.gz", "1 trailing bytes after", joined(gzip_of(50, 5000), late_garbage)},
        {"second-member.gz", "damaged gzip data", joined(gzip_of(50, 5000), damaged_gzip(1))},
        {"two-files.gz", "trailing bytes: the data go on after the 50 items",
         joined(gzip_of(50, 5000), gzip_of(50, 5000))},
        {"content-short.gz", "but the data end in item 49", gzip_of(50, 4999)},
        {"content-long.gz", "trailing bytes: the data go on", gzip_of(50, 5001)},
        {"content-absurd.gz", "4294967295 items of 100 bytes, more than", gzip_of(UINT32_MAX, 9)},
        {"content-header.gz", "truncated: 0 bytes", gzipped((const uint8_t *)"", 0)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store(cases[i].name, cases[i].file);
        check_refused(lks_test_folder(), cases[i].name, 3, cases[i].says);
    }
}

/* Ranges that stop before the last item do not depend on what comes after them. */
static void early_ranges_of_a_cut_gzip(void) {
    bytes cut = gzip_of(50, 5000);
    cut.size -= 1000;
    store("early.gz", cut);
    lks_idx_info info = open_good(lks_test_folder(), "early", 3);
    uint8_t out[5000];
    lks_error err;
    CU_ASSERT_EQUAL(lks_idx_read(&info, 3, 10, out, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_idx_read(&info, 40, 10, out, &err), LKS_ERR_DATA);
}

static void bad_places(void) {
    char path[512];
    check_refused(lks_test_folder(), "nothing", 3, "no such file (nor with .gz); fetch the data");
    check_refused(lks_test_folder(), "nothing.gz", 3, "jobs/fetch-data.sh mnist /");
    check_refused("/nowhere/at-all", "nothing", 1, "jobs/fetch-data.sh mnist /nowhere/at-all");
    check_refused("/no where", "nothing", 1, "jobs/fetch-data.sh mnist '/no where'`");
    check_refused(lks_test_folder(), "", 1, "no name is given");
    snprintf(path, sizeof path, "%s/subfolder", lks_test_folder());
    CU_ASSERT_EQUAL(mkdir(path, 0777), 0);
    check_refused(lks_test_folder(), "subfolder", 3, "is a folder");
    snprintf(path, sizeof path, "%s/pipe", lks_test_folder());
    CU_ASSERT_EQUAL(mkfifo(path, 0666), 0);
    check_refused(lks_test_folder(), "pipe", 3, "is a device or pipe");
    store("file", bytes_make(1));
    snprintf(path, sizeof path, "%s/file", lks_test_folder());
    check_refused(path, "images", 3, "a file stands where this path has a folder");
    char long_name[2000];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    lks_idx_info info;
    lks_error err;
    CU_ASSERT_EQUAL(lks_idx_open(&info, "/tmp", long_name, 3, &err), LKS_ERR_DATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "at most 1023"));
    memset(long_name + 1020 - 5, '\0', 1); /* fits, but not with .gz */
    CU_ASSERT_EQUAL(lks_idx_open(&info, "/tmp", long_name, 3, &err), LKS_ERR_DATA);
}

static void no_permission(void) {
    store("secret", idx_file(0x801, 1, (uint32_t[]){5}, 5));
    char path[512];
    snprintf(path, sizeof path, "%s/secret", lks_test_folder());
    CU_ASSERT_EQUAL(chmod(path, 0), 0);
    const uid_t user = geteuid(); /* root may read everything: be somebody else for a moment */
    if (user == 0)
        CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
    check_refused(lks_test_folder(), "secret", 1, "permission denied");
    if (user == 0)
        CU_ASSERT_EQUAL_FATAL(seteuid(user), 0);
}

static void ranges_outside_and_files_that_shrink(void) {
    bytes b = idx_file(0x801, 1, (uint32_t[]){5}, 5);
    store_copy("shrinks", b);
    lks_idx_info info = open_good(lks_test_folder(), "shrinks", 1);
    uint8_t out[8];
    lks_error err;
    const struct {
        int64_t first, count;
    } outside[] = {{-1, 2}, {0, 6}, {5, 1}, {6, 0}, {2, -1}, {1, INT64_MAX}, {INT64_MAX, 1}};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        CU_ASSERT_EQUAL(lks_idx_read(&info, outside[i].first, outside[i].count, out, &err),
                        LKS_ERR_DATA);
    CU_ASSERT_EQUAL(lks_idx_read(&info, 5, 0, out, &err), LKS_OK);
    b.size -= 2;
    store("shrinks", b);
    CU_ASSERT_EQUAL(lks_idx_read(&info, 0, 3, out, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_idx_read(&info, 1, 4, out, &err), LKS_ERR_DATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the data end in item 3"));
    CU_ASSERT_EQUAL(unlink(info.path), 0);
    CU_ASSERT_EQUAL(lks_idx_read(&info, 1, 2, out, &err), LKS_ERR_DATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no such file"));
}

int main(void) {
    static const lks_test tests[] = {
        {"plain images in shares", plain_images},
        {"fewer labels than ranks", labels_fewer_than_ranks},
        {"images of one pixel", one_pixel_images},
        {"4-d files are interleaved", four_dimensions_are_interleaved},
        {"gzip'd images in shares", gzip_images},
        {"several gzip members, padding", gzip_members_and_padding},
        {"absolute names, the golden files", absolute_names_and_golden_files},
        {"files made in memory are read back", files_made_in_memory_are_read_back},
        {"bad headers and sizes", bad_headers},
        {"bad gzip data", bad_gzip},
        {"early ranges of a cut gzip file", early_ranges_of_a_cut_gzip},
        {"bad places", bad_places},
        {"no permission", no_permission},
        {"ranges outside, files that shrink", ranges_outside_and_files_that_shrink},
        {NULL, NULL},
    };
    return lks_test_main("idx", tests);
}
