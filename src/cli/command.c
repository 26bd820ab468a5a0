#include "cli/command.h"

#include <string.h>

#include "cli/process.h"
#include "base/suggest.h"

const lks_command *lks_command_find(const lks_command *const *commands, const char *name) {
    for (; *commands; commands++)
        if (strcmp((*commands)->name, name) == 0)
            return *commands;
    return NULL;
}

int lks_command_unknown(const lks_command *const *commands, const char *name) {
    lks_nearest nearest = lks_nearest_start(name);
    for (; *commands; commands++)
        lks_nearest_offer(&nearest, (*commands)->name, strlen((*commands)->name));
    if (nearest.best)
        return lks_refuse("unknown command '%.64s'; did you mean '%s'?", name, nearest.best);
    return lks_refuse("unknown command '%.64s'; `lockstep --help` lists them", name);
}
