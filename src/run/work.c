#include "run/work.h"

#include <stdlib.h>

#include "base/json/json.h"
#include "base/text.h"
#include "files/publish.h"
#include "files/whole_file.h"
#include "run/run_folder.h"

/* Numbers and their names. */
static const struct {
    const char *name;
    size_t offset;
} counts[] = {{"first_step", offsetof(lks_work, first_step)},
              {"last_step", offsetof(lks_work, last_step)},
              {"steps_per_epoch", offsetof(lks_work, steps_per_epoch)},
              {"epochs", offsetof(lks_work, epochs)},
              {"step_images", offsetof(lks_work, step_images)},
              {"parameters", offsetof(lks_work, parameters)},
              {"ranks", offsetof(lks_work, ranks)},
              {"threads", offsetof(lks_work, threads)}};
enum { COUNTS = sizeof counts / sizeof *counts, FILE_MAX = 8192 };

static int64_t *count_of(const lks_work *work, int i) {
    return (int64_t *)((char *)work + counts[i].offset);
}

lks_status lks_work_write(const char *folder, const lks_work *work, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    lks_text text;
    lks_folder_path(folder, LKS_FOLDER_WORK, path);
    LKS_TRY(lks_text_open(&text, path, err));
    lks_json_object o = lks_json_begin(text.f, "\n  ");
    lks_json_put_text(&o, "name", work->name);
    for (int i = 0; i < COUNTS; i++)
        lks_json_put_integer(&o, counts[i].name, *count_of(work, i));
    lks_json_put_text(&o, "hosts", work->hosts);
    lks_json_put_number(&o, "memory_mib", work->memory_mib);
    lks_json_end(&o, "\n");
    LKS_TRY(lks_text_close(&text, path, err));
    const lks_status status = lks_publish_text(path, text.bytes, text.size, err);
    free(text.bytes);
    return status;
}

void lks_work_read(const char *folder, lks_work *work) {
    char path[LKS_FOLDER_PATH_MAX], text[FILE_MAX];
    size_t n = 0;
    FILE *f = lks_open_regular(lks_folder_path(folder, LKS_FOLDER_WORK, path));
    if (f) {
        n = fread(text, 1, sizeof text - 1, f);
        fclose(f); /* nothing was written */
    }
    text[n] = '\0';
    for (int i = 0; i < COUNTS; i++)
        *count_of(work, i) = lks_json_get_integer(text, counts[i].name, (int64_t)1 << 53, -1);
    lks_json_get_text(text, "name", work->name, sizeof work->name);
    lks_json_get_text(text, "hosts", work->hosts, sizeof work->hosts);
    work->memory_mib = lks_json_get_number(text, "memory_mib");
}
