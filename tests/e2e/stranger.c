/* stranger CHECKPOINT OUT: the same checkpoint, made by somebody with other purposes: valid seal and
 * digests, and every text in it speaks to terminals, to readers of JSON or to browsers. */
#include <string.h>

#include "lockstep/checkpoint.h"
#include "lockstep/log.h"
#include "lockstep/model.h"

#define HOSTILE "\033]0;pwned\a\033[31m\xc2\x9b\",\"pwned\":\"1\n\xff<script>"

/* As much of it as there is room for. */
static void spoil(char *text, size_t size) {
    static const char hostile[] = HOSTILE;
    const size_t n = sizeof hostile < size ? sizeof hostile : size;
    memcpy(text, hostile, n);
    text[n - 1] = '\0';
}

int main(int argc, char **argv) {
    lks_checkpoint c;
    lks_error err;
    if (argc != 3)
        return 2;
    lks_status status = lks_checkpoint_read(argv[1], LKS_NUMERICS, &c, &err);
    if (status == LKS_OK) {
        lks_provenance *p = &c.provenance;
        spoil(p->version, sizeof p->version);
        spoil(p->revision, sizeof p->revision);
        spoil(p->compiler, sizeof p->compiler);
        spoil(p->isa, sizeof p->isa);
        spoil(p->time, sizeof p->time);
        spoil(p->mpi, sizeof p->mpi);
        spoil(p->hosts, sizeof p->hosts);
        spoil(p->init_from.path, sizeof p->init_from.path);
        spoil(p->init_from.weights_sha256, sizeof p->init_from.weights_sha256);
        spoil(p->init_from.flat, sizeof p->init_from.flat);
        status = lks_checkpoint_write(argv[2], &c, &err);
        lks_checkpoint_free(&c);
    }
    if (status != LKS_OK)
        lks_error_print(err.text);
    return status != LKS_OK;
}
