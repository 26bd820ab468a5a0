/* A configuration on all ranks: one reads the file. */
#include <stdlib.h>

#include "job/agree.h"
#include "job/job.h"

lks_status lks_config_load(lks_comm *comm, const char *path, const char *const *sets, int n_sets,
                           lks_config *config, lks_error *err) {
    char *text = NULL;
    size_t size = 0;
    lks_status status = LKS_OK;
    if (comm->rank == 0)
        status = lks_config_read_file(path, &text, &size, err);
    if (status == LKS_OK && text)
        lks_config_check_seal(path, text, size);
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_broadcast(comm, &size, sizeof size, 0);
    LKS_TRY(lks_comm_check(comm, err));
    if (comm->rank != 0 && !(text = malloc(size + 1))) {
        lks_fail(err, LKS_ERR_MEMORY, "out of memory for the configuration");
        return lks_comm_fail(comm, err);
    }
    lks_comm_broadcast(comm, text, size, 0);
    if (lks_comm_check(comm, err) != LKS_OK) {
        free(text);
        return err->status;
    }
    text[size] = 0;
    const lks_status parsed = lks_config_parse(config, text, size, path, sets, n_sets, err);
    free(text);
    status = lks_agree_config(comm, config, parsed, err);
    if (status != LKS_OK && parsed == LKS_OK)
        lks_config_free(config);
    return status;
}
