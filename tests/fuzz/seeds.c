/* The binary inputs that fuzzers begin with, made by the program's own writers: seeds FOLDER/TARGET/NAME. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include <jpeglib.h> /* wants stdio.h first */

#include "checkpoint_sample.h"
#include "export/export.h"
#include "files/ustar.h"
#include "infer/restore.h"
#include "io/h5/h5.h"
#include "io/h5/h5_images_file.h"
#include "io/checkpoint.h"
#include "data/data.h"
#include "base/digest.h"
#include "io/history.h"
#include "lockstep/model.h"
#include "lockstep/picture.h"
#include "base/text.h"
#include "tensorboard/event.h"
#include "tensorboard/tfrecord.h"

static const char *root;

static void need(bool done, const char *what) {
    if (done)
        return;
    fprintf(stderr, "seeds: %s failed\n", what);
    exit(1);
}

static const char *path_of(const char *target, const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", root, target);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/%s/%s", root, target, name);
    return path;
}

static void put(const char *target, const char *name, const void *bytes, size_t size) {
    FILE *f = fopen(path_of(target, name), "wb");
    need(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0, name);
}

/* A checkpoint of a network that can answer, so none of the checks may refuse it. */
static void put_network(void) {
    static const char yaml[] =
        "model:\n  - conv2d: {filters: 2, kernel: 3}\n  - batchnorm\n  - relu\n"
        "  - maxpool: 2\n  - flatten\n  - dense: 3\n";
    lks_config config;
    lks_error err;
    lks_model *model;
    sample *s = new_sample();
    need(lks_config_parse(&config, yaml, strlen(yaml), "seed.yaml", NULL, 0, &err) == LKS_OK,
         "yaml");
    s->c.data = (lks_data_identity){
        .classes = 3, .channels = 1, .rows = 8, .columns = 8, .n_train = 9, .std = {1}};
    memset(s->c.data.digest, '0', sizeof s->c.data.digest - 1);
    need(lks_restore_model(&model, &config, &s->c.data, 1, 1, &err) == LKS_OK, "model");
    lks_checkpoint c = s->c;
    c.numerics = LKS_NUMERICS;
    c.config_yaml = lks_config_to_yaml(&config, &err);
    const lks_model_view view = lks_model_look(model);
    lks_model_init(model, 1);
    c.flats[0] = (lks_flat){"model", view.weights, view.n_weights, view.tensors, view.n_tensors};
    c.n_flats = 1;
    const char *path = path_of("checkpoint", "network");
    lks_checkpoint again;
    need(lks_checkpoint_write(path, &c, &err) == LKS_OK, err.text);
    need(lks_checkpoint_read(path, LKS_NUMERICS, &again, &err) == LKS_OK, err.text);
    lks_checkpoint_free(&again);
    free(c.config_yaml);
    lks_model_free(model);
    lks_config_free(&config);
    free(s);
}

/* The same network in other programs' formats. */
static void put_exported(void) {
    static const char *const formats[] = {"safetensors", "npz", "onnx", "keras", "keras_weights"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        char from[1024];
        snprintf(from, sizeof from, "%s", path_of("checkpoint", "network"));
        const lks_export_options o = {.checkpoint = from,
                                      .format = formats[i],
                                      .out = path_of("import", formats[i]),
                                      .force = true};
        lks_exported written;
        lks_error err;
        need(lks_export_write(&o, &written, &err) == LKS_OK, err.text);
    }
}

static void put_sample(void) {
    sample *s = new_sample();
    lks_error err;
    s->c.numerics = LKS_NUMERICS;
    need(lks_checkpoint_write(path_of("checkpoint", "sample"), &s->c, &err) == LKS_OK, err.text);
    need(lks_history_write(path_of("history", "sample"), &s->c.history, NULL, &err) == LKS_OK,
         err.text);
    free(s);
}

/* What a confined process says of a file among the seeds: an input of `reply`, which begins with what was asked for. */
static void put_reply(const char *target, const char *name, uint8_t asked) {
    static uint8_t file[1 << 17];
    lks_reply list = {.most = sizeof file};
    lks_h5 h;
    lks_error err;
    char seed[64];
    FILE *f = fopen(path_of(target, name), "rb");
    const size_t size = f ? fread(file, 1, sizeof file, f) : 0;
    need(f && fclose(f) == 0 && size < sizeof file, name);
    memcpy(lks_reply_room(&list, 2, &err), (const uint8_t[]){asked, 0}, 2);
    need(lks_h5_open_image(&h, name, file, size, &err) == LKS_OK, err.text);
    need(lks_h5_list(&h, &list) == LKS_OK, err.text);
    lks_h5_close(&h);
    snprintf(seed, sizeof seed, "%s-%s", target, name);
    put("reply", seed, list.bytes, list.size);
    free(list.bytes);
}

