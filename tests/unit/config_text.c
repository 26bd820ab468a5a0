#include "config_text.h"
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

lks_status parse_text(lks_config *config, const char *text, const char *set, lks_error *err) {
    *err = (lks_error){LKS_OK, ""};
    return lks_config_parse(config, text, strlen(text), "some/net.yaml", &set, set ? 1 : 0, err);
}

lks_config parse_good(const char *text, const char *set) {
    lks_config config;
    lks_error err;
    if (parse_text(&config, text, set, &err) != LKS_OK) {
        printf("\n    %s\n", err.text);
        CU_FAIL_FATAL("a good configuration was refused");
    }
    return config;
}

lks_config golden_config(const lks_golden_case *c) {
    const char *model = lks_golden_find_text(c, "model");
    char text[4096];
    int size = model ? snprintf(text, sizeof text, "model: %s\n", model)
                     : snprintf(text, sizeof text, MODEL);
    size += snprintf(text + size, sizeof text - (size_t)size,
                     "train: %s\ndata: {validation: 0.1}\n", lks_golden_text_of(c, "train"));
    CU_ASSERT_FATAL(size < (int)sizeof text);
    return parse_good(text, NULL);
}

char *read_shipped(const char *name, size_t *size) {
    char path[1200], *text = NULL;
    lks_error err = {LKS_OK, ""};
    snprintf(path, sizeof path, "%s/%s", LKS_CONFIGS_DIR, name);
    CU_ASSERT_EQUAL_FATAL(lks_config_read_file(path, &text, size, &err), LKS_OK);
    return text;
}

static int silent_stderr = -1;

void catch_stderr(void) {
    char path[300];
    snprintf(path, sizeof path, "%s/stderr", lks_test_folder());
    fflush(stderr);
    silent_stderr = dup(2);
    int file = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
    CU_ASSERT_FATAL(silent_stderr >= 0 && file >= 0);
    dup2(file, 2);
    close(file);
}

void check_stderr(void) {
    fflush(stderr);
    CU_ASSERT_EQUAL(lseek(2, 0, SEEK_END), 0);
    dup2(silent_stderr, 2);
    close(silent_stderr);
}
