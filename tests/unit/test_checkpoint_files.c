/* Folders of checkpoints: listing, links, pruning; and publishing files in one step. */
#include "checkpoint_sample.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "files/publish.h"
#include "support/test.h"

static lks_error err;

static void touch(const char *dir, const char *name) {
    char path[PATH_MAX_TEST];
    path_in(path, dir, name);
    store(path, "", 0);
}

static void touch_steps(const char *dir, const int64_t *steps, int n) {
    for (int i = 0; i < n; i++) {
        char path[LKS_PATH_MAX + 64];
        lks_checkpoint_path(dir, steps[i], path);
        store(path, "", 0);
    }
}

static bool has_step(const char *dir, int64_t step) {
    char path[LKS_PATH_MAX + 64];
    lks_checkpoint_path(dir, step, path);
    return exists(path);
}

/* --- listing ------------------------------------------------------------------------------ */

static void paths_have_eight_digits_or_more(void) {
    char path[LKS_PATH_MAX + 64], dir[LKS_PATH_MAX + 64];
    lks_checkpoint_path("run/checkpoints", 42, path);
    CU_ASSERT_STRING_EQUAL(path, "run/checkpoints/step-00000042.h5");
    lks_checkpoint_path(".", 1234567890123, path);
    CU_ASSERT_STRING_EQUAL(path, "./step-1234567890123.h5");
    memset(dir, 'd', sizeof dir);
    dir[sizeof dir - 10] = 0;
    lks_checkpoint_path(dir, 1, path);
    CU_ASSERT_STRING_EQUAL(path, ""); /* never a cut path */
}