/* Three images of 2 x 4 pixels, and of three labels, have the same bytes. */
static void put_images_reply(void) {
    const lks_h5_shape shape = {3, 2, 4, 1};
    const int64_t labels[3] = {1, 0, 2};
    uint8_t bytes[2 + sizeof shape + sizeof labels] = {2, 0};
    memcpy(bytes + 2, &shape, sizeof shape);
    memcpy(bytes + 2 + sizeof shape, labels, sizeof labels);
    put("reply", "images", bytes, sizeof bytes);
}

/* Turned by a quarter: one tag, Orientation, of 6. */
static const JOCTET exif[] =
    "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0";

/* The PNG with a chunk eXIf after its header. */
static void put_turned(const uint8_t *png, size_t size) {
    enum { HEADER = 8 + 25, TIFF = sizeof exif - 7, CHUNK = 12 + TIFF };
    uint8_t file[1024] = {0}, *to = file + HEADER;
    need(size + CHUNK <= sizeof file, "a turned PNG");
    memcpy(file, png, HEADER);
    memcpy(to, "\0\0\0\0eXIf", 8);
    to[3] = TIFF;
    memcpy(to + 8, exif + 6, TIFF);
    const uint32_t sum = (uint32_t)crc32(0, to + 4, 4 + TIFF);
    for (int i = 0; i < 4; i++)
        to[8 + TIFF + i] = (uint8_t)(sum >> (24 - 8 * i));
    memcpy(to + CHUNK, png + HEADER, size - HEADER);
    put("png", "turned", file, size + CHUNK);
}

static void put_pictures(void) {
    uint8_t pixels[12 * 9 * 4];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7);
    for (int channels = 1; channels <= 4; channels++) {
        unsigned char *bytes;
        size_t size;
        char name[24];
        lks_error err;
        need(lks_png_encode(pixels, 12, 9, channels, &bytes, &size, &err) == LKS_OK, "PNG");
        snprintf(name, sizeof name, "channels%d", channels);
        put("png", name, bytes, size);
        if (channels == 1)
            put_turned(bytes, size);
        free(bytes);
    }
    static const char plain[] = "P2\n# a comment\n3 2\n15\n0 1 2\n3 4 15\n";
    static const char raw[] = "P5 3 2 255\n\0abcde", bits[] = "P4 9 2\n\x12\x80\xff\x00";
    static const char colour[] = "P6 1 2 65535\nabcdefghijkl";
    put("pnm", "plain", plain, sizeof plain - 1);
    put("pnm", "raw", raw, sizeof raw - 1);
    put("pnm", "bits", bits, sizeof bits - 1);
    put("pnm", "colour", colour, sizeof colour - 1);
}

