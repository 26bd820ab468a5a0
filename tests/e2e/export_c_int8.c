/* What a network in whole numbers says of images, beside what Lockstep says of them, as answers.c wrote it to the standard
 * input. Compiled as export_c.c. Prints how many images there were, how many get the same answer, how far logits are
 * from the floats in thousandths of these (means of magnitudes), and a hash of all logits. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include HEADER

#define BYTES   (SIZE(_ROWS) * SIZE(_COLUMNS) * SIZE(_CHANNELS))
#define CLASSES SIZE(_CLASSES)

static double magnitude(double x) {
    return x < 0 ? -x : x;
}

int main(void) {
    static unsigned char image[BYTES];
    static int8_t scratch[SIZE(_SCRATCH) + 1];
    float wanted[CLASSES], probabilities[CLASSES];
    int32_t logits[CLASSES];
    int images = 0, alike = 0;
    double apart = 0, size = 0;
    uint32_t hash = 0;
    memset(scratch, 0x55, sizeof scratch); /* whatever stands there */
    while (fread(image, 1, BYTES, stdin) == BYTES &&
           fread(wanted, sizeof *wanted, CLASSES, stdin) == CLASSES &&
           fread(probabilities, sizeof *wanted, CLASSES, stdin) == CLASSES) {
        int best = 0;
        NET(_logits)(image, logits, scratch);
        for (int i = 0; i < CLASSES; i++) {
            best = wanted[i] > wanted[best] ? i : best;
            apart += magnitude(logits[i] / 65536.0 - (double)wanted[i]);
            size += magnitude((double)wanted[i]);
            hash = hash * 31 + (uint32_t)logits[i];
        }
        images++;
        alike += NET(_predict)(image, scratch) == best;
    }
    if (scratch[SIZE(_SCRATCH)] != 0x55)
        printf("scratch memory is too small\n");
    printf("%d %d %.0f %08lx\n", images, alike, 1000 * apart / size, (unsigned long)hash);
    return images == 0;
}