static void the_list_holds_checkpoints_only(void) {
    static const char *const foreign[] = {"step-0000001.h5",   "step-00000001.h5~",
                                          "step-000000001.h5", "step-0000000x.h5",
                                          "step-.h5",          "Step-00000001.h5",
                                          "step-00000001",     "step--0000001.h5",
                                          "xstep-00000001.h5", "step-99999999999999999999999999.h5",
                                          "notes.txt",         ".hidden"};
    char dir[PATH_MAX_TEST], path[PATH_MAX_TEST];
    make_dir(dir, "list");
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        touch(dir, foreign[i]);
    path_in(path, dir, "step-00000077.h5");
    CU_ASSERT_EQUAL(mkdir(path, 0777), 0);
    touch_steps(dir, (const int64_t[]){7, 100000000, 30}, 3);
    char **paths;
    int n;
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_list(dir, false, &paths, &n, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(n, 3);
    static const char *const expected[] = {"step-100000000.h5", "step-00000030.h5",
                                           "step-00000007.h5"};
    for (int i = 0; i < 3; i++) {
        path_in(path, dir, expected[i]);
        CU_ASSERT_STRING_EQUAL(paths[i], path);
    }
    free(paths);
}

static void thousands_are_listed_in_order(void) {
    enum { N = 3000 };
    char dir[PATH_MAX_TEST], path[LKS_PATH_MAX + 64], **paths;
    int n, wrong = 0;
    make_dir(dir, "thousands");
    for (int64_t i = 0; i < N; i++)
        touch_steps(dir, &(int64_t){i * 7919 % N}, 1);
    CU_ASSERT_EQUAL_FATAL(lks_checkpoint_list(dir, false, &paths, &n, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(n, N);
    for (int i = 0; i < N; i++) {
        lks_checkpoint_path(dir, N - 1 - i, path);
        wrong += strcmp(paths[i], path) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(paths);
}

static void leftovers_go_when_asked(void) {
    char dir[PATH_MAX_TEST], **paths;
    int n;
    make_dir(dir, "leftovers");
    touch(dir, ".tmp-step-00000001.h5.host-12-0");
    touch(dir, ".temporary");
    touch_steps(dir, (const int64_t[]){1}, 1);
    CU_ASSERT_EQUAL(lks_checkpoint_list(dir, false, &paths, &n, &err), LKS_OK);
    free(paths);
    CU_ASSERT_EQUAL(count_entries(dir, ".tmp-"), 1);
    CU_ASSERT_EQUAL(lks_checkpoint_list(dir, true, &paths, &n, &err), LKS_OK);
    CU_ASSERT_EQUAL(n, 1);
    free(paths);
    CU_ASSERT_EQUAL(count_entries(dir, ".tmp-"), 0);
    CU_ASSERT_EQUAL(count_entries(dir, ""), 2);
}

static void missing_is_empty_and_unreadable_is_an_error(void) {
    char path[PATH_MAX_TEST], **paths;
    int n = -1;
    test_path(path, "no-such-folder");
    CU_ASSERT_EQUAL(lks_checkpoint_list(path, true, &paths, &n, &err), LKS_OK);
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_PTR_NULL(paths);
    test_path(path, "file");
    store(path, "", 0);
    CU_ASSERT_EQUAL(lks_checkpoint_list(path, false, &paths, &n, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(ENOTDIR)));
    make_dir(path, "closed");
    chmod(path, 0);
    bool root = geteuid() == 0;
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0); /* root reads everything */
    CU_ASSERT_EQUAL(lks_checkpoint_list(path, true, &paths, &n, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(EACCES)));
    CU_ASSERT_EQUAL(lks_checkpoint_prune(path, 1, 0, &err), LKS_ERR_IO);
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    chmod(path, 0700);
}

/* --- links and pruning -------------------------------------------------------------------- */

static void links_are_relative_and_move(void) {
    char dir[PATH_MAX_TEST], path[PATH_MAX_TEST], target[PATH_MAX_TEST] = "";
    make_dir(dir, "links");
    path_in(path, dir, "last.h5");
    touch_steps(dir, (const int64_t[]){10, 20}, 2);
    CU_ASSERT_EQUAL(lks_checkpoint_link(dir, "last.h5", 10, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_checkpoint_link(dir, "last.h5", 20, &err), LKS_OK);
    CU_ASSERT_EQUAL(readlink(path, target, sizeof target - 1), 16);
    CU_ASSERT_STRING_EQUAL(target, "step-00000020.h5");
    CU_ASSERT_EQUAL(lks_checkpoint_link(dir, "last.h5", 30, &err), LKS_ERR_IO); /* no such file */
    CU_ASSERT_EQUAL(readlink(path, target, sizeof target - 1), 16);
    CU_ASSERT_STRING_EQUAL(target, "step-00000020.h5");
    path_in(path, dir, "folder.h5");
    CU_ASSERT_EQUAL(mkdir(path, 0777), 0);
    CU_ASSERT_EQUAL(lks_checkpoint_link(dir, "folder.h5", 10, &err), LKS_ERR_IO);
    CU_ASSERT_EQUAL(count_entries(dir, ".tmp-"), 0);
}

static void pruning_keeps_the_newest_and_the_linked(void) {
    char dir[PATH_MAX_TEST];
    make_dir(dir, "prune");
    touch_steps(dir, (const int64_t[]){10, 20, 30, 40, 50, 60}, 6);
    touch(dir, "notes.txt");
    CU_ASSERT_EQUAL(lks_checkpoint_link(dir, "best.h5", 20, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_checkpoint_link(dir, "last.h5", 40, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_checkpoint_prune(dir, 0, 0, &err), LKS_OK);
    CU_ASSERT_EQUAL(count_entries(dir, "step-"), 6);
    CU_ASSERT_EQUAL(lks_checkpoint_prune(dir, 7, 0, &err), LKS_OK);
    CU_ASSERT_EQUAL(count_entries(dir, "step-"), 6);
    CU_ASSERT_EQUAL(lks_checkpoint_prune(dir, 2, 0, &err), LKS_OK);
    CU_ASSERT_EQUAL(count_entries(dir, "step-"), 4);
    CU_ASSERT_TRUE(has_step(dir, 20) && has_step(dir, 40) && has_step(dir, 50) &&
                   has_step(dir, 60));
    CU_ASSERT_EQUAL(count_entries(dir, ""), 7);
}

/* --- publishing --------------------------------------------------------------------------- */

static void text_is_published_whole(void) {
    char path[PATH_MAX_TEST], dir[PATH_MAX_TEST];
    make_dir(dir, "text");
    path_in(path, dir, "summary.json");
    size_t size;
    CU_ASSERT_EQUAL(lks_publish_text(path, "{\"a\": 1}\n", 9, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_publish_text(path, "two\0three", 9, &err), LKS_OK);
    unsigned char *text = load(path, &size);
    CU_ASSERT_TRUE(size == 9 && memcmp(text, "two\0three", 9) == 0);
    free(text);
    CU_ASSERT_EQUAL(lks_publish_text(path, "", 0, &err), LKS_OK);
    free(load(path, &size));
    CU_ASSERT_EQUAL(size, 0);
    CU_ASSERT_EQUAL(lks_publish_text("", "x", 1, &err), LKS_ERR_IO);
    CU_ASSERT_EQUAL(count_entries(dir, ""), 1);
}

/** The old file stays until all parts are there, and for good where the caller failed meanwhile. */
static void parts_become_one_file(void) {
    enum { PARTS = 300, SIZE = 997 };
    char dir[PATH_MAX_TEST], path[PATH_MAX_TEST], part[SIZE];
    lks_publication *p;
    size_t size;
    make_dir(dir, "parts");
    path_in(path, dir, "trace.json");
    store(path, "old", 3);
    for (int round = 0; round < 2; round++) {
        CU_ASSERT_EQUAL_FATAL(lks_publish_start(&p, path, &err), LKS_OK);
        for (int i = 0; i < PARTS; i++) {
            memset(part, i, SIZE);
            CU_ASSERT_EQUAL(lks_publish_add(p, part, SIZE, &err), LKS_OK);
        }
        free(load(path, &size));
        CU_ASSERT_EQUAL(size, 3);
        CU_ASSERT_EQUAL(count_entries(dir, ".tmp-"), 1);
        lks_status so_far = round == 0 ? lks_fail(&err, LKS_ERR_MEMORY, "mine") : LKS_OK;
        CU_ASSERT_EQUAL(lks_publish_finish(p, so_far, &err), so_far);
        CU_ASSERT_STRING_EQUAL(err.text, "mine");
        CU_ASSERT_EQUAL(count_entries(dir, ""), 1);
    }
    unsigned char *found = load(path, &size);
    CU_ASSERT_EQUAL_FATAL(size, PARTS * SIZE);
    int wrong = 0;
    for (size_t i = 0; i < size; i++)
        wrong += found[i] != (unsigned char)(i / SIZE);
    CU_ASSERT_EQUAL(wrong, 0);
    free(found);
}

/** What cannot be published is known before, and looking leaves nothing behind. */
static void places_are_checked(void) {
    char dir[PATH_MAX_TEST], path[PATH_MAX_TEST], below[PATH_MAX_TEST];
    lks_publication *p;
    make_dir(dir, "checked");
    path_in(path, dir, "file");
    CU_ASSERT_EQUAL(lks_publish_check(path, &err), LKS_OK);
    CU_ASSERT_EQUAL(count_entries(dir, ""), 0);
    store(path, "old", 3);
    CU_ASSERT_EQUAL(lks_publish_check(path, &err), LKS_OK);
    CU_ASSERT_EQUAL(count_entries(dir, ""), 1);
    CU_ASSERT_EQUAL(lks_publish_check(dir, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "folder"));
    CU_ASSERT_EQUAL(lks_publish_check("/dev/null", &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "regular"));
    path_in(below, dir, "pipe");
    CU_ASSERT_EQUAL_FATAL(mkfifo(below, 0600), 0);
    CU_ASSERT_EQUAL(lks_publish_text(below, "new", 3, &err), LKS_ERR_IO);
    struct stat there;
    CU_ASSERT(lstat(below, &there) == 0 && S_ISFIFO(there.st_mode));
    remove(below);
    CU_ASSERT_EQUAL(lks_publish_check("", &err), LKS_ERR_IO);
    path_in(below, path, "below a file");
    CU_ASSERT_EQUAL(lks_publish_check(below, &err), LKS_ERR_IO);
    path_in(below, dir, "nowhere/file");
    CU_ASSERT_EQUAL(lks_publish_check(below, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, below));
    CU_ASSERT_EQUAL(lks_publish_start(&p, below, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NULL(p);
    CU_ASSERT_EQUAL(count_entries(dir, ""), 1);
}

/** A name without a folder goes to the working folder. */
static void plain_names_work(void) {
    char here[PATH_MAX_TEST], dir[PATH_MAX_TEST];
    make_dir(dir, "working");
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof here));
    CU_ASSERT_EQUAL_FATAL(chdir(dir), 0);
    CU_ASSERT_EQUAL(lks_publish_text("plain.txt", "x", 1, &err), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(chdir(here), 0);
    CU_ASSERT_EQUAL(count_entries(dir, "plain.txt"), 1);
}

/** Several programs write one file at once: each succeeds, and one of the texts is there in the
 * end. */
static void writers_do_not_collide(void) {
    enum { WRITERS = 4, ROUNDS = 20, SIZE = 40000 };
    char dir[PATH_MAX_TEST], path[PATH_MAX_TEST], *text = malloc(SIZE);
    int failed = 0;
    make_dir(dir, "crowd");
    path_in(path, dir, "file");
    fflush(NULL);
    for (int w = 0; w < WRITERS; w++) {
        if (fork() != 0)
            continue;
        memset(text, 'a' + w, SIZE);
        for (int i = 0; i < ROUNDS; i++)
            failed += lks_publish_text(path, text, SIZE, &err) != LKS_OK;
        _exit(failed ? 1 : 0);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;
        wait(&status);
        failed += status != 0;
    }
    CU_ASSERT_EQUAL(failed, 0);
    size_t size;
    unsigned char *found = load(path, &size);
    CU_ASSERT_EQUAL(size, SIZE);
    memset(text, found[0], SIZE);
    CU_ASSERT_TRUE(size == SIZE && memcmp(found, text, SIZE) == 0);
    CU_ASSERT_EQUAL(count_entries(dir, ""), 1);
    free(found);
    free(text);
}

static void check_text(const char *dir, const char *name, const char *wanted) {
    char path[PATH_MAX_TEST];
    size_t size;
    path_in(path, dir, name);
    char *text = (char *)load(path, &size);
    CU_ASSERT_TRUE(size == strlen(wanted) && memcmp(text, wanted, size) == 0);
    free(text);
}

static void a_set_is_replaced_whole(void) {
    char dir[PATH_MAX_TEST], a[PATH_MAX_TEST], b[PATH_MAX_TEST], c[PATH_MAX_TEST];
    make_dir(dir, "set");
    path_in(a, dir, "a");
    path_in(b, dir, "b");
    path_in(c, dir, "c");
    const lks_publish_item old[] = {{a, "old a", 5}, {b, "old b", 5}, {c, NULL, 0}};
    const lks_publish_item new[] = {{a, "new", 3}, {b, NULL, 0}, {c, "", 0}};
    CU_ASSERT_EQUAL(lks_publish_set(old, 3, &err), LKS_OK);
    CU_ASSERT_EQUAL(count_entries(dir, ""), 2);
    CU_ASSERT_EQUAL(lks_publish_set(new, 3, &err), LKS_OK);
    CU_ASSERT_EQUAL(count_entries(dir, ""), 2);
    check_text(dir, "a", "new");
    check_text(dir, "c", "");
}

/* The second file is larger than the system allows: the first one, which was not, stays as it was,
 * and so does one that should have gone. */
static void a_set_that_fails_changes_nothing(void) {
    char dir[PATH_MAX_TEST], a[PATH_MAX_TEST], b[PATH_MAX_TEST], c[PATH_MAX_TEST];
    static char large[1 << 16];
    make_dir(dir, "failing");
    path_in(a, dir, "a");
    path_in(b, dir, "b");
    path_in(c, dir, "c");
    CU_ASSERT_EQUAL(lks_publish_text(a, "old a", 5, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_publish_text(c, "old c", 5, &err), LKS_OK);
    const lks_publish_item set[] = {{c, NULL, 0}, {a, "new", 3}, {b, large, sizeof large}};
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 15, limit.rlim_max});
    CU_ASSERT_EQUAL(lks_publish_set(set, 3, &err), LKS_ERR_IO);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_DFL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, b));
    CU_ASSERT_EQUAL(count_entries(dir, ""), 2);
    check_text(dir, "a", "old a");
    check_text(dir, "c", "old c");
}

static void folders_are_made_with_those_above(void) {
    char dir[PATH_MAX_TEST], path[PATH_MAX_TEST];
    make_dir(dir, "above");
    path_in(path, dir, "one/two//three/");
    CU_ASSERT_EQUAL(lks_publish_folder(path, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_publish_folder(path, &err), LKS_OK);
    path_in(path, dir, "one/two/three");
    CU_ASSERT_TRUE(exists(path));
    touch(dir, "file");
    path_in(path, dir, "file/below");
    CU_ASSERT_EQUAL(lks_publish_folder(path, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
}

int main(void) {
    const lks_test tests[] = {
        {"paths have eight digits or more", paths_have_eight_digits_or_more},
        {"the list holds checkpoints only", the_list_holds_checkpoints_only},
        {"thousands are listed in order", thousands_are_listed_in_order},
        {"left-overs go when asked", leftovers_go_when_asked},
        {"missing is empty and unreadable is an error",
         missing_is_empty_and_unreadable_is_an_error},
        {"links are relative and move", links_are_relative_and_move},
        {"pruning keeps the newest and the linked", pruning_keeps_the_newest_and_the_linked},
        {"text is published whole", text_is_published_whole},
        {"parts become one file", parts_become_one_file},
        {"places are checked", places_are_checked},
        {"plain names work", plain_names_work},
        {"writers do not collide", writers_do_not_collide},
        {"a set is replaced whole", a_set_is_replaced_whole},
        {"a set that fails changes nothing", a_set_that_fails_changes_nothing},
        {"folders are made with those above", folders_are_made_with_those_above},
        {NULL, NULL},
    };
    return lks_test_main("checkpoint files", tests);
}
