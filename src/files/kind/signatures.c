/* Kinds that have fixed bytes at a fixed place. What others are part of comes first. */
#include <string.h>

#include "files/kind/detect.h"

#define CONVERT     "convert %i %o", "imagemagick"
#define CONVERT_ONE "convert %i'[0]' %o", "imagemagick"
#define RAW         "dcraw -c -w %i > %b.ppm", "dcraw"

#define LITTLE_IDX "an IDX file with the bytes of its numbers in the wrong order (little-endian)"

typedef struct signature {
    const char *bytes;
    size_t count, offset;
    lks_file_kind kind;
} signature;

/* A row of the table: the bytes are a string literal, which may hold zeros. */
#define AT(offset, bytes, ...)                                                                     \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, offset, {                                                        \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const signature table[] = {
    /* pictures that are read */
    AT(12, "CgBI", "a PNG made for Apple's iOS (CgBI)", LKS_FILE_FOREIGN,
       "sips -s format png %i --out %b-plain.png", "part of macOS"),
    AT(0, "\x89PNG\r\n\x1a\n", "a PNG picture", LKS_FILE_PICTURE, NULL, NULL),
    AT(0, "\xff\xd8\xff", "a JPEG picture", LKS_FILE_PICTURE, NULL, NULL),
    /* pictures that are not */
    AT(0, "GIF8", "a GIF picture", LKS_FILE_FOREIGN, CONVERT_ONE),
    AT(8, "WEBP", "a WebP picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "P7\n", "a PAM picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "PF\n", "a PFM picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "Pf\n", "a PFM picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "8BPS", "a Photoshop file", LKS_FILE_FOREIGN, CONVERT_ONE),
    AT(0, "gimp xcf ", "a GIMP file (XCF)", LKS_FILE_FOREIGN, "convert %i -flatten %o",
       "imagemagick"),
    AT(0, "\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", LKS_FILE_FOREIGN,
       "opj_decompress -i %i -o %o", "libopenjp2-tools"),
    AT(0, "\xff\x4f\xff\x51", "a JPEG 2000 picture", LKS_FILE_FOREIGN, "opj_decompress -i %i -o %o",
       "libopenjp2-tools"),
    AT(0, "\xff\x0a", "a JPEG XL picture", LKS_FILE_FOREIGN, "djxl %i %o", "libjxl-tools"),
    AT(0, "\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", LKS_FILE_FOREIGN, "djxl %i %o",
       "libjxl-tools"),
    AT(0, "\x76\x2f\x31\x01", "an OpenEXR picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "#?RADIANCE", "a Radiance picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "farbfeld", "a farbfeld picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "qoif", "a QOI picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "DDS ", "a DDS picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "/* XPM */", "an XPM picture", LKS_FILE_FOREIGN, CONVERT),
    AT(0, "\0\0\1\0", "a Windows icon", LKS_FILE_FOREIGN, CONVERT_ONE),
    AT(0, "\x8aMNG", "an MNG animation", LKS_FILE_FOREIGN, CONVERT_ONE),
    AT(0, "SIMPLE  =", "a FITS picture", LKS_FILE_FOREIGN, CONVERT),
    AT(128, "DICM", "a DICOM picture", LKS_FILE_FOREIGN, "dcmj2pnm --write-png %i %o", "dcmtk"),
    AT(0, "AT&TFORM", "a DjVu document", LKS_FILE_FOREIGN, "ddjvu -format=pgm -page=1 %i %b.pgm",
       "djvulibre-bin"),
    AT(0, "%PDF-", "a PDF document", LKS_FILE_FOREIGN, "pdftoppm -r 150 -png %i %b",
       "poppler-utils"),
    AT(0, "%!PS", "a PostScript document", LKS_FILE_FOREIGN, "convert -density 150 %i %o",
       "imagemagick and ghostscript"),
    AT(0, "FUJIFILMCCD-RAW", "a camera's raw file (Fujifilm)", LKS_FILE_FOREIGN, RAW),
    AT(0, "IIRO", "a camera's raw file (Olympus)", LKS_FILE_FOREIGN, RAW),
    AT(0, "IIRS", "a camera's raw file (Olympus)", LKS_FILE_FOREIGN, RAW),
    AT(0, "MMOR", "a camera's raw file (Olympus)", LKS_FILE_FOREIGN, RAW),
    AT(0, "IIU\0", "a camera's raw file (Panasonic)", LKS_FILE_FOREIGN, RAW),
    AT(0, "\x1a\x45\xdf\xa3", "a video (Matroska or WebM)", LKS_FILE_FOREIGN,
       "ffmpeg -i %i -frames:v 1 %o", "ffmpeg"),
    AT(8, "AVI ", "a video (AVI)", LKS_FILE_FOREIGN, "ffmpeg -i %i -frames:v 1 %o", "ffmpeg"),
    /* packed files */
    AT(0, "\x1f\x8b", "gzip data", LKS_FILE_GZIP, "gunzip %i", NULL),
    AT(4, "1AY&SY", "bzip2 data", LKS_FILE_PACKED, "bunzip2 %i", "bzip2"),
    AT(0,
       "\xfd"
       "7zXZ\0",
       "xz data", LKS_FILE_PACKED, "unxz %i", "xz-utils"),
    AT(0, "\x28\xb5\x2f\xfd", "Zstandard data", LKS_FILE_PACKED, "unzstd %i", "zstd"),
    AT(0, "\x04\x22\x4d\x18", "LZ4 data", LKS_FILE_PACKED, "unlz4 %i", "lz4"),
    AT(0, "\x1f\x9d", "data packed by compress", LKS_FILE_PACKED, "gunzip %i", NULL),
    AT(0, "LZIP", "lzip data", LKS_FILE_PACKED, "lzip -d %i", "lzip"),
    AT(0, "7z\xbc\xaf\x27\x1c", "a 7z archive", LKS_FILE_PACKED, "7z x %i", "p7zip-full"),
    AT(0, "Rar!\x1a\x07", "a RAR archive", LKS_FILE_PACKED, "unar %i", "unar"),
    AT(0, "MANIFEST\0\0\0\0\0\0\0\0", "a run in an archive (lockstep bundle)", LKS_FILE_BUNDLE,
       "lockstep replay %i", NULL),
    AT(257, "ustar", "a tar archive", LKS_FILE_PACKED, "tar xf %i", NULL),
    /* what stands in place of a file */
    AT(0, "version https://git-lfs", "a Git LFS pointer", LKS_FILE_ABSENT, "git lfs pull",
       "git-lfs"),
    AT(0, "/annex/objects/", "a git-annex pointer", LKS_FILE_ABSENT, "git annex get %i",
       "git-annex"),
    AT(0, "\0\5\x16\7", "what macOS keeps beside a file when it copies it (AppleDouble)",
       LKS_FILE_OTHER, NULL, NULL),
    AT(0, "L\0\0\0\1\x14\2\0", "a Windows shortcut", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "bplist00", "a property list of macOS", LKS_FILE_OTHER, NULL, NULL),
    /* numbers */
    AT(0, "\x93NUMPY", "a NumPy array (.npy)", LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "MATLAB ", "a MATLAB file (.mat)", LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "PAR1", "a Parquet table", LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "ARROW1", "an Arrow table", LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "SQLite format 3", "an SQLite database", LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "\3\x08\0\0", LITTLE_IDX, LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "\1\x08\0\0", LITTLE_IDX, LKS_FILE_ARRAY, NULL, NULL),
    AT(344, "n+1\0", "a NIfTI volume", LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "CDF\1", "a NetCDF file", LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "CDF\2", "a NetCDF file", LKS_FILE_ARRAY, NULL, NULL),
    AT(0, "\x89HDF\r\n\x1a\n", "an HDF5 file", LKS_FILE_HDF5, NULL, NULL),
    /* networks */
    AT(0, "lockstep checkpoint", "a checkpoint of Lockstep's", LKS_FILE_OWN, NULL, NULL),
    AT(0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", "a PyTorch file (old form)",
       LKS_FILE_NETWORK, NULL, NULL),
    AT(4, "TFL3", "a TensorFlow Lite network", LKS_FILE_NETWORK, NULL, NULL),
    AT(0, "GGUF", "a GGUF network", LKS_FILE_NETWORK, NULL, NULL),
    /* programs and documents */
    AT(0,
       "\x7f"
       "ELF",
       "a program or library (ELF)", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "MZ\x90\0", "a Windows program", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "\xcf\xfa\xed\xfe", "a macOS program", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "\xca\xfe\xba\xbe", "a macOS program or Java class", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office document", LKS_FILE_OTHER,
       NULL, NULL),
    AT(0, "{\\rtf", "an RTF document", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "!<arch>\n", "a library or Debian package (ar)", LKS_FILE_OTHER, NULL, NULL),
    AT(8, "WAVE", "a sound (WAV)", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "ID3\3", "a sound (MP3)", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "ID3\4", "a sound (MP3)", LKS_FILE_OTHER, NULL, NULL),
    AT(0, "OggS", "a sound or video (Ogg)", LKS_FILE_OTHER, NULL, NULL),
};

const lks_file_kind *lks_kind_by_signature(const unsigned char *bytes, size_t count) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const signature *s = &table[i];
        if (count >= s->offset + s->count && memcmp(bytes + s->offset, s->bytes, s->count) == 0)
            return &s->kind;
    }
    return NULL;
}
