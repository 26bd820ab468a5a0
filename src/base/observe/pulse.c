#include "base/observe/pulse.h"

lks_pulse lks_pulse_own = {.place = "start"};
