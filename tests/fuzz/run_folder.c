/* A run folder of parts "=== config.yaml", "=== summary.json", ...: read as `info`, also with --follow, and `report` do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "job/lease.h"
#include "base/memory.h"
#include "run/run_folder.h"
#include "run/fault.h"
#include "base/text.h"
#include "tool/follow/screen.h"

static void put(void *context, const char *name, const uint8_t *data, size_t size) {
    static const char *const names[] = {"config.yaml",
                                        "summary.json",
                                        "metrics.jsonl",
                                        "faults.jsonl",
                                        "work.json",
                                        "lives/00000001/owner.json",
                                        "lives/00000002/owner.json",
                                        "lives/00000001/beat-3",
                                        "lives/00000002/ended"};
    (void)context;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            fuzz_put(name, data, size);
}

static void follow(const char *folder) {
    const lks_screen screen = {90, 30, true};
    lks_watched w = {.folder = folder};
    lks_text text;
    lks_error err;
    if (lks_stand_look(&w, 1, &err) == LKS_OK && lks_text_open(&text, "a screen", &err) == LKS_OK) {
        lks_screen_run(&w, text.f);
        for (size_t i = 0; i < w.metrics.history.n_epochs; i++)
            lks_screen_epoch(&w, &w.metrics.history.epochs[i], text.f);
        lks_screen_write(&w, &screen, text.f, &err);
        lks_text_drop(&text);
    }
    lks_metrics_tail_close(&w.metrics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char remark[LKS_REMARK_ROOM], faults[LKS_FAULTS_TOLD];
    char lives[64], who[LKS_LEASE_TEXT];
    const char *folder = fuzz_folder();
    char *summary = NULL, *yaml = NULL;
    lks_config config;
    lks_history history = {0};
    lks_predictions test = {0};
    lks_error err;
    fuzz_parts(data, size, put, NULL);
    remark[0] = '\0';
    lks_folder_summary(folder, &summary, remark);
    if (lks_folder_config(folder, NULL, &config, &yaml, remark, &err) == LKS_OK) {
        lks_config_free(&config);
        free(yaml);
    }
    if (lks_folder_curves(folder, summary, NULL, &history, &test, remark, &err) == LKS_OK) {
        lks_history_free(&history);
        lks_predictions_free(&test);
    }
    lks_folder_tell_faults(folder, faults);
    snprintf(lives, sizeof lives, "%s/lives", folder);
    lks_lease_tell(lives, who);
    free(summary);
    follow(folder);
    return 0;
}
