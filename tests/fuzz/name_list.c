/* A list of names, as predict's --files-from has it. */
#include <stdlib.h>
#include <string.h>

#include "cli/name_list.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text;
    lks_error err;
    if (lks_name_list_read(fuzz_file(0, data, size), &text, &err) == LKS_OK && text &&
        strlen(text) > size)
        abort();
    free(text);
    return 0;
}
