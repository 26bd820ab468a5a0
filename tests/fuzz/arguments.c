/* A command line, one argument a line, after the program's name: the whole of src/cli reads it, up to where a command
 * would begin to work. `help`, `configs` and completion do work: they only print. main() is lockstep_main() here, and
 * the linker (--wrap) leads what would end the program, start MPI or work to this file. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/launch.h"
#include "cli/parse.h"
#include "cli/process.h"
#include "fuzz.h"

enum { WORDS_MOST = 64, BLOCKS_MOST = 1 << 10 };

int lockstep_main(int argc, char **argv);
_Noreturn void __wrap_lks_process_end(int status);
void __wrap_lks_process_stops_gently(void);
bool __wrap_lks_speaks(void);
void __real_lks_parse(const lks_call *call, lks_common_options *common, void *own);
void __wrap_lks_parse(const lks_call *call, lks_common_options *common, void *own);
const char **__real_lks_argument_list(int argc);
const char **__wrap_lks_argument_list(int argc);
int __wrap_lks_with_comm(lks_common_options *common,
                         lks_status (*work)(lks_comm *comm, void *input, int *exit_status,
                                            lks_error *err),
                         void *input);

static struct {
    jmp_buf end;
    int status;
    bool may_print, watching;
    void *blocks[BLOCKS_MOST]; /* of memory, taken while the arguments are read */
    int n_blocks;
} now;

/* Of the sanitizers, none in builds without. */
extern __attribute__((weak)) int
__sanitizer_install_malloc_and_free_hooks(void (*taken)(const volatile void *block, size_t size),
                                          void (*freed)(const volatile void *block));

static void note_taken(const volatile void *block, size_t size) {
    (void)size;
    if (now.watching && now.n_blocks < BLOCKS_MOST)
        memcpy(&now.blocks[now.n_blocks++], &block, sizeof block);
}

static void note_freed(const volatile void *block) {
    for (int i = now.n_blocks; i-- > 0;)
        if (now.blocks[i] == block) {
            now.blocks[i] = now.blocks[--now.n_blocks];
            return;
        }
}

/* A program that ends in the middle of its arguments has no need to free what it has, and neither has argp. */
void __wrap_lks_process_end(int status) {
    const bool midway = now.watching;
    now.watching = false;
    while (midway && now.n_blocks > 0)
        free(now.blocks[--now.n_blocks]);
    now.status = status;
    longjmp(now.end, 1);
}

void __wrap_lks_process_stops_gently(void) {
}

/* A command that does not speak has nothing to do, but to free what it has. */
bool __wrap_lks_speaks(void) {
    return now.may_print;
}

const char **__wrap_lks_argument_list(int argc) {
    now.watching = true;
    return __real_lks_argument_list(argc);
}

void __wrap_lks_parse(const lks_call *call, lks_common_options *common, void *own) {
    now.watching = true;
    __real_lks_parse(call, common, own);
    now.watching = false;
    now.may_print =
        strcmp(call->command->name, "help") == 0 || strcmp(call->command->name, "configs") == 0;
}

int __wrap_lks_with_comm(lks_common_options *common,
                         lks_status (*work)(lks_comm *comm, void *input, int *exit_status,
                                            lks_error *err),
                         void *input) {
    (void)common, (void)work, (void)input;
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static char buffer[BUFSIZ];
    (void)argc, (void)argv;
    if (!freopen("/dev/null", "w", stdout) || setvbuf(stdout, buffer, _IOFBF, sizeof buffer) != 0)
        abort();
    if (__sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(note_taken, note_freed);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *argv[WORDS_MOST + 1] = {"lockstep"}, name[] = "lockstep", *next;
    char *text = fuzz_text(data, size);
    int argc = 1;
    argv[0] = name;
    for (char *word = text; word && *word && argc < WORDS_MOST; word = next) {
        next = strchr(word, '\n');
        if (next)
            *next++ = '\0';
        argv[argc++] = word;
    }
    if (argc == 1) { /* it prints how it is used, each time the same */
        free(text);
        return 0;
    }
    memset(&now, 0, sizeof now);
    now.may_print = true;
    if (setjmp(now.end) == 0)
        lockstep_main(argc, argv);
    if (now.status != 0 && now.status != 2)
        abort();
    free(text);
    return 0;
}
