/* The commands, in the order of `lockstep --help`: a new one is a file in this folder, or in one of its folders, and defines
 * lks_command_NAME, and a word here. */
#ifndef LKS_CLI_COMMANDS_H
#define LKS_CLI_COMMANDS_H

#include "cli/command.h"

#define LKS_COMMANDS(X)                                                                            \
    X(train)                                                                                       \
    X(replay)                                                                                      \
    X(bundle)                                                                                      \
    X(calibrate)                                                                                   \
    X(eval)                                                                                        \
    X(predict)                                                                                     \
    X(export) X(import) X(info) X(report) X(configs) X(pack) X(bench) X(doctor) X(diff) X(help)

#define LKS_DECLARE_COMMAND(name) extern const lks_command lks_command_##name;
LKS_COMMANDS(LKS_DECLARE_COMMAND)

#endif
