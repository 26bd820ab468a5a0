/* Compares a network that `lockstep export --format c` wrote with what Lockstep says of images, as answers.c wrote it to
 * the standard input. Compiled with -DHEADER="net.h" -DNET(x)=net##x -DSIZE(x)=NET##x. Prints how many images there
 * were and how many differed. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include HEADER

#define BYTES   (SIZE(_ROWS) * SIZE(_COLUMNS) * SIZE(_CHANNELS))
#define CLASSES SIZE(_CLASSES)

/* NaN is NaN. */
static int same(const float *a, const float *b) {
    for (int i = 0; i < CLASSES; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(a[i] != a[i] && b[i] != b[i]))
            return 0;
    return 1;
}

static int largest(const float *logits) {
    int best = 0;
    for (int i = 1; i < CLASSES; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

int main(void) {
    static unsigned char image[BYTES];
    static float scratch[SIZE(_SCRATCH) + 1];
    float wanted[CLASSES], wanted_probabilities[CLASSES], logits[CLASSES], probabilities[CLASSES];
    const float guard = 12345.0f;
    int images = 0, different = 0;
    memset(scratch, 0xa5, sizeof scratch); /* whatever stands there */
    scratch[SIZE(_SCRATCH)] = guard;
    while (fread(image, 1, BYTES, stdin) == BYTES &&
           fread(wanted, sizeof *wanted, CLASSES, stdin) == CLASSES &&
           fread(wanted_probabilities, sizeof *wanted, CLASSES, stdin) == CLASSES) {
        NET(_logits)(image, logits, scratch);
        NET(_probabilities)(logits, probabilities);
        images++;
        different += !same(logits, wanted) || !same(probabilities, wanted_probabilities) ||
                     NET(_predict)(image, scratch) != largest(wanted);
    }
    printf("%d images, %d differ%s\n", images, different,
           scratch[SIZE(_SCRATCH)] == guard ? "" : ", scratch memory is too small");
    return different > 0 || images == 0 || scratch[SIZE(_SCRATCH)] != guard;
}
