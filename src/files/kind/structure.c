/* Kinds that a signature alone does not tell. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "files/kind/detect.h"
#include "files/tiff_tag.h"

static bool begins(const unsigned char *bytes, size_t count, const char *text) {
    return count >= strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

static bool holds(const unsigned char *bytes, size_t count, const char *text) {
    return count > 0 && memmem(bytes, count, text, strlen(text)) != NULL;
}

/* --- TIFF, and the raw files of cameras, which are TIFFs that show a small picture first --------- */

static const lks_file_kind *tiff(const unsigned char *bytes, size_t count) {
    enum { NEW_SUBFILE_TYPE = 254, SUB_DIRECTORIES = 330, DNG_VERSION = 50706, REDUCED = 1 };
    static const lks_file_kind plain = {"a TIFF picture", LKS_FILE_FOREIGN, "convert %i'[0]' %o",
                                        "imagemagick"},
                               raw = {"a camera's raw file", LKS_FILE_FOREIGN,
                                      "dcraw -c -w %i > %b.ppm", "dcraw"};
    uint32_t value;
    if (!begins(bytes, count, "II*") && !(count >= 4 && memcmp(bytes, "MM\0*", 4) == 0) &&
        !begins(bytes, count, "II+") && !(count >= 4 && memcmp(bytes, "MM\0+", 4) == 0))
        return NULL;
    if ((count > 10 && memcmp(bytes + 8, "CR\2", 3) == 0) ||
        lks_tiff_tag(bytes, count, DNG_VERSION, &value) ||
        (lks_tiff_tag(bytes, count, NEW_SUBFILE_TYPE, &value) && value == REDUCED &&
         lks_tiff_tag(bytes, count, SUB_DIRECTORIES, &value)))
        return &raw;
    return &plain;
}

/* --- ISO media: a box "ftyp" with brands (ISO/IEC 14496-12, 4.3) ----------------------------- */

