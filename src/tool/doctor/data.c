/* The configuration's files, as each host sees them. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "feed/image_file.h"
#include "base/memory.h"
#include "tool/doctor/parts.h"

/* What one host's first rank found. */
typedef struct sight {
    char host[256];
    char digest[LKS_SHA256_HEX]; /* of all files, one after another; "" without them */
    char reason[512];            /* "": all is well */
    double bytes;
} sight;

lks_status lks_doctor_digest_file(lks_sha256 *digest, const char *path, double *bytes,
                                  lks_error *err) {
    char piece[1 << 16];
    FILE *f = fopen(path, "rb");
    if (!f)
        return lks_fail(err, LKS_ERR_IO, "%s cannot be opened", path);
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0; *bytes += (double)n)
        lks_sha256_add(digest, piece, n);
    const bool broken = ferror(f);
    fclose(f);
    return broken ? lks_fail(err, LKS_ERR_IO, "%s cannot be read", path) : LKS_OK;
}

/* Images and labels of one part of the set, where there is to be one. */
static lks_status add_part(lks_sha256 *digest, const lks_data_config *config, lks_image_part part,
                           double *bytes, lks_error *err) {
    lks_image_file file;
    LKS_TRY(lks_image_file_open(&file, config, part, err));
    LKS_TRY(lks_doctor_digest_file(digest, file.path, bytes, err));
    return strcmp(file.labels_path, file.path) == 0
               ? LKS_OK
               : lks_doctor_digest_file(digest, file.labels_path, bytes, err);
}

static lks_status look(sight *s, const lks_data_config *config, lks_error *err) {
    lks_sha256 *digest = lks_sha256_start(err);
    if (!digest)
        return err->status;
    lks_status status = add_part(digest, config, LKS_PART_TRAIN, &s->bytes, err);
    if (status == LKS_OK && config->test_images[0])
        status = add_part(digest, config, LKS_PART_TEST, &s->bytes, err);
    lks_sha256_finish(digest, s->digest);
    return status;
}

static void judge(lks_diagnosis *d, const sight *all, int hosts, const char *folder) {
    static const char name[] = "data";
    int blind = 0, other = 0, first_blind = 0, first_other = 0;
    for (int h = hosts - 1; h >= 0; h--) {
        if (all[h].reason[0]) {
            first_blind = h;
            blind++;
        } else if (strcmp(all[h].digest, all[0].digest) != 0) {
            first_other = h;
            other++;
        }
    }
    if (blind)
        lks_diagnose(
            d, LKS_VERDICT_FAULT, name,
            "put the files there, or say with --set data.dir=DIR where they are; each host "
            "reads them itself",
            "%s: %s (%d of %d host%s)", all[first_blind].host, all[first_blind].reason, blind,
            hosts, hosts == 1 ? "" : "s");
    else if (other)
        lks_diagnose(d, LKS_VERDICT_FAULT, name, "copy the same files to all hosts",
                     "%s: what %s sees (SHA-256 %.16s...) is not what %s sees (%.16s...); %d of %d "
                     "hosts differ",
                     folder, all[first_other].host, all[first_other].digest, all[0].host,
                     all[0].digest, other, hosts);
    else
        lks_diagnose(d, LKS_VERDICT_OK, name, "", "%s: %.1f MiB, SHA-256 %.16s...%s", folder,
                     all[0].bytes / 1048576, all[0].digest, hosts > 1 ? " on all hosts" : "");
}

lks_status lks_doctor_data(lks_diagnosis *d, lks_comm *comm, const lks_seats *seats,
                           const lks_config *config, lks_error *err) {
    sight own;
    lks_error reason;
    memset(&own, 0, sizeof own);
    snprintf(own.host, sizeof own.host, "%s", comm->host);
    if (comm->local_rank == 0 && look(&own, &config->data, &reason) != LKS_OK)
        snprintf(own.reason, sizeof own.reason, "%.*s", (int)strcspn(reason.text, "\n"),
                 reason.text);
    sight *all = lks_seats_gather(seats, comm, &own, sizeof own);
    if (all && lks_comm_check(comm, NULL) == LKS_OK)
        judge(d, all, seats->hosts, config->data.dir);
    lks_free(all);
    return lks_comm_check(comm, err);
}
