/* Class folders: labels by name, pictures in order of their names, the rest told by kind. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pictures/picture_folder.h"

static lks_error err;
static lks_picture_folder folder;

/* A path in the scratch folder; four may be in use at once. */
static const char *path_of(const char *name) {
    static char paths[4][2048];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", lks_test_folder(), name);
    return path;
}

/* An empty file, and the folders above it. */
static void touch(const char *name) {
    char path[2048];
    snprintf(path, sizeof path, "%s", path_of(name));
    for (char *c = path + strlen(lks_test_folder()) + 1; (c = strchr(c, '/')); *c++ = '/') {
        *c = 0;
        mkdir(path, 0777);
    }
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fclose(f) == 0);
}

static void touch_all(const char *const *names) {
    for (; *names; names++)
        touch(*names);
}

static void scan(const char *name) {
    lks_status status = lks_picture_folder_scan(&folder, path_of(name), &err);
    if (status != LKS_OK)
        printf("\n  %s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(status, LKS_OK);
}

static void check_refused(const char *name, const char *where, const char *why) {
    err.text[0] = 0;
    CU_ASSERT_EQUAL(lks_picture_folder_scan(&folder, path_of(name), &err), LKS_ERR_DATA);
    CU_ASSERT_TRUE(folder.n_pictures == 0 && !folder.pictures);
    bool good = strstr(err.text, path_of(where)) == err.text && strstr(err.text, why);
    if (!good)
        printf("\n  wanted %s: \"%s\", got: %s\n", where, why, err.text);
    CU_ASSERT_TRUE(good);
}

static void check_classes(const char *const *names) {
    int n = 0;
    for (; names[n] && n < folder.n_classes; n++)
        CU_ASSERT_STRING_EQUAL(folder.class_names[n], names[n]);
    CU_ASSERT_TRUE(!names[n] && folder.n_classes == n);
}

static void check_picture(int i, const char *name, int label, bool test) {
    CU_ASSERT_FATAL(i < folder.n_pictures);
    CU_ASSERT_STRING_EQUAL(folder.pictures[i].path, path_of(name));
    CU_ASSERT_EQUAL(folder.pictures[i].label, label);
    CU_ASSERT_EQUAL(folder.pictures[i].test, test);
}

/* --- good folders ----------------------------------------------------------------------------- */

static void labels_follow_names(void) {
    touch_all((const char *const[]){"words/b/1.png", "words/a10/1.png", "words/a9/1.png",
                                    "words/B/1.png", "words/.hidden/1.png", NULL});
    scan("words");
    check_classes((const char *const[]){"B", "a10", "a9", "b", NULL});
    lks_picture_folder_free(&folder);
    touch_all((const char *const[]){"numbers/10/1.png", "numbers/9/1.png", "numbers/007/1.png",
                                    "numbers/99999999999999999999999/1.png", "numbers/0/1.png",
                                    NULL});
    scan("numbers");
    check_classes((const char *const[]){"0", "007", "9", "10", "99999999999999999999999", NULL});
    lks_picture_folder_free(&folder);
    touch("numbers/x/1.png"); /* one is no number */
    scan("numbers");
    check_classes(
        (const char *const[]){"0", "007", "10", "9", "99999999999999999999999", "x", NULL});
    lks_picture_folder_free(&folder);
}

static void pictures_are_in_order(void) {
    touch_all((const char *const[]){"order/a/10.png", "order/a/9.PNG", "order/a/2/z.pgm",
                                    "order/a/2.pnm", "order/a/deep/er/x.PpM", "order/b/a.pbm",
                                    "order/b/b.jpg", "order/b/c.JPEG", "order/a/.hidden.png",
                                    "order/a/.git/1.png", NULL});
    scan("order");
    CU_ASSERT_FALSE(folder.has_test);
    CU_ASSERT_EQUAL(folder.n_pictures, 8);
    check_picture(0, "order/a/10.png", 0, false);
    check_picture(1, "order/a/2.pnm", 0, false);
    check_picture(2, "order/a/2/z.pgm", 0, false);
    check_picture(3, "order/a/9.PNG", 0, false);
    check_picture(4, "order/a/deep/er/x.PpM", 0, false);
    check_picture(5, "order/b/a.pbm", 1, false);
    check_picture(6, "order/b/b.jpg", 1, false);
    check_picture(7, "order/b/c.JPEG", 1, false);
    CU_ASSERT_EQUAL(folder.n_left_out, 0);
    lks_picture_folder_free(&folder);
}

static void others_are_counted_by_kind(void) {
    touch_all((const char *const[]){"kinds/a/1.png", "kinds/b/1.png", "kinds/a/x.tif",
                                    "kinds/b/c/y.TIF", "kinds/b/README", "kinds/notes.png",
                                    "kinds/a/name.d/file", NULL});
    scan("kinds");
    CU_ASSERT_EQUAL(folder.n_pictures, 2);
    CU_ASSERT_EQUAL_FATAL(folder.n_left_out, 3);
    const lks_left_out *l = folder.left_out;
    CU_ASSERT_STRING_EQUAL(l[0].kind, "files in no class folder");
    CU_ASSERT_STRING_EQUAL(l[0].first, path_of("kinds/notes.png"));
    CU_ASSERT_STRING_EQUAL(l[1].kind, "files without an extension");
    CU_ASSERT_STRING_EQUAL(l[1].first, path_of("kinds/a/name.d/file"));
    CU_ASSERT_EQUAL(l[1].count, 2);
    CU_ASSERT_STRING_EQUAL(l[2].kind, ".tif files");
    CU_ASSERT_STRING_EQUAL(l[2].first, path_of("kinds/a/x.tif"));
    CU_ASSERT_EQUAL(l[2].count, 2);
    lks_picture_folder_free(&folder);
}

static void two_sets_share_labels(void) {
    touch_all((const char *const[]){"sets/train/x/1.png", "sets/train/10/1.png",
                                    "sets/train/9/1.png", "sets/test/9/2.png", "sets/test/10/2.png",
                                    "sets/test/9/1.png", "sets/validation/x/1.png", NULL});
    scan("sets"); /* "x" makes the order that of bytes, in test too */
    CU_ASSERT_TRUE(folder.has_test);
    check_classes((const char *const[]){"10", "9", "x", NULL});
    CU_ASSERT_EQUAL(folder.n_pictures, 6);
    check_picture(0, "sets/train/10/1.png", 0, false);
    check_picture(1, "sets/train/9/1.png", 1, false);
    check_picture(2, "sets/train/x/1.png", 2, false);
    check_picture(3, "sets/test/10/2.png", 0, true);
    check_picture(4, "sets/test/9/1.png", 1, true);
    check_picture(5, "sets/test/9/2.png", 1, true);
    CU_ASSERT_EQUAL_FATAL(folder.n_left_out, 1);
    CU_ASSERT_STRING_EQUAL(folder.left_out[0].first, path_of("sets/validation"));
    lks_picture_folder_free(&folder);
    touch("sets/test/new/1.png");
    check_refused("sets", "sets/test/new", "train has no folder of this class");
}

static void links_are_followed(void) {
    touch_all((const char *const[]){"elsewhere/1.png", "links/a/1.png", "links/b/1.png", NULL});
    CU_ASSERT_EQUAL(symlink("../elsewhere", path_of("links/c")), 0);
    CU_ASSERT_EQUAL(symlink("../../elsewhere/1.png", path_of("links/a/2.png")), 0);
    CU_ASSERT_EQUAL(symlink("nowhere", path_of("links/a/3.png")), 0); /* reading it will tell */
    scan("links");
    CU_ASSERT_EQUAL(folder.n_classes, 3);
    CU_ASSERT_EQUAL(folder.n_pictures, 5);
    lks_picture_folder_free(&folder);
    CU_ASSERT_EQUAL(symlink("../b", path_of("links/b/loop")), 0);
    check_refused("links", "links/b/loop", "links to a folder that it is in");
}

/* Forty folders with two links each to the one before: a million million paths. */
static void each_folder_is_walked_once(void) {
    enum { DEEP = 40 };
    char name[64], below[32];
    touch_all((const char *const[]){"once/b/1.png", "once/a/0/1.png", NULL});
    for (int i = 1; i < DEEP; i++) {
        snprintf(name, sizeof name, "once/a/%d/1.png", i);
        touch(name);
        snprintf(below, sizeof below, "../%d", i - 1);
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "once/a/%d/link%d", i, k);
            CU_ASSERT_EQUAL(symlink(below, path_of(name)), 0);
        }
    }
    scan("once");
    CU_ASSERT_EQUAL(folder.n_pictures, DEEP + 1);
    CU_ASSERT_FATAL(folder.n_left_out == 1 && folder.left_out[0].count == 2 * (DEEP - 1));
    lks_picture_folder_free(&folder);
}

