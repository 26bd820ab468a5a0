/* Images as characters. */
#ifndef LKS_TOOL_VIEW_DRAW_H
#define LKS_TOOL_VIEW_DRAW_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the locale does. */
bool lks_speaks_utf8(void);

/* One character for a grey value: a block where the locale speaks UTF-8, else a letter; a space for 0. */
const char *lks_shade(uint8_t value);

#endif
