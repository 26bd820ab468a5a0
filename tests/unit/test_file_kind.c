/* Files are known by their first bytes, and messages tell what to do with them. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/kind/file_kind.h"
#include "files/tiff_tag.h"

#define BYTES(text) text, sizeof(text) - 1

/* The name and the family of what these bytes begin. */
static void is(const void *bytes, size_t count, const char *name, lks_file_family family) {
    const lks_file_kind *kind = lks_file_kind_of(bytes, count);
    const bool good = strcmp(kind->name, name) == 0 && kind->family == family;
    if (!good)
        printf("\n  wanted %s, got %s, family %d\n", name, kind->name, kind->family);
    CU_ASSERT_TRUE(good);
}

static void pictures(void) {
    is(BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "a PNG picture", LKS_FILE_PICTURE);
    is(BYTES("\x89PNG\r\n\x1a\n\0\0\0\4CgBI"), "a PNG made for Apple's iOS (CgBI)",
       LKS_FILE_FOREIGN);
    is(BYTES("\xff\xd8\xff\xe0"), "a JPEG picture", LKS_FILE_PICTURE);
    is(BYTES("P5 2 2 255 abcd"), "a PBM, PGM or PPM picture", LKS_FILE_PICTURE);
    is(BYTES("P5x"), "a text file", LKS_FILE_TEXT);
    is(BYTES("GIF89a"), "a GIF picture", LKS_FILE_FOREIGN);
    is(BYTES("RIFF\x10\0\0\0WEBPVP8 "), "a WebP picture", LKS_FILE_FOREIGN);
    is(BYTES("RIFF\x10\0\0\0WAVEfmt "), "a sound (WAV)", LKS_FILE_OTHER);
    is(BYTES("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), "a BMP picture", LKS_FILE_FOREIGN);
    is(BYTES("BMW is a car, and this a text."), "a text file", LKS_FILE_TEXT);
    is(BYTES("\0\0\0\x18"
             "ftypheic\0\0\0\0"),
       "a HEIC picture", LKS_FILE_FOREIGN);
    is(BYTES("\0\0\0\x18"
             "ftypavif\0\0\0\0"),
       "an AVIF picture", LKS_FILE_FOREIGN);
    is(BYTES("\0\0\0\x18"
             "ftypcrx \0\0\0\0"),
       "a camera's raw file (Canon)", LKS_FILE_FOREIGN);
    is(BYTES("\0\0\0\x18"
             "ftypqt  \0\0\0\0"),
       "a video (MP4 or QuickTime)", LKS_FILE_FOREIGN);
    is(BYTES("%PDF-1.7\n"), "a PDF document", LKS_FILE_FOREIGN);
    is(BYTES("<?xml version='1.0'?>\n<!-- by hand -->\n<svg xmlns='http://www.w3.org/2000/svg'>"),
       "an SVG drawing", LKS_FILE_FOREIGN);
}

/* A TIFF of one directory with up to three entries of one value, in either order of bytes. */
static size_t make_tiff(unsigned char *to, bool big, const unsigned (*entries)[3], int n) {
    size_t at = 0;
    const size_t sizes[] = {1, 2, 4};
    memcpy(to, big ? "MM" : "II", 2);
    at = 2;
    unsigned head[] = {42, 8, (unsigned)n}, head_sizes[] = {2, 4, 2};
#define PUT(value, size)                                                                           \
    for (size_t b = 0; b < (size); b++)                                                            \
        to[at++] = (unsigned char)((value) >> 8 * (big ? (size)-1 - b : b));
    for (int i = 0; i < 3; i++)
        PUT(head[i], head_sizes[i])
    for (int i = 0; i < n; i++) {
        const size_t width = sizes[entries[i][1] == 1 ? 0 : entries[i][1] == 3 ? 1 : 2];
        PUT(entries[i][0], 2u)
        PUT(entries[i][1], 2u)
        PUT(1u, 4u)
        PUT(entries[i][2], width)
        memset(to + at, 0, 4 - width);
        at += 4 - width;
    }
#undef PUT
    memset(to + at, 0, 4);
    return at + 4;
}

static void numbers_of_a_tiff_are_found(void) {
    static const unsigned entries[][3] = {{256, 4, 100000}, {274, 3, 6}, {700, 1, 255}};
    unsigned char bytes[64];
    uint32_t value;
    for (int big = 0; big < 2; big++) {
        const size_t size = make_tiff(bytes, big, entries, 3);
        is(bytes, size, "a TIFF picture", LKS_FILE_FOREIGN);
        for (int i = 0; i < 3; i++) {
            CU_ASSERT_TRUE(lks_tiff_tag(bytes, size, entries[i][0], &value));
            CU_ASSERT_EQUAL(value, entries[i][2]);
        }
        CU_ASSERT_FALSE(lks_tiff_tag(bytes, size, 257, &value));
        for (size_t cut = 0; cut < size - 4; cut++) { /* 4: where the next directory is */
            unsigned char *exact = malloc(cut + 1);   /* sanitizers see what is read beyond */
            memcpy(exact, bytes, cut);
            CU_ASSERT_EQUAL(lks_tiff_tag(exact, cut, 700, &value), cut >= 8 + 2 + 36);
            free(exact);
        }
        bytes[14] = bytes[15] = 0; /* several values, or none: none that is one */
        bytes[big ? 17 : 14] = 2;
        CU_ASSERT_TRUE(lks_tiff_tag(bytes, size, 256, &value) && value == 0);
    }
    static const unsigned shows_less[][3] = {{254, 4, 1}, {256, 4, 160}, {330, 4, 400}};
    is(bytes, make_tiff(bytes, true, shows_less, 3), "a camera's raw file", LKS_FILE_FOREIGN);
    static const unsigned dng[][3] = {{254, 4, 0}, {50706, 1, 1}};
    is(bytes, make_tiff(bytes, false, dng, 2), "a camera's raw file", LKS_FILE_FOREIGN);
}

static void numbers_and_networks(void) {
    unsigned char bytes[600] = {0};
    is(BYTES("\0\0\x08\3\0\0\0\1"), "an IDX file", LKS_FILE_SET);
    is(BYTES("\0\0\x0d\3\0\0\0\1"), "an IDX file of 32-bit floats", LKS_FILE_ARRAY);
    is(BYTES("\3\x08\0\0\1\0\0\0"),
       "an IDX file with the bytes of its numbers in the wrong order (little-endian)",
       LKS_FILE_ARRAY);
    is(BYTES("\x93NUMPY\1\0"), "a NumPy array (.npy)", LKS_FILE_ARRAY);
    is(BYTES("\x89HDF\r\n\x1a\n"), "an HDF5 file", LKS_FILE_HDF5);
    memcpy(bytes + 512, "\x89HDF\r\n\x1a\n", 8);
    is(bytes, sizeof bytes, "an HDF5 file", LKS_FILE_HDF5);
    is(BYTES("MATLAB 5.0 MAT-file"), "a MATLAB file (.mat)", LKS_FILE_ARRAY);
    is(BYTES("\x80\4\x95\x10\0\0\0\0\0\0\0"), "a Python pickle", LKS_FILE_ARRAY);
    is(BYTES("\x40\0\0\0\0\0\0\0{\"w\":{}}"), "a safetensors file", LKS_FILE_WEIGHTS);
    is(BYTES("\x08\7\x12\7pytorch"), "an ONNX network", LKS_FILE_WEIGHTS);
    is(BYTES("lockstep checkpoint, format 4\n"), "a checkpoint of Lockstep's", LKS_FILE_OWN);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes + 257, "ustar", 5);
    is(bytes, sizeof bytes, "a tar archive", LKS_FILE_PACKED);
    memcpy(bytes, "MANIFEST", 8);
    is(bytes, sizeof bytes, "a run in an archive (lockstep bundle)", LKS_FILE_BUNDLE);
    is(BYTES("MANIFEST of files\n"), "a text file", LKS_FILE_TEXT);
    is(BYTES("\x1f\x8b\x08"), "gzip data", LKS_FILE_GZIP);
    memset(bytes, 0, sizeof bytes);
    is(bytes, sizeof bytes, "nothing but zero bytes, as of a copy that broke off", LKS_FILE_OTHER);
}

#define ZIP_OF(length, name)                                                                       \
    BYTES("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" length "\0\0\0" name)

static void zips_are_what_is_in_them(void) {
    is(ZIP_OF("\5", "a.txtBODY"), "a zip archive", LKS_FILE_PACKED);
    is(ZIP_OF("\x9", "arr_0.npyBODY"), "a NumPy archive (.npz)", LKS_FILE_ARRAY);
    is(ZIP_OF("\x0c", "net/data.pklBODY"), "a PyTorch file", LKS_FILE_NETWORK);
    is(ZIP_OF("\5", "a.txt x.npy is not its name"), "a zip archive", LKS_FILE_PACKED);
    is(ZIP_OF("\xff", "cut"), "a zip archive", LKS_FILE_PACKED);
    is(BYTES("PK\3\4"), "a zip archive", LKS_FILE_PACKED);
}

static void texts(void) {
    is(BYTES("\xef\xbb\xbf\n<!DOCTYPE HTML><html>"), "an HTML page", LKS_FILE_PAGE);
    is(BYTES("<?xml version='1.0'?><Error/>"), "an XML file", LKS_FILE_TEXT);
    is(BYTES("version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer", LKS_FILE_ABSENT);
    is(BYTES("{\"a\": 1}"), "a JSON file", LKS_FILE_TEXT);
    is(BYTES("label,1x1,1x2\r\n5,0,255\r\n"), "a table of values as text (CSV)", LKS_FILE_TABLE);
    is(BYTES("one, two\nthree\n"), "a text file", LKS_FILE_TEXT);
    is(BYTES("seed: 1\nmodel:\n  - dense: 10\n"), "a configuration", LKS_FILE_CONFIG);
    is(BYTES("\xff\xfem\0o\0"), "text in UTF-16", LKS_FILE_TEXT);
    is(BYTES("s\0e\0e\0d\0:\0 \0001\0"), "text in UTF-16, little-endian", LKS_FILE_TEXT);
    is(BYTES("\0s\0e\0e\0d\0:\0 \0001"), "text in UTF-16, big-endian", LKS_FILE_TEXT);
    is(BYTES("#!/bin/sh\n"), "a script", LKS_FILE_TEXT);
    is(BYTES("Gr\xc3\xbc\xc3"), "a text file", LKS_FILE_TEXT); /* cut within a character */
    is(BYTES("Gr\xfc\xdf"), "a file of no kind that is known here", LKS_FILE_UNKNOWN);
    is(BYTES("a\0b"), "a file of no kind that is known here", LKS_FILE_UNKNOWN);
    is("", 0, "empty", LKS_FILE_UNKNOWN);
}

/* No beginning of anything makes the looks read beyond it; a sanitizer would tell. */
static void short_beginnings_are_safe(void) {
    static const char *const starts[] = {"P",    "II*",        "MM",   "PK\3\4", "\x89HDF",
                                         "BM",   "<",          "\xef", "{",      "#",
                                         "\x80", "\x08\7\x12", "\xff", "RIFF",   "%P"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        for (size_t n = 0; n <= strlen(starts[i]); n++) {
            char *exact = malloc(n + 1);
            memcpy(exact, starts[i], n);
            CU_ASSERT_PTR_NOT_NULL(lks_file_kind_of(exact, n)->name);
            free(exact);
        }
}

static void commands_name_the_files(void) {
    static const struct {
        const char *bytes;
        size_t count;
        const char *path, *command;
    } cases[] = {{BYTES("GIF89a"), "a b/x.gif",
                  "`convert 'a b/x.gif''[0]' 'a b/x.png'` (package imagemagick)"},
                 {BYTES("%PDF-1"), "forms.v1/scan",
                  "`pdftoppm -r 150 -png forms.v1/scan forms.v1/scan` "
                  "(package poppler-utils)"},
                 {BYTES("IIU\0"), "-x.rw2", "`dcraw -c -w ./-x.rw2 > ./-x.ppm` (package dcraw)"},
                 {BYTES("PK\5\6"), "a.zip", "`unzip a.zip` (package unzip)"},
                 {BYTES("version https://git-lfs"), "x.png", "`git lfs pull` (package git-lfs)"},
                 {BYTES("\x1f\x8b"), "x.gz", "`gunzip x.gz`"},
                 {BYTES("hello\n"), "x", ""}};
    char text[200];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const lks_file_kind *kind = lks_file_kind_of(cases[i].bytes, cases[i].count);
        lks_file_kind_command(kind, cases[i].path, text, sizeof text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].command);
    }
}

static void messages_say_what_to_do(void) {
    static const struct {
        const char *bytes;
        size_t count;
        lks_file_wanted wanted;
        lks_status status;
        const char *text;
    } cases[] = {
        {BYTES("\0\0\0\x18"
               "ftypheic"),
         LKS_WANTED_PICTURE, LKS_ERR_DATA,
         "x.in: is a HEIC picture, not a picture that can be read (PNG, JPEG, PGM, PPM or PBM): "
         "`heif-convert x.in x.png` (package libheif-examples) makes one of it"},
        {BYTES("\x1f\x8b"), LKS_WANTED_UNPACKED, LKS_ERR_DATA,
         "x.in: is, unpacked, gzip data, not an IDX file of unsigned bytes: `gunzip x.in` unpacks "
         "it"},
        {BYTES("\x89PNG\r\n\x1a\n"), LKS_WANTED_CHECKPOINT, LKS_ERR_FORMAT,
         "x.in: is a PNG picture, not a checkpoint of Lockstep's: pictures come after the "
         "checkpoint"},
        {BYTES("\x40\0\0\0\0\0\0\0{\"w\":{}}"), LKS_WANTED_CHECKPOINT, LKS_ERR_FORMAT,
         "x.in: is a safetensors file, not a checkpoint of Lockstep's: `lockstep import` makes a "
         "checkpoint of it"},
        {BYTES("a\0b"), LKS_WANTED_CHECKPOINT, LKS_ERR_FORMAT,
         "x.in: is a file of no kind that is known here, not a checkpoint of Lockstep's, or a "
         "damaged one"},
        {BYTES("\xff\xfem\0"), LKS_WANTED_CONFIG, LKS_ERR_CONFIG,
         "x.in: is text in UTF-16, not a configuration (YAML): `iconv -f UTF-16 -t UTF-8 x.in > "
         "x-utf8.txt` makes UTF-8 of it"},
        {BYTES("MANIFEST\0\0\0\0\0\0\0\0\0"), LKS_WANTED_ANY, LKS_ERR_DATA,
         "x.in: is a run in an archive (lockstep bundle), not a configuration, a checkpoint, a run "
         "folder or a data set: `lockstep replay x.in` checks it"},
        {BYTES("\x1f\x8b"), LKS_WANTED_BUNDLE, LKS_ERR_FORMAT,
         "x.in: is gzip data, not a run folder or an archive of `lockstep bundle`: `gunzip x.in` "
         "unpacks it"},
        {BYTES("hello\n"), LKS_WANTED_CONFIG, LKS_ERR_CONFIG,
         "x.in: is a text file, not a configuration (YAML)"}};
    lks_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const lks_file_kind *kind = lks_file_kind_of(cases[i].bytes, cases[i].count);
        CU_ASSERT_EQUAL(lks_fail_file_kind(&err, "x.in", kind, cases[i].wanted), cases[i].status);
        CU_ASSERT_STRING_EQUAL(err.text, cases[i].text);
    }
    CU_ASSERT_EQUAL(lks_fail_file_kind(&err, "x", NULL, LKS_WANTED_PICTURE), LKS_ERR_DATA);
}

