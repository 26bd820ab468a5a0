/* Images read from a file by those who hold them. */
#ifndef LKS_FEED_PLACE_DEAL_H
#define LKS_FEED_PLACE_DEAL_H

#include "lockstep/comm.h"
#include "feed/image_file.h"

/* Reads images `range` of @p f into `images`: of a plain file each rank its own; a compressed one is inflated once on
 * each host, by its first rank, which hands the others theirs, half a MiB at a time. The ranges ascend with the ranks.
 * Errors are those of lks_image_file_read(), not agreed. Collective, but where a failure of MPI is returned. */
lks_status lks_deal_images(const lks_image_file *f, lks_comm *comm, lks_range range,
                           uint8_t *images, lks_error *err);

#endif
