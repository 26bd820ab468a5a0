/* What the fuzzers share. Each target is a program of one function, LLVMFuzzerTestOneInput(): libFuzzer calls it in
 * build/fuzz (clang); elsewhere replay.c calls it with files that once did harm, and with the seeds. */
#ifndef LKS_FUZZ_H
#define LKS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of targets that have it, called once, before all else. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The bytes as a file in memory; its path is good until the next call with the same `slot`, 0 to 3. */
const char *fuzz_file(int slot, const uint8_t *data, size_t size);

/* The bytes with a 0 after them, to be freed with free(). */
char *fuzz_text(const uint8_t *data, size_t size);

/* An empty folder in memory; its path is good until the next call, which empties it. */
const char *fuzz_folder(void);

/* Writes a file into that folder; "/" in `name` makes folders. A name that cannot be one is passed over. */
void fuzz_put(const char *name, const uint8_t *data, size_t size);

/* Cuts an input into the parts that lines "=== NAME" begin; calls `part` with each. */
typedef void (*fuzz_part)(void *context, const char *name, const uint8_t *data, size_t size);
void fuzz_parts(const uint8_t *data, size_t size, fuzz_part part, void *context);

#endif
