/* The configurations of configs/, built into the program by src/cli/embed.cmake. */
#ifndef LKS_CLI_SHIPPED_H
#define LKS_CLI_SHIPPED_H

#include <stddef.h>

typedef struct lks_shipped {
    const char *name; /* of the file, without .yaml */
    const unsigned char *text;
    size_t size;
} lks_shipped;

extern const lks_shipped lks_shipped_configs[]; /* by name; ends with a NULL name */

#endif