static const lks_file_kind *iso_media(const unsigned char *bytes, size_t count) {
    static const struct {
        const char *brands; /* of four letters each */
        lks_file_kind kind;
    } kinds[] = {
        {"heicheixheimheisheifhevcmif1msf1",
         {"a HEIC picture", LKS_FILE_FOREIGN, "heif-convert %i %o", "libheif-examples"}},
        {"avifavis",
         {"an AVIF picture", LKS_FILE_FOREIGN, "heif-convert %i %o", "libheif-examples"}},
        {"crx ",
         {"a camera's raw file (Canon)", LKS_FILE_FOREIGN, "darktable-cli %i %o", "darktable"}},
        {"jxl ", {"a JPEG XL picture", LKS_FILE_FOREIGN, "djxl %i %o", "libjxl-tools"}}};
    static const lks_file_kind video = {"a video (MP4 or QuickTime)", LKS_FILE_FOREIGN,
                                        "ffmpeg -i %i -frames:v 1 %o", "ffmpeg"};
    if (count < 12 || memcmp(bytes + 4, "ftyp", 4) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (const char *brand = kinds[i].brands; *brand; brand += 4)
            if (memcmp(bytes + 8, brand, 4) == 0)
                return &kinds[i].kind;
    return &video;
}

/* --- zip: the name of the first file in it tells (APPNOTE.TXT, 4.3.7) --------------------------- */

static const lks_file_kind *zip(const unsigned char *bytes, size_t count) {
    static const struct {
        const char *name; /* part of the first file's */
        lks_file_kind kind;
    } kinds[] = {
        {".npy", {"a NumPy archive (.npz)", LKS_FILE_ARRAY, NULL, NULL}},
        {"/data.pkl", {"a PyTorch file", LKS_FILE_NETWORK, NULL, NULL}},
        {"/.format_version", {"a PyTorch file", LKS_FILE_NETWORK, NULL, NULL}},
        {"/byteorder", {"a PyTorch file", LKS_FILE_NETWORK, NULL, NULL}},
        {"[Content_Types].xml", {"a Microsoft Office document", LKS_FILE_OTHER, NULL, NULL}},
        {"META-INF/", {"a Java archive", LKS_FILE_OTHER, NULL, NULL}}};
    static const lks_file_kind plain = {"a zip archive", LKS_FILE_PACKED, "unzip %i", "unzip"},
                               keras = {"a Keras network", LKS_FILE_WEIGHTS, NULL, NULL},
                               office = {"an office document", LKS_FILE_OTHER, NULL, NULL};
    enum { NAME_LENGTH = 26, EXTRA_LENGTH = 28, NAME = 30 };
    if (!begins(bytes, count, "PK\3\4") && !begins(bytes, count, "PK\5\6"))
        return NULL;
    if (count < NAME)
        return &plain;
    const size_t length = (size_t)bytes[NAME_LENGTH] + ((size_t)bytes[NAME_LENGTH + 1] << 8);
    const size_t extra = (size_t)bytes[EXTRA_LENGTH] + ((size_t)bytes[EXTRA_LENGTH + 1] << 8);
    const size_t named = length < count - NAME ? length : count - NAME;
    const unsigned char *name = bytes + NAME;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (holds(name, named, kinds[i].name))
            return &kinds[i].kind;
    if (begins(name, named, "metadata.json") && holds(bytes, count, "keras"))
        return &keras;
    if (begins(name, named, "mimetype") && NAME + length + extra < count &&
        begins(name + length + extra, count - NAME - length - extra, "application/"))
        return &office;
    return &plain;
}

/* --- numbers and networks --------------------------------------------------------------------- */

/* IDX: two zeros, the type of its numbers, how many dimensions (yann.lecun.com/exdb/mnist). */
static const lks_file_kind *idx(const unsigned char *bytes, size_t count) {
    static const struct {
        unsigned char type;
        lks_file_kind kind;
    } kinds[] = {{0x08, {"an IDX file", LKS_FILE_SET, NULL, NULL}},
                 {0x09, {"an IDX file of signed bytes", LKS_FILE_ARRAY, NULL, NULL}},
                 {0x0b, {"an IDX file of 16-bit integers", LKS_FILE_ARRAY, NULL, NULL}},
                 {0x0c, {"an IDX file of 32-bit integers", LKS_FILE_ARRAY, NULL, NULL}},
                 {0x0d, {"an IDX file of 32-bit floats", LKS_FILE_ARRAY, NULL, NULL}},
                 {0x0e, {"an IDX file of 64-bit floats", LKS_FILE_ARRAY, NULL, NULL}}};
    if (count < 4 || bytes[0] || bytes[1] || bytes[3] < 1 || bytes[3] > 8)
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (bytes[2] == kinds[i].type)
            return &kinds[i].kind;
    return NULL;
}

/* HDF5's signature may also stand after a user block of 512, 1,024, 2,048... bytes, as in MATLAB's. */
static const lks_file_kind *hdf5(const unsigned char *bytes, size_t count) {
    static const lks_file_kind kind = {"an HDF5 file", LKS_FILE_HDF5, NULL, NULL};
    for (size_t at = 512; at + 8 <= count; at *= 2)
        if (memcmp(bytes + at, "\x89HDF\r\n\x1a\n", 8) == 0)
            return &kind;
    return NULL;
}

/* safetensors: the length of a JSON text in 8 bytes, little-endian, then that text. */
static const lks_file_kind *safetensors(const unsigned char *bytes, size_t count) {
    static const lks_file_kind kind = {"a safetensors file", LKS_FILE_WEIGHTS, NULL, NULL};
    const bool is =
        count > 10 && memcmp(bytes + 4, "\0\0\0\0", 4) == 0 && memcmp(bytes + 8, "{\"", 2) == 0;
    return is ? &kind : NULL;
}

/* PROTO, the protocol, and an opcode that programs begin with. */
static const lks_file_kind *pickle(const unsigned char *bytes, size_t count) {
    static const lks_file_kind kind = {"a Python pickle", LKS_FILE_ARRAY, NULL, NULL};
    const bool is = count > 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[2] &&
                    strchr("\x95}](cXU", bytes[2]);
    return is ? &kind : NULL;
}

/* ONNX is a protocol buffer: field 1, the version of its form, then field 2, the producer's name. */
static const lks_file_kind *onnx(const unsigned char *bytes, size_t count) {
    static const lks_file_kind kind = {"an ONNX network", LKS_FILE_WEIGHTS, NULL, NULL};
    const bool is = count > 8 && bytes[0] == 0x08 && bytes[1] >= 3 && bytes[1] < 20 &&
                    bytes[2] == 0x12 && bytes[3] < 64 && bytes[4] >= ' ' && bytes[4] < 0x7f;
    return is ? &kind : NULL;
}

/* A BMP's header: "BM", the file's size, four zeros, where the pixels begin, the next header's size. */
static const lks_file_kind *bmp(const unsigned char *bytes, size_t count) {
    static const lks_file_kind kind = {"a BMP picture", LKS_FILE_FOREIGN, "convert %i %o",
                                       "imagemagick"};
    const bool is = begins(bytes, count, "BM") && count >= 18 &&
                    memcmp(bytes + 6, "\0\0\0\0", 4) == 0 && bytes[15] == 0 && bytes[16] == 0;
    return is ? &kind : NULL;
}

static const lks_file_kind *netpbm(const unsigned char *bytes, size_t count) {
    static const lks_file_kind kind = {"a PBM, PGM or PPM picture", LKS_FILE_PICTURE, NULL, NULL};
    const bool is = count >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
                    (count == 2 || bytes[2] == '#' || isspace(bytes[2]));
    return is ? &kind : NULL;
}

static const lks_file_kind *zeros(const unsigned char *bytes, size_t count) {
    static const lks_file_kind kind = {"nothing but zero bytes, as of a copy that broke off",
                                       LKS_FILE_OTHER, NULL, NULL};
    for (size_t i = 0; i < count; i++)
        if (bytes[i])
            return NULL;
    return count >= 8 ? &kind : NULL;
}

const lks_file_kind *lks_kind_by_structure(const unsigned char *bytes, size_t count) {
    static const lks_file_kind *(*const looks[])(const unsigned char *, size_t) = {
        tiff, iso_media, zip, safetensors, pickle, onnx, bmp, netpbm, idx, hdf5, zeros};
    const lks_file_kind *kind = NULL;
    for (size_t i = 0; !kind && i < sizeof looks / sizeof *looks; i++)
        kind = looks[i](bytes, count);
    return kind;
}
