#include "measure/resident.h"

#include "base/json/json.h"
#include "base/memory.h"

lks_resident lks_resident_peak(lks_comm *comm) {
    const double own = (double)lks_peak_resident() / 1048576;
    lks_spread of;
    lks_comm_spread_f64(comm, &own, &of, 1);
    return (lks_resident){of.least, of.most};
}

void lks_resident_put(FILE *f, lks_resident r) {
    char min[32], max[32];
    fprintf(f, "{\"min\":%s,\"max\":%s}", lks_json_number(r.least, min),
            lks_json_number(r.most, max));
}
