#include "measure/resident.h"

#include "lockstep/json.h"
#include "lockstep/memory.h"

lks_resident lks_resident_peak(lks_comm *comm) {
    double own = (double)lks_peak_resident() / 1048576;
    lks_resident r = {own, own};
    lks_comm_min_f64(comm, &r.least, 1);
    lks_comm_max_f64(comm, &r.most, 1);
    return r;
}

void lks_resident_put(FILE *f, lks_resident r) {
    char min[32], max[32];
    fprintf(f, "{\"min\":%s,\"max\":%s}", lks_json_number(r.least, min),
            lks_json_number(r.most, max));
}
