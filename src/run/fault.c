#include "run/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "files/whole_file.h"
#include "base/json/json.h"
#include "lockstep/log.h"
#include "files/publish.h"
#include "run/run_folder.h"
#include "base/timer.h"

void lks_fault_here(lks_fault *fault, int rank, const char *host) {
    const char *node = getenv("SLURMD_NODENAME");
    fault->rank = rank;
    snprintf(fault->host, sizeof fault->host, "%s", host);
    snprintf(fault->node, sizeof fault->node, "%s", node ? node : "");
}

static void put(FILE *f, const lks_fault *fault) {
    char now[32];
    lks_utc(now);
    lks_json_object o = lks_json_begin(f, "");
    lks_json_put_text(&o, "time", now);
    lks_json_put_text(&o, "kind", fault->kind);
    lks_json_put_integer(&o, "step", fault->step);
    lks_json_put_integer(&o, "epoch", fault->epoch);
    lks_json_put_number(&o, "rank", fault->rank < 0 ? NAN : fault->rank);
    lks_json_put_text_or_null(&o, "host", fault->host);
    lks_json_put_text_or_null(&o, "node", fault->node);
    lks_json_put_text_or_null(&o, "job", getenv("SLURM_JOB_ID"));
    lks_json_put_text(&o, "text", fault->text);
    lks_json_end(&o, "\n");
}

/* A process that died in the middle of a line leaves one without an end. */
static bool ends_in_a_line(int fd) {
    const off_t size = lseek(fd, 0, SEEK_END);
    char last = '\n';
    return size <= 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

/* False with errno where not all of the line came to the file. */
static bool append(const char *path, const char *line, size_t size) {
    const int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    const bool begins = ends_in_a_line(fd) || write(fd, "\n", 1) == 1;
    errno = ENOSPC; /* of a write that is short */
    const bool whole = begins && write(fd, line, size) == (ssize_t)size && fsync(fd) == 0;
    return (close(fd) == 0) & whole;
}

/* The line of a fault into *line, freed with free(). */
static lks_status make_line(const lks_fault *fault, const char *path, lks_text *line,
                            lks_error *err) {
    LKS_TRY(lks_text_open(line, path, err));
    put(line->f, fault);
    return lks_text_close(line, path, err);
}

void lks_folder_note_fault(const char *folder, const lks_fault *fault) {
    char path[LKS_FOLDER_PATH_MAX];
    lks_text line;
    lks_error err;
    lks_folder_path(folder, LKS_FOLDER_FAULTS, path);
    if (lks_publish_allowed(&err) == LKS_ERR_BUSY)
        return; /* another process has the folder: its faults are others */
    if (make_line(fault, path, &line, &err) != LKS_OK) {
        lks_warn("the fault could not be noted: %s", err.text);
        return;
    }
    if (!append(path, line.bytes, line.size))
        lks_warn("%s: the fault could not be noted: %s", path, strerror(errno));
    free(line.bytes);
}

static void tell(const char *line, int n, char told[LKS_FAULTS_TOLD]) {
    char when[32], kind[16], text[1024];
    if (!lks_json_get_text(line, "time", when, sizeof when) ||
        !lks_json_get_text(line, "kind", kind, sizeof kind) ||
        !lks_json_get_text(line, "text", text, sizeof text)) {
        snprintf(told, LKS_FAULTS_TOLD, "%d, the last on a line that cannot be read", n);
        return;
    }
    snprintf(told, LKS_FAULTS_TOLD, "%d, the last at %s, %s: %.*s", n, when, kind,
             (int)strcspn(text, "\n"), text);
}

void lks_folder_tell_faults(const char *folder, char told[LKS_FAULTS_TOLD]) {
    char path[LKS_FOLDER_PATH_MAX], *line = NULL;
    size_t room = 0;
    *told = 0;
    FILE *f = lks_open_regular(lks_folder_path(folder, LKS_FOLDER_FAULTS, path));
    for (int n = 1; f && lks_read_line(f, &line, &room) > 0; n++)
        tell(line, n, told);
    free(line);
    if (f)
        fclose(f);
}
