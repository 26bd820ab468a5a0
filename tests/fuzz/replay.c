/* Calls a target with files, and with all files of folders; for compilers without libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#pragma weak LLVMFuzzerInitialize

static int replay_file(const char *path, long size) {
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc((size_t)size + 1);
    if (!f || !data || fread(data, 1, (size_t)size, f) != (size_t)size) {
        perror(path);
        exit(1);
    }
    fclose(f);
    /* what sanitizers guard ends where the input ends */
    uint8_t *exact = malloc((size_t)size);
    if (exact && size)
        memcpy(exact, data, (size_t)size);
    free(data);
    LLVMFuzzerTestOneInput(exact, (size_t)size);
    free(exact);
    return 1;
}

static int replay(const char *path) {
    struct stat info;
    int count = 0;
    if (stat(path, &info) != 0)
        return 0; /* a target without inputs of its own */
    if (!S_ISDIR(info.st_mode))
        return replay_file(path, (long)info.st_size);
    struct dirent **names;
    const int n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char below[4096];
        snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            count += replay(below);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return count;
}

int main(int argc, char **argv) {
    int count = 0;
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
