#include "cli/shipped.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

lks_status lks_hint_shipped(lks_status status, const char *path, lks_error *err) {
    if (status != LKS_ERR_CONFIG || !path || access(path, F_OK) == 0 || errno != ENOENT)
        return status;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".yaml") == 0)
        length -= 5;
    for (const lks_embedded *s = lks_shipped_configs; s->name; s++)
        if (strlen(s->name) == length && memcmp(s->name, name, length) == 0) {
            size_t used = strlen(err->text);
            snprintf(err->text + used, sizeof err->text - used,
                     "; `lockstep configs %s > %s.yaml` writes the shipped one", s->name, s->name);
        }
    return status;
}