static void many_pictures_are_listed(void) {
    char name[64];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "many/%d/%03d.png", i % 2, i);
        touch(name);
    }
    scan("many");
    CU_ASSERT_EQUAL_FATAL(folder.n_pictures, 1000);
    check_picture(499, "many/0/998.png", 0, false);
    check_picture(500, "many/1/001.png", 1, false);
    lks_picture_folder_free(&folder);
}

/* --- bad folders ------------------------------------------------------------------------------ */

static void bad_folders_are_refused(void) {
    check_refused("nowhere", "nowhere", "cannot be listed");
    touch("file");
    check_refused("file", "file", "cannot be listed");
    touch("flat/1.png");
    check_refused("flat", "flat", "no class folders");
    touch("one/train/a/1.png");
    check_refused("one", "one", "give train itself as DIR");
    touch_all((const char *const[]){"empty/a/1.png", "empty/b/1.tif", NULL});
    check_refused("empty", "empty/b", "has no pictures");
    FILE *f = fopen(path_of("empty/b/1.tif"), "w");
    CU_ASSERT_FATAL(f && fputs("II*", f) >= 0 && fclose(f) == 0);
    check_refused("empty", "empty/b", "the first is a TIFF picture: `convert ");
    touch_all((const char *const[]){"notest/train/a/1.png", "notest/train/b/1.png",
                                    "notest/test/1.png", NULL});
    check_refused("notest", "notest/test", "no class folders");
}

