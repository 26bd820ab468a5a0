/* Events for TensorBoard that somebody put into a run folder: the input as the message of a sound record, and as a file. */
#include <stdlib.h>

#include "base/text.h"
#include "fuzz.h"
#include "tensorboard/event_folder.h"
#include "tensorboard/tfrecord.h"

static void carry(const char *folder, long long number, int64_t limit) {
    lks_event_carried carried;
    lks_text text;
    lks_error err;
    if (lks_text_open(&text, "events", &err) != LKS_OK)
        return;
    if (lks_event_folder_carry(folder, number, limit, text.f, &carried, &err) == LKS_OK &&
        carried.step > limit)
        abort();
    lks_text_drop(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *folder = fuzz_folder();
    lks_text record;
    lks_error err;
    fuzz_put("events.out.tfevents.0000000001.lockstep", data, size);
    if (lks_text_open(&record, "a record", &err) != LKS_OK)
        return 0;
    lks_tfrecord_put(record.f, data, size);
    if (lks_text_close(&record, "a record", &err) != LKS_OK)
        return 0;
    fuzz_put("events.out.tfevents.0000000002.lockstep", (const uint8_t *)record.bytes, record.size);
    free(record.bytes);
    for (long long number = 1; number <= 2; number++) {
        carry(folder, number, 100);
        carry(folder, number, INT64_MAX);
    }
    return 0;
}
