/** @file kind.h  What is known of a kind of file. */
#ifndef LKS_FILES_KIND_H
#define LKS_FILES_KIND_H

typedef enum lks_file_family {
    LKS_FILE_UNKNOWN, /**< none of the kinds here */
    LKS_FILE_OTHER,   /**< nothing that can be turned into what is wanted */
    LKS_FILE_PICTURE, /**< a picture that is read: PNG, JPEG, PGM, PPM, PBM */
    LKS_FILE_FOREIGN, /**< a picture, or what pictures can be taken from: the command makes one that is read */
    LKS_FILE_PACKED,  /**< the command unpacks it */
    LKS_FILE_GZIP,    /**< the same; IDX files are read from it */
    LKS_FILE_ABSENT,  /**< what stands in place of a file that has to be fetched by the command */
    LKS_FILE_ARRAY,   /**< numbers, as other programs keep them */
    LKS_FILE_SET,     /**< IDX */
    LKS_FILE_HDF5,    /**< images, a network of Keras, or anything */
    LKS_FILE_WEIGHTS, /**< a network of another program, which can be imported */
    LKS_FILE_NETWORK, /**< one that cannot */
    LKS_FILE_OWN,     /**< a checkpoint of Lockstep's */
    LKS_FILE_BUNDLE,  /**< a run of Lockstep's in an archive: the command checks it */
    LKS_FILE_CONFIG,  /**< a configuration of Lockstep's */
    LKS_FILE_TABLE,   /**< numbers as text */
    LKS_FILE_TEXT,    /**< text that may be anything */
    LKS_FILE_PAGE     /**< a page of the web, mostly saved in place of what it shows */
} lks_file_family;

typedef struct lks_file_kind {
    const char *name; /**< "a TIFF picture" */
    lks_file_family family;
    /** %i the file, %o the same with .png, %b without its ending; NULL: there is none */
    const char *command;
    const char *package; /**< Debian's package of the command; NULL: it is there anyway */
} lks_file_kind;

#endif
