/* Who may publish: files in two steps, the guard that is asked, and what the next life removes. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "files/publish.h"
#include "support/test.h"

static lks_error err;
static char dir[4096];

static void fresh(const char *name) {
    snprintf(dir, sizeof dir, "%s/%s", lks_test_folder(), name);
    CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0777), 0);
}

static const char *in(const char *name) {
    static char path[8192];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void store(const char *name, const char *text) {
    FILE *f = fopen(in(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static bool holds(const char *name, const char *text) {
    char found[64] = "";
    FILE *f = fopen(in(name), "r");
    if (!f)
        return !text;
    const size_t n = fread(found, 1, sizeof found - 1, f);
    fclose(f);
    return text && n == strlen(text) && memcmp(found, text, n) == 0;
}

/* Entries whose names begin with `prefix`. */
static int count(const char *prefix) {
    DIR *d = opendir(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return n;
}

/* --- a guard ---------------------------------------------------------------------------------- */

typedef struct keeper {
    int asked, temporaries;
    bool refuses;
    bool next_life; /* another process takes over right after the first answer */
} keeper;

static lks_status ask(void *context, lks_error *e) {
    keeper *k = context;
    k->asked++;
    k->temporaries = count(".tmp-");
    if (k->refuses)
        return lks_fail(e, LKS_ERR_BUSY, "overtaken");
    if (k->next_life) {
        k->refuses = true;
        lks_publish_guard(8, ask, k); /* as that process would clean */
        lks_publish_clean(dir);
        lks_publish_guard(7, ask, k);
    }
    return LKS_OK;
}

static keeper guarded(bool refuses, bool next_life) {
    return (keeper){.refuses = refuses, .next_life = next_life};
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_prepared_file_gets_its_name_when_committed(void) {
    lks_unpublished *p;
    fresh("prepared");
    store("file", "old");
    CU_ASSERT_EQUAL_FATAL(lks_publish_prepare(&p, in("file"), "new", 3, &err), LKS_OK);
    CU_ASSERT_TRUE(holds("file", "old"));
    CU_ASSERT_EQUAL(count(".tmp-"), 1);
    CU_ASSERT_EQUAL(lks_publish_commit(p, &err), LKS_OK);
    CU_ASSERT_TRUE(holds("file", "new"));
    CU_ASSERT_EQUAL(count(".tmp-"), 0);
    CU_ASSERT_EQUAL_FATAL(lks_publish_prepare(&p, in("file"), "other", 5, &err), LKS_OK);
    lks_publish_drop(p);
    lks_publish_drop(NULL);
    CU_ASSERT_TRUE(holds("file", "new"));
    CU_ASSERT_EQUAL(count(".tmp-"), 0);
    CU_ASSERT_EQUAL(lks_publish_prepare(&p, in("missing/file"), "x", 1, &err), LKS_ERR_IO);
    CU_ASSERT_PTR_NULL(p);
}

static lks_status publish(void) {
    return lks_publish_text(in("file"), "new", 3, &err);
}

static lks_status publish_link(void) {
    return lks_publish_link(in("file"), "target", &err);
}

static lks_status publish_parts(void) {
    lks_publication *p;
    CU_ASSERT_EQUAL_FATAL(lks_publish_start(&p, in("file"), &err), LKS_OK);
    lks_status status = lks_publish_add(p, "new", 3, &err);
    return lks_publish_finish(p, status, &err);
}

static lks_status take_away(void) {
    return lks_publish_remove(in("file"), &err);
}

static lks_status publish_prepared(void) {
    lks_unpublished *p;
    CU_ASSERT_EQUAL_FATAL(lks_publish_prepare(&p, in("file"), "new", 3, &err), LKS_OK);
    return lks_publish_commit(p, &err);
}

static lks_status (*const ways[])(void) = {publish, publish_link, publish_parts, take_away,
                                           publish_prepared};

/* Asked when the temporary is there; refused: the file stays as it was and no temporary is left. */
static void every_way_asks_the_guard(void) {
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        char name[32];
        snprintf(name, sizeof name, "asks-%zu", w);
        fresh(name);
        store("file", "old");
        keeper k = guarded(true, false);
        lks_publish_guard(7, ask, &k);
        CU_ASSERT_EQUAL(ways[w](), LKS_ERR_BUSY);
        CU_ASSERT_STRING_EQUAL(err.text, "overtaken");
        CU_ASSERT_TRUE(k.asked > 0);
        CU_ASSERT_EQUAL(k.temporaries, 1);
        CU_ASSERT_TRUE(holds("file", "old"));
        CU_ASSERT_EQUAL(count(".tmp-"), 0);
        k.refuses = false;
        CU_ASSERT_EQUAL(ways[w](), LKS_OK);
        CU_ASSERT_FALSE(holds("file", "old"));
        CU_ASSERT_EQUAL(count(".tmp-"), 0);
        lks_publish_guard(0, NULL, NULL);
    }
}

/* A life that is stopped between the answer and the rename finds nothing that it could rename. */
static void an_overtaken_life_changes_nothing(void) {
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        char name[32];
        snprintf(name, sizeof name, "overtaken-%zu", w);
        fresh(name);
        store("file", "old");
        keeper k = guarded(false, true);
        lks_publish_guard(7, ask, &k);
        CU_ASSERT_EQUAL(ways[w](), LKS_ERR_BUSY);
        CU_ASSERT_STRING_EQUAL(err.text, "overtaken");
        CU_ASSERT_EQUAL(k.asked, 2);
        CU_ASSERT_TRUE(holds("file", "old"));
        lks_publish_guard(0, NULL, NULL);
    }
}

