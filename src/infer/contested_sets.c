/* The sets whose labels people have looked at again. */
#include <string.h>

#include "infer/contested.h"

/* Images for whose given label no three of five human raters voted: Northcutt, Athalye and Mueller, "Pervasive Label
 * Errors in Test Sets Destabilize Machine Learning Benchmarks", NeurIPS 2021, Datasets and Benchmarks. */
static const uint32_t mnist_test[] = {947,  1621, 1901, 2130, 2462, 2597, 2654, 3520,
                                      3558, 5937, 6651, 6783, 8527, 9679, 9729};

/* `lockstep info --digest` writes a set's digest beside its images: the line "total". */
static const lks_contested sets[] = {
    {"d724a4e02b8a562b536dde0b6f915b573de1945403a8ccfd1d74601f36724b3f", 10000,
     "Northcutt et al. 2021", mnist_test, sizeof mnist_test / sizeof *mnist_test},
};
enum { SETS = sizeof sets / sizeof *sets };

const lks_contested *lks_contested_find(const lks_digest_words *digest) {
    lks_digest_text text;
    lks_digest_words_print(digest, text);
    for (int i = 0; i < SETS; i++)
        if (strcmp(sets[i].digest, text) == 0)
            return &sets[i];
    return NULL;
}

bool lks_contested_possible(int64_t images) {
    for (int i = 0; i < SETS; i++)
        if (sets[i].images == images)
            return true;
    return false;
}
