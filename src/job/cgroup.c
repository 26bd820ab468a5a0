#include "job/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096 };

/* --- where the groups are --------------------------------------------------------------------- */

/* Whether a list like "cpu,cpuacct" has `word`. */
static bool lists(const char *list, const char *word) {
    const size_t length = strlen(word);
    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == length && memcmp(list, word, length) == 0)
            return true;
    return false;
}

/* A mounted tree of groups: the group at its top, as /proc/self/cgroup names groups, and its folder. */
typedef struct tree {
    char top[PATH_BYTES], folder[PATH_BYTES];
} tree;

/* A line of mountinfo (man 5 proc): its fourth and fifth word, and after " - " type, source and options. */
static bool read_mount(const char *line, bool second_version, tree *t) {
    char type[64], options[PATH_BYTES];
    const char *rest = strstr(line, " - ");
    if (!rest || sscanf(rest, " - %63s %*s %4095s", type, options) != 2 ||
        sscanf(line, "%*s %*s %*s %4095s %4095s", t->top, t->folder) != 2)
        return false;
    return second_version ? strcmp(type, "cgroup2") == 0
                          : strcmp(type, "cgroup") == 0 && lists(options, "cpu");
}

static bool find_tree(const char *mounts, bool second_version, tree *t) {
    bool found = false;
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(mounts, "r");
    while (f && !found && getline(&line, &room, f) > 0)
        found = read_mount(line, second_version, t);
    free(line);
    if (f)
        fclose(f);
    return found;
}

/* --- what they allow -------------------------------------------------------------------------- */

static bool read_line(const char *folder, const char *name, char text[64]) {
    char path[2 * PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    const bool read = f && fgets(text, 64, f);
    if (f)
        fclose(f);
    return read;
}

/* Microseconds of processor time in a period; a quota that is no positive number is none. */
static double cpus_of(const char *folder, bool second_version) {
    char quota[64], period[64];
    long long most = 0, each = 0;
    if (second_version) {
        if (!read_line(folder, "cpu.max", quota) || sscanf(quota, "%lld %lld", &most, &each) != 2)
            return 0;
    } else if (!read_line(folder, "cpu.cfs_quota_us", quota) ||
               !read_line(folder, "cpu.cfs_period_us", period) ||
               sscanf(quota, "%lld", &most) != 1 || sscanf(period, "%lld", &each) != 1) {
        return 0;
    }
    return most > 0 && each > 0 ? (double)most / (double)each : 0;
}

static void tighten(lks_cpu_quota *q, const char *folder, bool second_version) {
    struct stat info;
    const double cpus = cpus_of(folder, second_version);
    if (cpus > 0 && (q->cpus == 0 || cpus < q->cpus) && stat(folder, &info) == 0)
        *q = (lks_cpu_quota){cpus, (uint64_t)info.st_ino};
}

/* From the group up to the top of what is mounted here: in a container the groups above are hidden, and the
 * process's own may be the top. */
static void climb(lks_cpu_quota *q, const char *group, bool second_version, const char *mounts) {
    tree t;
    char folder[2 * PATH_BYTES];
    if (!find_tree(mounts, second_version, &t))
        return;
    const size_t above = strcmp(t.top, "/") == 0 ? 0 : strlen(t.top);
    const bool below = strncmp(group, t.top, above) == 0 && !strstr(group, "/..");
    const size_t shortest = strlen(t.folder);
    snprintf(folder, sizeof folder, "%s%s", t.folder, below ? group + above : "");
    for (;;) {
        tighten(q, folder, second_version);
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + shortest)
            return;
        *slash = 0;
    }
}

/* "4:cpu,cpuacct:/group" of version 1, "0::/group" of version 2. */
static void follow(lks_cpu_quota *q, char *line, const char *mounts) {
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return;
    *group++ = 0;
    controllers++;
    group[strcspn(group, "\n")] = 0;
    if (!*controllers || lists(controllers, "cpu"))
        climb(q, group, !*controllers, mounts);
}

lks_cpu_quota lks_cpu_quota_read(const char *membership, const char *mounts) {
    lks_cpu_quota q = {0, 0};
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(membership, "r");
    while (f && getline(&line, &room, f) > 0)
        follow(&q, line, mounts);
    free(line);
    if (f)
        fclose(f);
    return q;
}
