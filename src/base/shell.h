/** @file shell.h  Commands that a user is to copy. */
#ifndef LKS_BASE_SHELL_H
#define LKS_BASE_SHELL_H

/** @p word as a shell takes it for one word: as it is where that is safe, else in quotes ('...', or
 * $'...' of bash, ksh and zsh where it holds control characters). One that begins with '-' is taken for
 * a path and gets "./" in front, so that no command takes it for an option. Returns malloc'd text, NULL
 * when memory is short. */
char *lks_shell_word(const char *word);

#endif
