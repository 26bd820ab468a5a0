/* What pictures.yaml says, beside images that `lockstep pack` made. */
#ifndef LKS_FEED_PACKED_H
#define LKS_FEED_PACKED_H

#include "lockstep/comm.h"
#include "lockstep/config.h"
#include "lockstep/status.h"

/* Gives the configuration what stands beside its training images, where it says nothing itself; a difference is warned
 * of. Rank 0 reads, all ranks get the same; `comm` may be NULL: this process is alone. LKS_ERR_CONFIG: the file is
 * broken, LKS_ERR_DATA: it is of images of another size; LKS_ERR_IO. Collective; errors are agreed. */
lks_status lks_packed_take(lks_config *config, lks_comm *comm, lks_error *err);

/* Compares what stands beside the test images with the configuration of a network that is to answer for them: other
 * names of the classes are LKS_ERR_MISMATCH, what else differs is warned of. Errors and `comm` as above. */
lks_status lks_packed_compare(const lks_config *config, lks_comm *comm, lks_error *err);

#endif
