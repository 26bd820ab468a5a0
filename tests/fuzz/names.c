/* A folder of class folders for `pack`: a name a line, of an empty file, of a folder where it ends with "/", of a link
 * where it has "->". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "pictures/picture_folder.h"

enum { NAMES_MOST = 40, LENGTH_MOST = 80 };

/* Nothing above the folder. */
static int is_inside(const char *name) {
    return name[0] && name[0] != '/' && !strstr(name, "..");
}

static void make(const char *folder, char *name) {
    char path[512], *arrow = strstr(name, "->");
    if (!is_inside(name))
        return;
    if (!arrow) {
        fuzz_put(name, (const uint8_t *)"", 0);
        return;
    }
    *arrow = '\0';
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (symlink(arrow + 2, path) != 0)
        return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lks_picture_folder found;
    lks_error err;
    const char *folder = fuzz_folder();
    const uint8_t *const end = data + size;
    for (int i = 0; i < NAMES_MOST && data < end; i++) {
        char name[LENGTH_MOST + 1];
        const uint8_t *stop = memchr(data, '\n', (size_t)(end - data));
        const size_t length = (size_t)((stop ? stop : end) - data);
        snprintf(name, sizeof name, "%.*s", (int)(length < LENGTH_MOST ? length : LENGTH_MOST),
                 (const char *)data);
        make(folder, name);
        data += length + 1;
    }
    if (lks_picture_folder_scan(&found, folder, &err) == LKS_OK)
        lks_picture_folder_free(&found);
    return 0;
}
