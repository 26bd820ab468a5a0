/* Energy of processor packages, from folders that look like those of Linux's powercap. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure/energy.h"

static void path_of(const char *zone, const char *name, char path[512]) {
    snprintf(path, 512, "%s/%s%s%s", lks_test_folder(), zone, name ? "/" : "", name ? name : "");
}

static void put(const char *zone, const char *name, const char *text) {
    char path[512];
    path_of(zone, name, path);
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void remove_file(const char *zone, const char *name) {
    char path[512];
    path_of(zone, name, path);
    CU_ASSERT_FATAL(unlink(path) == 0);
}

static void zone(const char *where, const char *name, const char *energy, const char *range) {
    char path[512];
    path_of(where, NULL, path);
    CU_ASSERT_FATAL(mkdir(path, 0777) == 0);
    put(where, "name", name);
    put(where, "energy_uj", energy);
    put(where, "max_energy_range_uj", range);
}

static double opened(lks_energy *e) {
    lks_energy_open(e, lks_test_folder());
    return e->joules;
}

/* No folder, and one without processors: nothing, and nothing is denied. */
static void test_absent(void) {
    lks_energy e;
    lks_energy_open(&e, "/nowhere/at/all");
    CU_ASSERT(e.n == 0 && !e.denied && e.joules == 0);
    opened(&e);
    CU_ASSERT(e.n == 0 && !e.denied);
    lks_energy_read(&e);
    lks_energy_tend(&e);
    CU_ASSERT_EQUAL(e.joules, 0);
}

/* Two packages count, with a gap in their numbers; what they have inside, the whole board, and the same package by
 * another way do not. */
static void test_packages(void) {
    lks_energy e;
    zone("intel-rapl:0", "package-0\n", "1000000\n", "65532610987\n");
    zone("intel-rapl:0:0", "core\n", "10\n", "65532610987\n");
    zone("intel-rapl:1", "psys\n", "10\n", "65532610987\n");
    zone("intel-rapl:3", "package-1\n", "2000000\n", "262143328850\n");
    zone("intel-rapl-mmio:0", "package-0\n", "10\n", "65532610987\n");
    CU_ASSERT_EQUAL(opened(&e), 0);
    CU_ASSERT_EQUAL(e.n, 2);
    put("intel-rapl:0", "energy_uj", "1500000\n");
    put("intel-rapl:0:0", "energy_uj", "900000000\n");
    put("intel-rapl:1", "energy_uj", "900000000\n");
    put("intel-rapl-mmio:0", "energy_uj", "900000000\n");
    put("intel-rapl:3", "energy_uj", "4000001\n");
    lks_energy_tend(&e); /* too early */
    CU_ASSERT_EQUAL(e.joules, 0);
    lks_energy_read(&e);
    CU_ASSERT_DOUBLE_EQUAL(e.joules, 2.500001, 1e-12);
    lks_energy_read(&e);
    CU_ASSERT_DOUBLE_EQUAL(e.joules, 2.500001, 1e-12);
    e.read_at -= 60;
    put("intel-rapl:3", "energy_uj", "5000001\n");
    lks_energy_tend(&e);
    CU_ASSERT_DOUBLE_EQUAL(e.joules, 3.500001, 1e-12);
}

/* Each package begins anew at its own range. */
static void test_wrap(void) {
    lks_energy e;
    put("intel-rapl:0", "energy_uj", "65532610000\n");
    put("intel-rapl:3", "energy_uj", "262143328849\n");
    opened(&e);
    put("intel-rapl:0", "energy_uj", "999013\n");
    put("intel-rapl:3", "energy_uj", "1999999\n");
    lks_energy_read(&e);
    CU_ASSERT_DOUBLE_EQUAL(e.joules, 1.0 + 2.0, 1e-9);
}

/* A counter that cannot be read, or is no number, leaves none: a part would pass for the whole. */
static void test_denied(void) {
    lks_energy e;
    opened(&e);
    CU_ASSERT_EQUAL(e.n, 2);
    put("intel-rapl:3", "energy_uj", "none\n");
    lks_energy_read(&e);
    CU_ASSERT(e.n == 0 && isnan(e.joules));
    opened(&e);
    CU_ASSERT(e.n == 0 && e.denied && e.joules == 0);
    remove_file("intel-rapl:3", "energy_uj");
    opened(&e);
    CU_ASSERT(e.n == 0 && e.denied);
}

int main(void) {
    static const lks_test tests[] = {{"absent", test_absent},
                                     {"packages", test_packages},
                                     {"wrap-around", test_wrap},
                                     {"denied", test_denied},
                                     {NULL, NULL}};
    return lks_test_main("energy", tests);
}
