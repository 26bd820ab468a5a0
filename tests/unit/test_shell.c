/* Words for a shell: bash reads back what was meant. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shell.h"

/* What bash makes of the text, as one argument; "" where it makes several or none of it. */
static void read_back(const char *text, char *got, size_t size) {
    char path[300], command[400];
    snprintf(path, sizeof path, "%s/word.sh", lks_test_folder());
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fprintf(f, "set -- %s\n[ $# -eq 1 ] && printf %%s \"$1\"\n", text);
    fclose(f);
    snprintf(command, sizeof command, "bash '%s'", path);
    f = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    got[fread(got, 1, size - 1, f)] = '\0';
    pclose(f);
}

static void test_words(void) {
    static const char *const words[] = {"runs/mnist",
                                        "gold #2",
                                        "it's",
                                        "a: b",
                                        "$HOME",
                                        "`id`",
                                        "~",
                                        "a\\b",
                                        "*",
                                        "!x",
                                        "a\nb",
                                        "\x1b[1m\\'\t",
                                        "\xc3\xbc \xff",
                                        "data.dir=\"x\"",
                                        "'",
                                        "[gold]",
                                        "{a,b}",
                                        "a;b&c|d<e>f",
                                        "=x",
                                        "%x",
                                        "a=\"it's\"\x01",
                                        "(a)",
                                        "#x",
                                        " ",
                                        "a\"b",
                                        "\\",
                                        "\r",
                                        "x=~",
                                        "a\x7f",
                                        ""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *text = lks_shell_word(words[i]), got[100];
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        read_back(text, got, sizeof got);
        if (strcmp(got, words[i]) != 0)
            printf("\n    %s\n", text);
        CU_ASSERT_STRING_EQUAL(got, words[i]);
        for (const char *c = text; *c; c++) /* nothing that a terminal obeys */
            CU_ASSERT((unsigned char)*c >= 0x20 && *c != 0x7f);
        free(text);
    }
}

static void test_spelling(void) {
    char *text = lks_shell_word("runs/a-b_c.d");
    CU_ASSERT_STRING_EQUAL(text, "runs/a-b_c.d");
    free(text);
    text = lks_shell_word("-rf");
    CU_ASSERT_STRING_EQUAL(text, "./-rf");
    free(text);
    text = lks_shell_word("-r f");
    CU_ASSERT_STRING_EQUAL(text, "'./-r f'");
    free(text);
}

int main(void) {
    static const lks_test tests[] = {
        {"bash reads them back", test_words}, {"spelling", test_spelling}, {NULL, NULL}};
    return lks_test_main("shell", tests);
}
