#include "import/maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files/whole_file.h"

enum { MAPS_MAX = 65536 };

static lks_status add(lks_import_maps *maps, const char *text, int line, const char *where,
                      lks_error *err) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return lks_fail(err, LKS_ERR_USAGE,
                        "--map %s%s%.64s%s: OURS=THEIRS is wanted, e.g. conv1=features.0", where,
                        line ? ": '" : "", text, line ? "'" : "");
    for (int i = 0; i < maps->n; i++)
        if (strlen(maps->all[i].ours) == (size_t)(equals - text) &&
            strncmp(maps->all[i].ours, text, (size_t)(equals - text)) == 0)
            return lks_fail(err, LKS_ERR_USAGE, "--map: '%s' is named twice", maps->all[i].ours);
    if (maps->n == maps->room) {
        const int room = 2 * maps->room + 16;
        lks_import_map *all =
            room > MAPS_MAX ? NULL : realloc(maps->all, (size_t)room * sizeof *all);
        if (!all)
            return lks_fail(err, LKS_ERR_MEMORY, "no memory for so many names of --map");
        maps->all = all;
        maps->room = room;
    }
    lks_import_map map = {strndup(text, (size_t)(equals - text)), strdup(equals + 1), line};
    maps->all[maps->n++] = map;
    return map.ours && map.theirs ? LKS_OK
                                  : lks_fail(err, LKS_ERR_MEMORY, "out of memory for --map");
}

static lks_status add_file(lks_import_maps *maps, const char *path, lks_error *err) {
    FILE *f = lks_open_regular(path);
    if (!f)
        return lks_fail(err, LKS_ERR_IO,
                        "--map %s: %s; a name of ours and one of the file's are OURS=THEIRS", path,
                        lks_read_reason(errno));
    char *line = NULL;
    size_t room = 0;
    lks_status status = LKS_OK;
    ssize_t n;
    for (int number = 1; status == LKS_OK && (n = lks_read_line(f, &line, &room)) >= 0; number++) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] && line[0] != '#')
            status = add(maps, line, number, path, err);
    }
    if (status == LKS_OK && (n == -2 || ferror(f)))
        status = lks_fail(err, LKS_ERR_IO, "--map %s: cannot be read, or is no text", path);
    free(line);
    fclose(f);
    return status;
}

lks_status lks_import_maps_add(lks_import_maps *maps, const char *said, lks_error *err) {
    return strchr(said, '=') ? add(maps, said, 0, "", err) : add_file(maps, said, err);
}

void lks_import_maps_free(lks_import_maps *maps) {
    for (int i = 0; i < maps->n; i++) {
        free(maps->all[i].ours);
        free(maps->all[i].theirs);
    }
    free(maps->all);
    *maps = (lks_import_maps){0};
}