static void what_is_not_there_is_removed(void) {
    fresh("absent");
    keeper k = guarded(false, false);
    CU_ASSERT_EQUAL(lks_publish_remove(in("none"), &err), LKS_OK);
    CU_ASSERT_EQUAL(symlink("nowhere", in("link")), 0);
    lks_publish_guard(7, ask, &k);
    CU_ASSERT_EQUAL(lks_publish_remove(in("none"), &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_publish_remove(in("link"), &err), LKS_OK);
    lks_publish_guard(0, NULL, NULL);
    CU_ASSERT_EQUAL(count("link"), 0);
    CU_ASSERT_EQUAL(count(".tmp-"), 0);
}

/* Only what former lives, or unknown ones, have left: not a later life's. */
static void cleaning_spares_this_life_and_later_ones(void) {
    fresh("clean");
    static const char *const names[] = {".tmp-6-a.host-1-1", ".tmp-7-a.host-1-1",
                                        ".tmp-8-a.host-1-1", ".tmp-a.host-1-1",
                                        ".tmp-0-a.host-1-1", "step-00000001.h5"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        store(names[i], "x");
    CU_ASSERT_EQUAL(mkdir(in(".tmp-6-b.host-1-2"), 0777), 0);
    store(".tmp-6-b.host-1-2/b", "x");
    keeper k = guarded(false, false);
    lks_publish_guard(7, ask, &k);
    lks_publish_clean(dir);
    lks_publish_guard(0, NULL, NULL);
    CU_ASSERT_EQUAL(count(".tmp-"), 2);
    CU_ASSERT_EQUAL(count(".tmp-7-"), 1);
    CU_ASSERT_EQUAL(count(".tmp-8-"), 1);
    CU_ASSERT_EQUAL(count("step-"), 1);
    lks_publish_clean(dir);
    CU_ASSERT_EQUAL(count(".tmp-"), 0);
}

int main(void) {
    static const lks_test tests[] = {
        {"a prepared file gets its name when committed",
         a_prepared_file_gets_its_name_when_committed},
        {"every way asks the guard", every_way_asks_the_guard},
        {"an overtaken life changes nothing", an_overtaken_life_changes_nothing},
        {"what is not there is removed", what_is_not_there_is_removed},
        {"cleaning spares this life and later ones", cleaning_spares_this_life_and_later_ones},
        {NULL, NULL}};
    return lks_test_main("publish", tests);
}
