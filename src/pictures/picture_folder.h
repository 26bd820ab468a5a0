/** @file picture_folder.h  A folder of pictures in which every class has a folder of its own.
 *
 *    DIR/CLASS/...                 the pictures of a class, in folders of any depth
 *    DIR/train/CLASS/...  and  DIR/test/CLASS/...      the same for two sets
 *
 *  Pictures are files called NAME.png, .jpg, .jpeg, .jpe, .jfif, .pgm, .ppm, .pbm or .pnm, in letters of either
 * case. Names that begin with a dot are passed over; links are followed. Nothing is read but the folders. */
#ifndef LKS_PICTURES_PICTURE_FOLDER_H
#define LKS_PICTURES_PICTURE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/config.h"
#include "lockstep/status.h"

typedef struct lks_labelled_picture {
    char *path;
    uint8_t label;
    bool test;
} lks_labelled_picture;

/** Files that are no pictures, of one kind. */
typedef struct lks_left_out {
    char kind[96]; /**< for a message: ".heic files", "files in no class folder" */
    int64_t count;
    char *first; /**< path of one of them, the first in order */
} lks_left_out;

/** Owns everything (lks_picture_folder_free()). */
typedef struct lks_picture_folder {
    char *class_names[LKS_CLASSES_MAX]; /**< by label: names of the class folders in order of their
                                           bytes, or by number where all are decimal numbers */
    int n_classes;
    bool known;                     /**< the classes were, before the folder was looked at */
    bool has_test;                  /**< DIR has train and test */
    lks_labelled_picture *pictures; /**< those for training first, by label, by bytes of the path */
    int64_t n_pictures;
    lks_left_out *left_out;
    int n_left_out;
} lks_picture_folder;

/** Lists @p dir; the result depends on names alone, not on the order in which a file system has
 * them. LKS_ERR_DATA names the path and what is wrong: missing, no folder, not readable, no class
 * folders or only one, more than LKS_CLASSES_MAX, one without pictures, a class that only test has,
 * a folder linked into itself, a path too long. */
lks_status lks_picture_folder_scan(lks_picture_folder *folder, const char *dir, lks_error *err);

/** The same for the @p classes classes that a network has: folders are called as lks_class_folder() calls them,
 * and labels are the network's. Classes may have no folder, or an empty one; another folder is LKS_ERR_DATA. */
lks_status lks_picture_folder_scan_known(lks_picture_folder *folder, const char *dir,
                                         const lks_data_config *config, int classes,
                                         lks_error *err);
void lks_picture_folder_free(lks_picture_folder *folder);

/** What makes a picture that is read of the first of them, for the end of a message: "; the first is a HEIC
 * picture: `heif-convert ...`". "" where nothing does. Reads its first bytes. Returns @p text. */
char *lks_left_out_advice(const lks_left_out *left_out, char *text, size_t size);

/** True for the name of a file that counts as a picture in a class folder. */
bool lks_is_picture_name(const char *name);

/** Where `predict --sort` puts pictures that it is unsure of; no class folder is called so. */
#define LKS_UNSURE_FOLDER    "unsure"
#define LKS_CLASS_FOLDER_MAX (LKS_NAME_MAX + 24)

/** The name of class @p k's folder, in @p out, which is returned: its name, or its number where classes have
 * none. What would lead out of the folder above, hide, or be taken for another folder is changed: '/' becomes '_', a
 * dot at the beginning, too, and "-K" is added. No two classes get the same. */
const char *lks_class_folder(const lks_data_config *config, int classes, int k,
                             char out[LKS_CLASS_FOLDER_MAX]);

#endif
