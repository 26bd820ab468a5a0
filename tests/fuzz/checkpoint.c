/* A checkpoint from a stranger: whatever its bytes are, seal, checksums and digests are right. */
#include "fuzz.h"
#include "io/checkpoint_format.h"
#include "network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > LKS_SEAL_SIZE)
        fuzz_network(data, size);
    return 0;
}
