/* A picture file of any format: read, and prepared in each way. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lockstep/picture.h"

enum { PIXELS_MOST = 1 << 20 }; /* larger ones take long, and nothing new */

static lks_picture copy_of(const lks_picture *p) {
    const size_t bytes = (size_t)p->rows * (size_t)p->columns * (size_t)p->channels;
    lks_picture copy = *p;
    copy.pixels = malloc(bytes);
    if (!copy.pixels)
        abort();
    memcpy(copy.pixels, p->pixels, bytes);
    return copy;
}

static void prepare(const lks_picture *p) {
    static const lks_picture_form forms[] = {{28, 28, 1, 0, false}, {5, 31, 3, 255, true}};
    uint8_t out[LKS_MNIST_SIDE * LKS_MNIST_SIDE];
    lks_picture_info info;
    lks_error err;
    for (int i = 0; i < 2; i++) {
        lks_picture copy = copy_of(p);
        uint8_t fitted[28 * 31 * 3];
        lks_picture_fit(&copy, &forms[i], fitted, &err);
        free(copy.pixels);
    }
    lks_picture copy = copy_of(p);
    lks_picture_center(&copy, out, &info, &err);
    free(copy.pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lks_picture picture;
    lks_error err;
    if (lks_picture_read(&picture, fuzz_file(0, data, size), &err) != LKS_OK)
        return 0;
    if ((int64_t)picture.rows * picture.columns <= PIXELS_MOST)
        prepare(&picture);
    lks_picture_free(&picture);
    return 0;
}
