#include "base/beside.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* LKS_DATA_FOLDER is relative to the folder of programs: an installation may be moved. */
static char *find(const char *name) {
    char program[PATH_MAX], path[2 * PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return NULL;
    program[n] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    snprintf(path, sizeof path, "%s/%s/%s", program, LKS_DATA_FOLDER, name);
    return realpath(path, NULL);
}

const char *lks_beside(const char *name, char path[LKS_BESIDE_MAX]) {
    char here[PATH_MAX];
    char *found = find(name);
    if (!found)
        return name;
    const size_t n = getcwd(here, sizeof here) ? strlen(here) : 0;
    const char *shown = found;
    if (n > 1 && strncmp(found, here, n) == 0 && found[n] == '/')
        shown += n + 1;
    const int length = snprintf(path, LKS_BESIDE_MAX, "%s", shown);
    free(found);
    return length < LKS_BESIDE_MAX ? path : name;
}
