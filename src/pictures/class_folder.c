/* Names of classes as names of folders. */
#include <stdio.h>
#include <string.h>

#include "pictures/picture_folder.h"

static bool is_control(char c) {
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static void write_plain(const lks_data_config *c, int k, char out[LKS_CLASS_FOLDER_MAX]) {
    if (c->n_class_names)
        snprintf(out, LKS_CLASS_FOLDER_MAX, "%s", c->class_names[k]);
    else
        snprintf(out, LKS_CLASS_FOLDER_MAX, "%d", k);
    for (char *at = out; *at; at++)
        if (*at == '/' || is_control(*at))
            *at = '_';
    if (out[0] == '.')
        out[0] = '_';
}

/* Another class, or what is no class, would have this folder. */
static bool is_taken(const lks_data_config *c, int classes, int k, const char *name) {
    char other[LKS_CLASS_FOLDER_MAX];
    bool taken = !name[0] || strcmp(name, LKS_UNSURE_FOLDER) == 0;
    for (int i = 0; i < classes && !taken; i++) {
        write_plain(c, i, other);
        taken = i != k && strcmp(name, other) == 0;
    }
    return taken;
}

/* A name that is a folder's name, and no other class's, stays; the number makes all others differ. */
const char *lks_class_folder(const lks_data_config *c, int classes, int k,
                             char out[LKS_CLASS_FOLDER_MAX]) {
    write_plain(c, k, out);
    const bool changed = c->n_class_names && strcmp(out, c->class_names[k]) != 0;
    if (!changed && !is_taken(c, classes, k, out))
        return out;
    do {
        const size_t used = strlen(out);
        snprintf(out + used, LKS_CLASS_FOLDER_MAX - used, "-%d", k);
    } while (is_taken(c, classes, k, out) && strlen(out) + 5 < LKS_CLASS_FOLDER_MAX);
    return out;
}