static void put_jpeg(const char *name, J_COLOR_SPACE space, int channels, bool progressive) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL, row[24 * 4];
    unsigned long size = 0;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &size);
    c.image_width = 24;
    c.image_height = 17;
    c.input_components = channels;
    c.in_color_space = space;
    jpeg_set_defaults(&c);
    if (progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    jpeg_write_marker(&c, JPEG_APP0 + 1, exif, sizeof exif);
    while (c.next_scanline < c.image_height) {
        JSAMPROW rows[1] = {row};
        for (size_t i = 0; i < sizeof row; i++)
            row[i] = (uint8_t)(i * 3 + c.next_scanline * 11);
        jpeg_write_scanlines(&c, rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    put("jpeg", name, bytes, size);
    free(bytes);
}

static void put_array(hid_t file, const char *name, int rank, const hsize_t *size, bool packed,
                      const uint8_t *values) {
    const hid_t space = H5Screate_simple(rank, size, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    if (packed)
        need(H5Pset_chunk(how, rank, size) >= 0 && H5Pset_deflate(how, 6) >= 0, "a chunk");
    const hid_t set =
        H5Dcreate2(file, name, H5T_NATIVE_UINT8, space, H5P_DEFAULT, how, H5P_DEFAULT);
    need(H5Dwrite(set, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, name);
    H5Dclose(set);
    H5Pclose(how);
    H5Sclose(space);
}

static void put_h5_set(const char *name, bool packed) {
    static const hsize_t images[3] = {3, 5, 4};
    static const uint8_t pixels[3 * 5 * 4] = {1, 2, 3}, labels[3] = {0, 1, 2};
    const hid_t file = H5Fcreate(path_of("h5_set", name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put_array(file, "images", 3, images, packed, pixels);
    put_array(file, "labels", 1, images, packed, labels);
    need(H5Fclose(file) >= 0, name);
}

static void put_idx(void) {
    uint8_t images[3 * 4 * 5] = {9}, labels[3] = {1, 0, 2};
    const uint32_t ids[3] = {0, 1, 2};
    lks_idx_bytes file;
    lks_error err;
    need(lks_idx_make_images(&file, images, 4, 5, 1, ids, 3, &err) == LKS_OK, "IDX");
    put("idx", "images", file.bytes, file.size);
    lks_idx_bytes_free(&file);
    need(lks_idx_make_labels(&file, labels, ids, 3, &err) == LKS_OK, "IDX");
    put("idx", "labels", file.bytes, file.size);
    lks_idx_bytes_free(&file);
}

/* Lists of names as Windows writes them, and with a byte 0. */
static void put_name_lists(void) {
    static const char windows[] = "\xef\xbb\xbf"
                                  "a.png\r\nfolder/b c.jpg\r\n\n\xc3\xa4.png";
    static const char zero[] = "a.png\nb\0.png\n";
    put("name_list", "windows", windows, sizeof windows - 1);
    put("name_list", "zero", zero, sizeof zero - 1);
}

/* A bundle of two files besides its MANIFEST. */
static void put_bundle(void) {
    unsigned char manifest[512], yaml[] = "seed: 1\n", rest[600] = "more than one block";
    lks_ustar_file files[] = {{"MANIFEST", manifest, 0},
                              {"bundle.json", rest, sizeof rest},
                              {"run/config.yaml", yaml, sizeof yaml - 1}};
    lks_error err;
    for (int i = 1; i < 3; i++) {
        char hex[LKS_SHA256_HEX];
        need(lks_sha256_buffer(files[i].bytes, files[i].size, hex, &err) == LKS_OK, "a digest");
        files[0].size +=
            (size_t)snprintf((char *)manifest + files[0].size, sizeof manifest - files[0].size,
                             "%s  %s\n", hex, files[i].name);
    }
    need(lks_ustar_write(path_of("bundle", "small"), files, 3, &err) == LKS_OK, err.text);
}

/* A file of events, and the message of one of its records. */
static void put_events(void) {
    const lks_scalar loss = {"train/loss", 0.5};
    lks_histogram h = lks_histogram_start();
    lks_text text;
    lks_error err;
    const unsigned char *bytes;
    size_t n, at = 0;
    lks_histogram_range(&h, 1);
    lks_histogram_count(&h, 1);
    need(lks_text_open(&text, "events", &err) == LKS_OK, "events");
    lks_event_scalars(text.f, (lks_event_at){1, 7}, &loss, 1, &err);
    lks_event_histogram(text.f, (lks_event_at){1, 8}, "weights/a", &h, &err);
    lks_event_start(text.f, (lks_event_at){1, 0}, &err);
    lks_event_end(text.f, (lks_event_at){1, 9}, &err);
    need(lks_text_close(&text, "events", &err) == LKS_OK, "events");
    put("events", "file", text.bytes, text.size);
    for (int i = 0; lks_tfrecord_get((unsigned char *)text.bytes, text.size, &at, &bytes, &n);
         i++) {
        char name[24];
        snprintf(name, sizeof name, "message-%d", i);
        put("events", name, bytes, n);
    }
    free(text.bytes);
}

int main(int argc, char **argv) {
    need(argc == 2, "usage: seeds FOLDER, which");
    root = argv[1];
    mkdir(root, 0755);
    put_network();
    put_exported();
    put_sample();
    put_reply("checkpoint", "network", 0);
    put_reply("checkpoint", "sample", 0);
    put_reply("history", "sample", 1);
    put_images_reply();
    put_pictures();
    put_jpeg("grey", JCS_GRAYSCALE, 1, false);
    put_jpeg("colour", JCS_RGB, 3, true);
    put_jpeg("ink", JCS_CMYK, 4, false);
    put_h5_set("plain", false);
    put_h5_set("packed", true);
    put_idx();
    put_name_lists();
    put_bundle();
    put_events();
    return 0;
}
