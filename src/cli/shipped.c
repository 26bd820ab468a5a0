#include "cli/shipped.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lockstep/run_folder.h"

__attribute__((format(printf, 2, 3))) static void add(lks_error *err, const char *format, ...) {
    const size_t used = strlen(err->text);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text + used, sizeof err->text - used, format, args);
    va_end(args);
}

static void name_shipped(const char *path, lks_error *err) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".yaml") == 0)
        length -= 5;
    for (const lks_embedded *s = lks_shipped_configs; s->name; s++)
        if (strlen(s->name) == length && memcmp(s->name, name, length) == 0)
            add(err, "; `lockstep configs %s > %s.yaml` writes the shipped one", s->name, s->name);
}

lks_status lks_hint_config(lks_status status, const char *path, lks_error *err) {
    if (status != LKS_ERR_CONFIG || !path)
        return status;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        name_shipped(path, err);
    else if (lks_folder_is_run(path))
        add(err, "; the configuration of a run folder is its config.yaml");
    return status;
}
