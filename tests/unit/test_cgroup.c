/* CPU quotas of control groups, from folders and files that look like those of Linux. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "job/cgroup.h"

static void path_of(const char *name, char path[512]) {
    snprintf(path, 512, "%s/%s", lks_test_folder(), name);
}

static void put(const char *name, const char *text) {
    char path[512];
    path_of(name, path);
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void folder(const char *name) {
    char path[512];
    path_of(name, path);
    CU_ASSERT_FATAL(mkdir(path, 0777) == 0);
}

/* Version 2 and version 1 side by side, as a hybrid system has them: /a/b has limits at every level. */
static void make_trees(void) {
    char v1[512], v2[512], inner[512], text[4096];
    static const char *const folders[] = {"two", "two/job", "two/job/step", "two/job/not",
                                          "one", "one/job", "one/job/step", "inner"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        folder(folders[i]);
    put("two/cpu.max", "max 100000\n"); /* the root of a container */
    put("two/job/cpu.max", "350000 100000\n");
    put("two/job/step/cpu.max", "max 100000\n");
    put("two/job/not/cpu.max", "50000 100000\n");
    put("one/cpu.cfs_quota_us", "-1\n");
    put("one/cpu.cfs_period_us", "100000\n");
    put("one/job/cpu.cfs_quota_us", "200000\n");
    put("one/job/cpu.cfs_period_us", "100000\n");
    put("one/job/step/cpu.cfs_quota_us", "600000\n");
    put("one/job/step/cpu.cfs_period_us", "100000\n");
    put("inner/cpu.max", "25000 100000\n");
    path_of("one", v1);
    path_of("two", v2);
    path_of("inner", inner);
    snprintf(text, sizeof text,
             "22 1 0:20 / / rw - ext4 /dev/vda rw\n"
             "25 22 0:22 / %s/memory rw - cgroup cgroup rw,memory\n"
             "26 22 0:23 / %s rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
             "27 22 0:24 / %s rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate\n",
             v1, v1, v2);
    put("mounts", text);
    snprintf(text, sizeof text, "27 22 0:24 /docker/abc %s rw - cgroup2 cgroup2 rw\n", inner);
    put("container", text);
}

static lks_cpu_quota quota(const char *membership, const char *mounts) {
    char own[512], table[512];
    put("own", membership);
    path_of("own", own);
    path_of(mounts, table);
    return lks_cpu_quota_read(own, table);
}

static void test_second_version(void) {
    CU_ASSERT_EQUAL(quota("0::/\n", "mounts").cpus, 0);
    CU_ASSERT_EQUAL(quota("0::/job\n", "mounts").cpus, 3.5);
    CU_ASSERT_EQUAL(quota("0::/job/step\n", "mounts").cpus, 3.5); /* of the group above */
    CU_ASSERT_EQUAL(quota("0::/job/not\n", "mounts").cpus, 0.5);
    CU_ASSERT_EQUAL(quota("0::/job/step\n", "mounts").group, quota("0::/job\n", "mounts").group);
    CU_ASSERT_NOT_EQUAL(quota("0::/job/not\n", "mounts").group, quota("0::/job\n", "mounts").group);
}

static void test_first_version(void) {
    CU_ASSERT_EQUAL(quota("5:memory:/job\n4:cpu,cpuacct:/\n", "mounts").cpus, 0);
    CU_ASSERT_EQUAL(quota("4:cpuacct,cpu:/job\n", "mounts").cpus, 2);
    CU_ASSERT_EQUAL(quota("4:cpu,cpuacct:/job/step\n", "mounts").cpus, 2); /* less than its own 6 */
    CU_ASSERT_EQUAL(quota("7:cpuset:/job\n", "mounts").cpus, 0);
    CU_ASSERT_EQUAL(quota("4:cpu,cpuacct:/job\n0::/job/not\n", "mounts").cpus, 0.5);
}

/* The tree's top is a group of the host; a group that is not below it is not to be seen. */
static void test_container(void) {
    CU_ASSERT_EQUAL(quota("0::/docker/abc\n", "container").cpus, 0.25);
    CU_ASSERT_EQUAL(quota("0::/docker/abc/deeper\n", "container").cpus, 0.25);
    CU_ASSERT_EQUAL(quota("0::/other\n", "container").cpus, 0.25);
    CU_ASSERT_EQUAL(quota("0::/../other\n", "mounts").cpus, 0);
}

static void test_nothing(void) {
    CU_ASSERT_EQUAL(lks_cpu_quota_read("/nowhere", "/nowhere").cpus, 0);
    CU_ASSERT_EQUAL(quota("0::/job\n", "nowhere").cpus, 0);
    CU_ASSERT_EQUAL(quota("no group at all\n:\n", "mounts").cpus, 0);
    put("two/job/cpu.max", "many\n");
    CU_ASSERT_EQUAL(quota("0::/job\n", "mounts").cpus, 0);
    put("two/job/cpu.max", "0 0\n");
    CU_ASSERT_EQUAL(quota("0::/job\n", "mounts").cpus, 0);
}

int main(void) {
    static const lks_test tests[] = {{"folders", make_trees},
                                     {"version 2", test_second_version},
                                     {"version 1", test_first_version},
                                     {"in a container", test_container},
                                     {"what cannot be read", test_nothing},
                                     {NULL, NULL}};
    return lks_test_main("cgroup", tests);
}
