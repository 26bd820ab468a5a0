/* Images that stand in for digits where there are no data: one line, drawn by a pen that turns at random.
 * About as many pixels have ink as in MNIST, since where there is none, work can be skipped. */
#include <string.h>

#include "lockstep/philox.h"
#include "feed/dataset.h"

#define STEPS  120
#define MARGIN 4

static int within_margin(int at) {
    const int last = LKS_SCRIBBLE_SIDE - 1 - MARGIN;
    return at < MARGIN ? MARGIN : at > last ? last : at;
}

void lks_scribble(uint8_t *image, uint32_t id) {
    static const int moves[8][2] = {{0, 1},  {1, 1},   {1, 0},  {1, -1},
                                    {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}};
    const lks_stream random = lks_stream_make(0, LKS_PURPOSE_SCRIBBLE, 0, 0, id);
    uint32_t start = lks_stream_u32(&random, STEPS), direction = start >> 16;
    int row = MARGIN + (int)(start & 15), column = MARGIN + (int)(start >> 4 & 15);
    memset(image, 0, (size_t)LKS_SCRIBBLE_SIDE * LKS_SCRIBBLE_SIDE);
    for (int i = 0; i < STEPS; i++) {
        uint32_t turn = lks_stream_u32(&random, (uint64_t)i) & 3; /* left, on, on, right */
        direction += turn == 0 ? 7 : turn == 3 ? 1 : 0;
        row = within_margin(row + moves[direction & 7][0]);
        column = within_margin(column + moves[direction & 7][1]);
        uint8_t *at = image + row * LKS_SCRIBBLE_SIDE + column; /* a nib of 2 x 2 pixels */
        at[0] = at[1] = at[LKS_SCRIBBLE_SIDE] = at[LKS_SCRIBBLE_SIDE + 1] = 255;
    }
}
