/* history.h5 of a run folder, with right checksums. */
#include "fuzz.h"
#include "io/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lks_history history;
    lks_predictions test;
    lks_error err;
    if (lks_history_read(fuzz_file(0, data, size), &history, &test, &err) == LKS_OK) {
        lks_history_free(&history);
        lks_predictions_free(&test);
    }
    return 0;
}
