/* Text files that are part of the program, so that it needs no folder beside it: tables made by
 * src/embed.cmake. */
#ifndef LKS_EMBEDDED_H
#define LKS_EMBEDDED_H

#include <stddef.h>

typedef struct lks_embedded {
    const char *name; /* of the file, without its ending; NULL ends a table */
    const unsigned char *text;
    size_t size;
} lks_embedded;

#endif