static void too_many_classes_are_refused(void) {
    char name[64];
    for (int i = 0; i < 256; i++) {
        snprintf(name, sizeof name, "crowd/%d/1.png", i);
        touch(name);
    }
    scan("crowd");
    CU_ASSERT_EQUAL(folder.n_classes, 256);
    check_picture(255, "crowd/255/1.png", 255, false);
    lks_picture_folder_free(&folder);
    touch("crowd/256/1.png");
    check_refused("crowd", "crowd", "257 class folders; at most 256");
}

/* Folders by the names of a network's classes: some may be missing or empty, none may be another's. */
static void classes_may_be_known(void) {
    static lks_data_config c = {.n_class_names = 3, .class_names = {"cat", "a/b", "dog"}};
    touch_all(
        (const char *const[]){"known/dog/1.png", "known/a_b-1/2.png", "known/unsure/3.png", NULL});
    mkdir(path_of("known/cat"), 0777);
    CU_ASSERT_EQUAL_FATAL(lks_picture_folder_scan_known(&folder, path_of("known"), &c, 3, &err),
                          LKS_OK);
    CU_ASSERT(folder.n_pictures == 2 && folder.n_classes == 3);
    check_picture(0, "known/a_b-1/2.png", 1, false);
    check_picture(1, "known/dog/1.png", 2, false);
    CU_ASSERT_EQUAL(folder.n_left_out, 1);
    lks_picture_folder_free(&folder);
    touch("known/fox/1.png");
    CU_ASSERT_EQUAL(lks_picture_folder_scan_known(&folder, path_of("known"), &c, 3, &err),
                    LKS_ERR_DATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "known/fox: the network has no class of that name"));
}

static void folders_of_classes_stay_inside(void) {
    static const lks_data_config c = {
        .n_class_names = 8,
        .class_names = {"..", "a/b", "a_b", "unsure", ".hidden", "/etc/passwd", "7", "."}};
    static const char *const wanted[] = {"_.-0",      "a_b-1",         "a_b-2", "unsure-3",
                                         "_hidden-4", "_etc_passwd-5", "7",     "_-7"};
    char name[LKS_CLASS_FOLDER_MAX];
    for (int k = 0; k < 8; k++)
        CU_ASSERT_STRING_EQUAL(lks_class_folder(&c, 8, k, name), wanted[k]);
    const lks_data_config unnamed = {0};
    CU_ASSERT_STRING_EQUAL(lks_class_folder(&unnamed, 10, 9, name), "9");
}

int main(void) {
    const lks_test tests[] = {
        {"classes may be known", classes_may_be_known},
        {"folders of classes stay inside", folders_of_classes_stay_inside},
        {"labels follow names", labels_follow_names},
        {"pictures are in order", pictures_are_in_order},
        {"others are counted by kind", others_are_counted_by_kind},
        {"two sets share labels", two_sets_share_labels},
        {"links are followed", links_are_followed},
        {"each folder is walked once", each_folder_is_walked_once},
        {"many pictures are listed", many_pictures_are_listed},
        {"bad folders are refused", bad_folders_are_refused},
        {"too many classes are refused", too_many_classes_are_refused},
        {NULL, NULL},
    };
    return lks_test_main("picture folder", tests);
}