static void files_are_looked_at(void) {
    char path[300];
    snprintf(path, sizeof path, "%s/kind.bin", lks_test_folder());
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fputs("%PDF-1.7", f) >= 0 && fclose(f) == 0);
    CU_ASSERT_STRING_EQUAL(lks_file_kind_at(path)->name, "a PDF document");
    CU_ASSERT_EQUAL(remove(path), 0);
    CU_ASSERT_PTR_NULL(lks_file_kind_at(path));
    CU_ASSERT_EQUAL(mkfifo(path, 0666), 0);
    CU_ASSERT_PTR_NULL(lks_file_kind_at(path));
    CU_ASSERT_PTR_NULL(lks_file_kind_at(lks_test_folder()));
}

int main(void) {
    const lks_test tests[] = {
        {"pictures", pictures},
        {"numbers of a TIFF are found", numbers_of_a_tiff_are_found},
        {"numbers and networks", numbers_and_networks},
        {"zips are what is in them", zips_are_what_is_in_them},
        {"texts", texts},
        {"short beginnings are safe", short_beginnings_are_safe},
        {"commands name the files", commands_name_the_files},
        {"messages say what to do", messages_say_what_to_do},
        {"files are looked at", files_are_looked_at},
        {NULL, NULL},
    };
    return lks_test_main("file_kind", tests);
}
