/** @file pack.h  A folder of pictures becomes a data set: the four IDX files that training reads, and the digests
 * that ranks check them against. */
#ifndef LOCKSTEP_PACK_H
#define LOCKSTEP_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

/** What the command line says. Strings are borrowed. */
typedef struct lks_pack_options {
    const char *dir;   /**< of pictures, in a folder for each class */
    const char *out;   /**< folder of the IDX files, made where it is missing */
    double test;       /**< share held out as test set; < 0: not given, which means
                        LKS_PACK_TEST_SHARE, or the pictures of DIR/test */
    uint64_t seed;     /**< which ones are held out */
    int rows, columns; /**< 0: the pictures' common size */
    int channels;      /**< 1, 3; 0: 1, and a coloured picture is an error */
    int background;    /**< 0..255; < 0: 0, or 255 with invert */
    bool invert, skip_bad, force;
    bool mnist; /**< each picture is centred as MNIST's images are, and nothing above is given */
    const char *
        like; /**< checkpoint or run folder: pictures are prepared as for its network, and its classes
                         are the classes; NULL: none. Nothing above is given then, nor mnist */
    const char *network; /**< name of a shipped configuration, for the commands that are printed */
    const char *network_text;
    size_t network_size;
} lks_pack_options;

#define LKS_PACK_TEST_SHARE 0.2

/** Reads every picture, writes the files with the names that data.train_images and its like have by
 * default, and prints the classes and, where `network` takes the images, the commands that train on
 * them, evaluate and predict (nothing while quiet). The same folder gives the same bytes on every
 * machine. All files are written or none is; what is left out of the folder is warned of. Memory:
 * about twice the packed images.
 *  LKS_ERR_USAGE: an option is missing or does not fit (sizes that differ, colour, files that are
 * there already); LKS_ERR_DATA: the folder or a picture is bad; LKS_ERR_IO. Not collective. */
lks_status lks_pack(const lks_pack_options *options, lks_error *err);

LKS_PUBLIC_END

#endif
