/* What people should be told of a data set before they trust what comes out of it: each suspicion is one line with
 * the key or option that mends it. */
#ifndef LKS_FEED_FINDINGS_H
#define LKS_FEED_FINDINGS_H

#include "feed/repeats.h"
#include "feed/survey.h"

/* The file that image @p id of the training or test images was; NULL: nobody knows, and its number is told. */
typedef const char *(*lks_image_name)(const void *context, bool test, int64_t id);

/* All that they are found by. A survey without images: there is no such set. */
typedef struct lks_set_facts {
    const lks_data_config *config;
    const char *path;  /* of the images */
    int rows, columns; /* of an image; 0: they differ */
    const lks_survey *training, *test;
    const int64_t *kept;        /* [classes] images of each that data.limit leaves; NULL: all */
    const lks_repeats *repeats; /* NULL: not looked for */
    int classes;                /* of the network; 0: largest training label + 1 */
    bool weighted;              /* the loss weights the classes */
    bool unlabelled;            /* nobody knows the labels */
    lks_image_name name;        /* NULL: images have numbers only */
    const void *named;          /* its context */
} lks_set_facts;

typedef enum lks_finding_weight {
    LKS_FINDING_NOTE,    /* a fact that changes little */
    LKS_FINDING_WARNING, /* something else may be meant */
    LKS_FINDING_ERROR    /* nothing can be learned from this set */
} lks_finding_weight;

typedef struct lks_finding {
    lks_finding_weight weight;
    char text[512];
} lks_finding;

typedef struct lks_findings {
    lks_finding of[16];
    int n;
} lks_findings;

/* Fills @p found, at most one line for each kind. */
void lks_find(lks_findings *found, const lks_set_facts *facts);

/* Warns of each that is a warning. */
void lks_findings_warn(const lks_findings *found);

/* LKS_ERR_DATA with the first line that is an error. */
lks_status lks_findings_check(const lks_findings *found, lks_error *err);

#endif
