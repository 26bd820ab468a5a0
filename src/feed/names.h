/* Where a data set's files are, when they have not MNIST's own names or stand in a folder below: as EMNIST, KMNIST,
 * QMNIST, Kaggle and torchvision have them. */
#ifndef LKS_FEED_NAMES_H
#define LKS_FEED_NAMES_H

#include "feed/image_file.h"

/* The names that data.* has where nothing is said, and that `lockstep pack` writes. */
#define LKS_TRAIN_IMAGES "train-images-idx3-ubyte"
#define LKS_TRAIN_LABELS "train-labels-idx1-ubyte"
#define LKS_TEST_IMAGES  "t10k-images-idx3-ubyte"
#define LKS_TEST_LABELS  "t10k-labels-idx1-ubyte"

/* An lks_data_config with these names, and nothing else. */
#define LKS_MNIST_NAMES                                                                            \
    (lks_data_config) {                                                                            \
        .train_images = LKS_TRAIN_IMAGES, .train_labels = LKS_TRAIN_LABELS,                        \
        .test_images = LKS_TEST_IMAGES, .test_labels = LKS_TEST_LABELS,                            \
        .normalize = LKS_NORMALIZE_NONE                                                            \
    }

typedef struct lks_set_names {
    char images[LKS_PATH_MAX],
        labels[LKS_PATH_MAX]; /* in data.dir, or whole paths; labels may be empty */
    bool found;               /* in place of names that lead to nothing */
} lks_set_names;

/* The names of @p part: the configuration's, or where these are MNIST's and there is no such file, those of the only
 * set that is there by another name. LKS_ERR_DATA names the sets where there are several, or what is there instead;
 * where nothing is, the names stay, and opening them tells. */
lks_status lks_set_names_find(lks_set_names *names, const lks_data_config *config,
                              lks_image_part part, lks_error *err);

#endif
