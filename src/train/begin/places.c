/* Paths that were given are looked at before data are read, which may take minutes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/system_error.h"
#include "train/run.h"

/* From a path to the one above it. */
static void go_up(char *path) {
    char *slash = strrchr(path, '/');
    if (slash == path)
        slash[1] = 0;
    else if (slash)
        *slash = 0;
    else
        strcpy(path, ".");
}

lks_status lks_place_nearest(const char *folder, char nearest[LKS_FOLDER_PATH_MAX],
                             lks_error *err) {
    struct stat info;
    snprintf(nearest, LKS_FOLDER_PATH_MAX, "%s", folder);
    while (stat(nearest, &info) != 0) {
        if (errno != ENOENT)
            return lks_fail(err, LKS_ERR_IO, "%s: cannot make the folder: %s", folder,
                            strerror(errno));
        go_up(nearest);
    }
    if (!S_ISDIR(info.st_mode))
        return lks_fail(err, LKS_ERR_IO, "%s: cannot make the folder: %s is a file", folder,
                        nearest);
    if (access(nearest, W_OK | X_OK) != 0)
        return lks_fail_system(err, "write into", nearest);
    return LKS_OK;
}

static lks_status check_readable(const char *path, lks_error *err) {
    return access(path, R_OK) == 0 ? LKS_OK : lks_fail_system(err, "read", path);
}

static lks_status check(const lks_run *run, lks_error *err) {
    const lks_train_options *o = run->options;
    char nearest[LKS_FOLDER_PATH_MAX];
    const bool file =
        o->resume && strcmp(o->resume, "auto") != 0 && strcmp(o->resume, "never") != 0;
    if (file)
        LKS_TRY(check_readable(o->resume, err));
    if (o->init_from)
        LKS_TRY(check_readable(o->init_from, err));
    return lks_place_nearest(run->place.checkpoints, nearest, err);
}

lks_status lks_run_check_places(lks_run *run, lks_comm *comm, lks_error *err) {
    return lks_comm_agree(comm, comm->rank == 0 ? check(run, err) : LKS_OK, err);
}
