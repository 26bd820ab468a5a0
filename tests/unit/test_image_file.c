/* Data sets as data.* describes them: IDX or HDF5, transposed or not, labels from an offset on. */
#include "support/test.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed/image_file.h"

enum { N = 7, ROWS = 3, COLUMNS = 5, CHANNELS = 2, BYTES = ROWS * COLUMNS * CHANNELS };

static uint8_t pixel(int image, int row, int column, int channel) {
    return (uint8_t)(image * 31 + row * 10 + column * 2 + channel);
}

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", lks_test_folder(), name);
    return path;
}

static lks_data_config config_of(const char *images, const char *labels) {
    lks_data_config c = {0};
    snprintf(c.dir, sizeof c.dir, "%s", lks_test_folder());
    snprintf(c.train_images, sizeof c.train_images, "%s", images);
    snprintf(c.train_labels, sizeof c.train_labels, "%s", labels);
    return c;
}

/* --- files ------------------------------------------------------------------------------------ */

static void write_file(const char *name, const void *bytes, size_t size) {
    FILE *f = fopen(path_of(name), "w");
    CU_ASSERT_FATAL(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

/* Images as an IDX file of 4 dimensions, [image][channel][row][column]; labels 3, 4, 5, ... */
static void write_idx(void) {
    uint8_t images[20 + N * BYTES] = {0, 0,        8, 4, 0, 0,    0, N, 0, 0,
                                      0, CHANNELS, 0, 0, 0, ROWS, 0, 0, 0, COLUMNS};
    uint8_t labels[8 + N] = {0, 0, 8, 1, 0, 0, 0, N}, *at = images + 20;
    for (int i = 0; i < N; i++) {
        labels[8 + i] = (uint8_t)(3 + i);
        for (int ch = 0; ch < CHANNELS; ch++)
            for (int r = 0; r < ROWS; r++)
                for (int c = 0; c < COLUMNS; c++)
                    *at++ = pixel(i, r, c, ch);
    }
    write_file("images", images, sizeof images);
    write_file("labels", labels, sizeof labels);
}

typedef struct layout {
    hid_t type;
    int ndim;
    hsize_t dims[5];
    bool chunked;
    enum { WHOLE, NOTHING, FIRST_ITEM } written;
} layout;

static void put(hid_t file, const char *name, const layout *l, const void *values) {
    hid_t space = H5Screate_simple(l->ndim, l->dims, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[5];
    for (int i = 0; i < 5; i++)
        chunk[i] = l->dims[i] < 2 ? l->dims[i] : 2;
    if (l->chunked) {
        H5Pset_chunk(creation, l->ndim, chunk);
        H5Pset_deflate(creation, 6);
    }
    hid_t set = H5Dcreate2(file, name, l->type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    CU_ASSERT_FATAL(set >= 0);
    if (l->written == FIRST_ITEM) {
        hsize_t start[5] = {0}, extent[5] = {1, l->dims[1], l->dims[2], l->dims[3], l->dims[4]};
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL);
    }
    if (l->written != NOTHING)
        CU_ASSERT_FATAL(H5Dwrite(set, l->type, space, space, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
}

/* Images [image][row][column][channel] and labels of `labels`; either may be NULL: left out. */
static void write_hdf5(const char *name, const layout *images, const layout *labels,
                       const void *label_values) {
    uint64_t values[N * BYTES] = {0}; /* wide enough for any type */
    uint8_t *at = (uint8_t *)values;
    for (int i = 0; i < N; i++)
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLUMNS; c++)
                for (int ch = 0; ch < CHANNELS; ch++)
                    *at++ = pixel(i, r, c, ch);
    hid_t file = H5Fcreate(path_of(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    if (images)
        put(file, "images", images, values);
    if (labels)
        put(file, "labels", labels, label_values);
    H5Fclose(file);
}

static const int64_t numbers[N] = {3, 4, 5, 6, 7, 8, 9};
static layout good_images, good_labels;

static void set_layouts(void) {
    good_images = (layout){H5T_STD_U8LE, 4, {N, ROWS, COLUMNS, CHANNELS, 0}, false, WHOLE};
    good_labels = (layout){H5T_NATIVE_INT64, 1, {N}, false, WHOLE};
}

/* --- right ones ------------------------------------------------------------------------------- */

/* Whole and in parts, with or without changes on the way. */
static void check_set(const lks_data_config *c) {
    lks_image_file f;
    lks_error err = {LKS_OK, ""};
    uint8_t whole[N * BYTES], part[BYTES], labels[N];
    if (lks_image_file_open(&f, c, LKS_PART_TRAIN, &err) != LKS_OK)
        printf("\n    %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(err.status, LKS_OK);
    const int rows = c->transpose ? COLUMNS : ROWS, columns = c->transpose ? ROWS : COLUMNS;
    CU_ASSERT(f.count == N && f.rows == rows && f.columns == columns && f.channels == CHANNELS);
    CU_ASSERT_EQUAL_FATAL(lks_image_file_read(&f, 0, N, whole, &err), LKS_OK);
    for (int i = 0; i < N; i++) {
        bool good = true;
        for (int r = 0; r < rows; r++)
            for (int k = 0; k < columns; k++)
                for (int ch = 0; ch < CHANNELS; ch++)
                    good = good && whole[((i * rows + r) * columns + k) * CHANNELS + ch] ==
                                       (c->transpose ? pixel(i, k, r, ch) : pixel(i, r, k, ch));
        CU_ASSERT_TRUE(good);
        CU_ASSERT_EQUAL_FATAL(lks_image_file_read(&f, i, 1, part, &err), LKS_OK);
        CU_ASSERT_EQUAL(memcmp(part, whole + i * BYTES, BYTES), 0);
    }
    CU_ASSERT_EQUAL(lks_image_file_read(&f, N, 0, part, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_image_file_read(&f, N, 1, part, &err), LKS_ERR_DATA);
    CU_ASSERT_EQUAL_FATAL(lks_image_file_read_labels(&f, labels, &err), LKS_OK);
    for (int i = 0; i < N; i++)
        CU_ASSERT_EQUAL(labels[i], 3 + i - c->label_offset);
}

static void check_options(lks_data_config c) {
    for (int transpose = 0; transpose < 2; transpose++)
        for (int offset = 0; offset < 4; offset += 3) {
            c.transpose = transpose;
            c.label_offset = offset;
            check_set(&c);
        }
}

static void idx_files(void) {
    write_idx();
    check_options(config_of("images", "labels"));
}

static void hdf5_files(void) {
    write_hdf5("plain.h5", &good_images, &good_labels, numbers);
    check_options(config_of("plain.h5", "plain.h5"));
    layout packed = good_images;
    packed.chunked = true;
    const uint8_t bytes[N] = {3, 4, 5, 6, 7, 8, 9};
    const layout small = {H5T_STD_U8LE, 1, {N}, true, WHOLE};
    write_hdf5("packed.hdf5", &packed, &small, bytes);
    check_options(config_of(path_of("packed.hdf5"), ""));
}

static void hdf5_without_channels(void) {
    const layout flat = {H5T_STD_U8LE, 3, {N, ROWS, COLUMNS}, false, WHOLE};
    write_hdf5("flat.h5", &flat, &good_labels, numbers);
    lks_h5_images h;
    CU_ASSERT_EQUAL(lks_h5_images_open(&h, path_of("flat.h5"), NULL), LKS_OK);
    CU_ASSERT(h.count == N && h.rows == ROWS && h.columns == COLUMNS && h.channels == 1);
}

/* Another program's exclusive lock, or a file system without locks, hinders nobody. */
static void no_lock_is_taken(void) {
    write_hdf5("locked.h5", &good_images, &good_labels, numbers);
    int fd = open(path_of("locked.h5"), O_RDONLY);
    CU_ASSERT_EQUAL_FATAL(flock(fd, LOCK_EX), 0);
    check_set(&(lks_data_config[]){config_of("locked.h5", "")}[0]);
    close(fd);
}

/* --- wrong ones ------------------------------------------------------------------------------- */

/* Labels of a range, and the number of one that is wrong, in the file's own count. */
static void ranges_of_labels(void) {
    write_hdf5("plain.h5", &good_images, &good_labels, numbers);
    lks_h5_images h;
    lks_error err;
    uint8_t all[N], part[N];
    CU_ASSERT_EQUAL_FATAL(lks_h5_images_open(&h, path_of("plain.h5"), &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_h5_images_read_labels(&h, 0, N, all, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_h5_images_read_labels(&h, 2, N - 3, part, &err), LKS_OK);
    CU_ASSERT_EQUAL(memcmp(part, all + 2, N - 3), 0);
    CU_ASSERT_EQUAL(lks_h5_images_read_labels(&h, 2, N - 1, part, &err), LKS_ERR_DATA);
}

/* A walk goes on where its portion ended: more labels than fit in one. */
enum { MANY = (1 << 20) + 5 };

static lks_status meet_labels(void *context, int64_t first, int64_t n, const uint8_t *labels,
                              lks_error *err) {
    int64_t *met = context;
    (void)err;
    for (int64_t i = 0; i < n; i++)
        *met += *met == first + i && labels[i] == (uint8_t)((first + i) % 251 + 1);
    return LKS_OK;
}

static void labels_in_portions(void) {
    enum { COUNT_BYTES = 8, IMAGE_HEAD = 16 };
    const uint32_t n = MANY;
    const uint8_t count[] = {n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255};
    uint8_t *labels = calloc(COUNT_BYTES + MANY, 1), *images = calloc(IMAGE_HEAD + MANY, 1);
    memcpy(labels, (const uint8_t[]){0, 0, 8, 1}, 4);
    memcpy(labels + 4, count, sizeof count);
    memcpy(images, (const uint8_t[]){0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, IMAGE_HEAD);
    memcpy(images + 4, count, sizeof count);
    for (int64_t i = 0; i < MANY; i++)
        labels[COUNT_BYTES + i] = (uint8_t)(i % 251 + 3);
    write_file("many-images", images, IMAGE_HEAD + MANY);
    write_file("many-labels", labels, COUNT_BYTES + MANY);
    lks_data_config c = config_of("many-images", "many-labels");
    c.label_offset = 2;
    lks_image_file f;
    lks_error err;
    int64_t met = 0;
    CU_ASSERT_EQUAL_FATAL(lks_image_file_open(&f, &c, LKS_PART_TRAIN, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_image_file_walk_labels(&f, meet_labels, &met, &err), LKS_OK);
    CU_ASSERT_EQUAL(met, MANY);
    labels[COUNT_BYTES + MANY - 2] = 1; /* below the offset, in the second portion */
    write_file("many-labels", labels, COUNT_BYTES + MANY);
    CU_ASSERT_EQUAL(lks_image_file_walk_labels(&f, meet_labels, &met, &err), LKS_ERR_DATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "label 1 of image 1048579 is below"));
    free(labels);
    free(images);
}

static void check_refused(const lks_data_config *c, const char *says) {
    lks_image_file f;
    lks_error err = {LKS_OK, ""};
    uint8_t labels[N];
    lks_status status = lks_image_file_open(&f, c, LKS_PART_TRAIN, &err);
    if (status == LKS_OK)
        status = lks_image_file_read_labels(&f, labels, &err);
    CU_ASSERT_EQUAL(status, LKS_ERR_DATA);
    const bool found = strstr(err.text, says) && strstr(err.text, c->train_images);
    if (!found)
        printf("\n    wanted: %s\n    got: %s\n", says, err.text);
    CU_ASSERT_TRUE(found);
}

static void labels_below_the_offset(void) {
    write_idx();
    lks_data_config c = config_of("images", "labels");
    c.label_offset = 5;
    lks_image_file f;
    lks_error err;
    uint8_t labels[N];
    CU_ASSERT_EQUAL_FATAL(lks_image_file_open(&f, &c, LKS_PART_TRAIN, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_image_file_read_labels(&f, labels, &err), LKS_ERR_DATA);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.text, "labels: label 3 of image 0 is below data.label_offset, which is 5"));
}

static void bad_hdf5_contents(void) {
    set_layouts();
    const layout signed_bytes = {H5T_STD_I8LE, 3, {N, ROWS, COLUMNS}, false, WHOLE};
    const layout floats = {H5T_IEEE_F32LE, 3, {N, ROWS, COLUMNS}, false, WHOLE};
    const layout wide = {H5T_STD_U16LE, 3, {N, ROWS, COLUMNS}, false, WHOLE};
    const layout two = {H5T_STD_U8LE, 2, {N, ROWS * COLUMNS}, false, WHOLE};
    const layout five = {H5T_STD_U8LE, 5, {N, ROWS, COLUMNS, 1, 1}, false, WHOLE};
    const layout none = {H5T_STD_U8LE, 3, {0, ROWS, COLUMNS}, false, NOTHING};
    const layout channels = {H5T_STD_U8LE, 4, {1, 1, 1, 65}, false, WHOLE};
    const layout first = {H5T_STD_U8LE, 4, {1, 3, 7, 7}, false, WHOLE};
    const layout absurd = {H5T_STD_U8LE, 3, {UINT64_C(1) << 33, 1, 1}, true, NOTHING};
    layout unwritten = good_images, few = good_labels, matrix = good_labels, text = good_labels;
    layout half = good_images, half_labels = good_labels;
    unwritten.written = NOTHING;
    half.chunked = half_labels.chunked = true;
    half.written = half_labels.written = FIRST_ITEM;
    few.dims[0] = N - 1;
    matrix.ndim = 2;
    matrix.dims[1] = 1;
    text.type = H5T_IEEE_F64LE;
    const struct {
        const char *says;
        const layout *images, *labels;
    } cases[] = {
        {"there is no data set /images", NULL, &good_labels},
        {"there is no data set /labels", &good_images, NULL},
        {"holds signed 8-bit integers", &signed_bytes, &good_labels},
        {"holds 32-bit floats", &floats, &good_labels},
        {"holds 16-bit integers", &wide, &good_labels},
        {"has 2 dimensions", &two, &good_labels},
        {"/images has 5 dimensions", &five, &good_labels},
        {"/images is empty", &none, &good_labels},
        {"65 (rows, columns, channels)", &channels, &good_labels},
        {"1 x 3 x 7 x 7, which looks like N x C x H x W", &first, &good_labels},
        {"has 8589934592 images", &absurd, &good_labels},
        {"/images was created, but never written", &unwritten, &good_labels},
        {"/images was written only in part", &half, &good_labels},
        {"/labels was written only in part", &good_images, &half_labels},
        {"has 7 images, but /labels has 6 labels", &good_images, &few},
        {"/labels has 2 dimensions", &good_images, &matrix},
        {"/labels holds floats", &good_images, &text},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_hdf5("bad.h5", cases[i].images, cases[i].labels, numbers);
        check_refused(&(lks_data_config[]){config_of("bad.h5", "")}[0], cases[i].says);
    }
    int64_t outside[N] = {3, 4, 256, 6, 7, 8, 9};
    write_hdf5("bad.h5", &good_images, &good_labels, outside);
    const lks_data_config bad = config_of("bad.h5", "");
    check_refused(&bad, "label 256 of image 2 is not within 0..255");
    outside[2] = -1;
    write_hdf5("bad.h5", &good_images, &good_labels, outside);
    check_refused(&bad, "label -1 of image 2 is not within 0..255");
}

static void bad_hdf5_files(void) {
    const lks_data_config c = config_of("bad.h5", "");
    write_hdf5("bad.h5", &good_images, &good_labels, numbers);
    struct stat s;
    CU_ASSERT_EQUAL_FATAL(stat(path_of("bad.h5"), &s), 0);
    CU_ASSERT_EQUAL_FATAL(truncate(path_of("bad.h5"), s.st_size - 1), 0);
    check_refused(&c, "truncated");
    write_file("bad.h5", "PNG or anything", 15);
    check_refused(&c, "is a text file, not");
    write_file("bad.h5", "", 0);
    check_refused(&c, "is empty, not");
    remove(path_of("bad.h5"));
    check_refused(&c, "no such file");
    CU_ASSERT_EQUAL(mkdir(path_of("bad.h5"), 0777), 0);
    check_refused(&c, "is no file");
    /* /images is a group */
    hid_t file = H5Fcreate(path_of("group.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(file, "images", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(file);
    check_refused(&(lks_data_config[]){config_of("group.h5", "")}[0],
                  "/images cannot be opened as a data set");
}

static void class_names_match_the_classes(void) {
    lks_data_config c = {.n_class_names = 0};
    lks_error err;
    CU_ASSERT_EQUAL(lks_class_names_check(&c, 10, &err), LKS_OK);
    c.n_class_names = 10;
    CU_ASSERT_EQUAL(lks_class_names_check(&c, 10, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_class_names_check(&c, 11, &err), LKS_ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "has 10 names, the data have 11 classes"));
}

int main(void) {
    static const lks_test tests[] = {
        {"IDX files", idx_files},
        {"HDF5 files", hdf5_files},
        {"HDF5 without channels", hdf5_without_channels},
        {"no lock is taken", no_lock_is_taken},
        {"ranges of labels", ranges_of_labels},
        {"labels in portions", labels_in_portions},
        {"labels below the offset", labels_below_the_offset},
        {"bad contents of HDF5 files", bad_hdf5_contents},
        {"bad HDF5 files", bad_hdf5_files},
        {"class names match the classes", class_names_match_the_classes},
        {NULL, NULL},
    };
    set_layouts();
    return lks_test_main("image files", tests);
}
