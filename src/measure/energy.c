#include "measure/energy.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timer.h"

#define SECONDS_BETWEEN 10

enum { NUMBERS_MOST = 256 }; /* of the folders that are looked for */

typedef enum answer { ABSENT, DENIED, READ } answer;

/* The first line of `name` in the folder of package `number`. */
static answer read_line(const lks_energy *e, int number, const char *name, char *line, int size) {
    char path[512];
    snprintf(path, sizeof path, "%s/intel-rapl:%d/%s", e->folder, number, name);
    FILE *f = fopen(path, "r");
    if (!f)
        return errno == ENOENT || errno == ENOTDIR ? ABSENT : DENIED;
    const bool got = fgets(line, size, f);
    fclose(f);
    return got ? READ : DENIED;
}

static answer read_count(const lks_energy *e, int number, const char *name, uint64_t *count) {
    char line[64], end;
    const answer a = read_line(e, number, name, line, sizeof line);
    return a == READ && sscanf(line, "%" SCNu64 "%c", count, &end) < 1 ? DENIED : a;
}

/* Other zones beside the packages, such as psys, have their energy in them. */
static bool is_package(const lks_energy *e, int number) {
    char name[64];
    return read_line(e, number, "name", name, sizeof name) == READ &&
           strncmp(name, "package", 7) == 0;
}

void lks_energy_open(lks_energy *e, const char *folder) {
    *e = (lks_energy){.read_at = lks_now()};
    snprintf(e->folder, sizeof e->folder, "%s", folder);
    for (int number = 0; number < NUMBERS_MOST && e->n < LKS_PACKAGES_MAX; number++) {
        lks_package p = {.number = number};
        if (!is_package(e, number))
            continue;
        if (read_count(e, number, "energy_uj", &p.newest) != READ ||
            read_count(e, number, "max_energy_range_uj", &p.range) != READ)
            e->denied = true;
        else
            e->packages[e->n++] = p;
    }
    if (e->denied)
        e->n = 0;
}

void lks_energy_read(lks_energy *e) {
    for (int i = 0; i < e->n; i++) {
        lks_package *p = &e->packages[i];
        uint64_t now;
        if (read_count(e, p->number, "energy_uj", &now) != READ ||
            (now < p->newest && p->range < p->newest)) { /* it does not count up to its range */
            e->n = 0;
            e->joules = NAN;
            return;
        }
        const uint64_t taken = now >= p->newest ? now - p->newest : p->range - p->newest + now;
        e->joules += (double)taken / 1e6;
        p->newest = now;
    }
    e->read_at = lks_now();
}

void lks_energy_tend(lks_energy *e) {
    if (e->n > 0 && lks_now() - e->read_at >= SECONDS_BETWEEN)
        lks_energy_read(e);
}

void lks_job_energy_open(lks_job_energy *e, lks_comm *comm) {
    const char *folder = getenv("LOCKSTEP_POWERCAP");
    *e = (lks_job_energy){0};
    if (comm->local_rank == 0)
        lks_energy_open(&e->own, folder ? folder : LKS_POWERCAP);
    double hosts = e->own.n > 0;
    lks_comm_sum_f64(comm, &hosts, 1);
    e->hosts = (int)hosts;
}

double lks_job_energy_take(lks_job_energy *e, lks_comm *comm) {
    if (e->hosts == 0)
        return NAN;
    lks_energy_read(&e->own);
    double joules = e->own.joules - e->taken;
    e->taken = e->own.joules;
    lks_comm_sum_f64(comm, &joules, 1);
    e->joules += joules;
    return joules;
}
