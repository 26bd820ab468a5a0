/** @file log.h  Messages for people. stdout carries results, stderr carries warnings and errors. Texts in
 * them may come from anybody's files: what a terminal would obey (escape sequences, marks of
 * direction), and bytes that are no UTF-8, are printed as '?'. */
#ifndef LOCKSTEP_LOG_H
#define LOCKSTEP_LOG_H

#include <stdbool.h>
#include <stdio.h>
#include "lockstep/public.h"

LKS_PUBLIC_BEGIN

typedef enum lks_log_level { LKS_LOG_QUIET, LKS_LOG_INFO, LKS_LOG_VERBOSE } lks_log_level;

/** How much is said; LKS_LOG_INFO unless told. Not collective. */
void lks_log_setup(lks_log_level level);

/** Sets who speaks: only rank 0 prints lks_info(), lks_detail() and lks_warn(). lks_comm_start() and lks_comm_join() tell
 * it, so that only a program that speaks before has to. Not collective. */
void lks_log_rank(int rank);

/** True where lks_info() would print: rank 0 and not quiet. */
bool lks_log_enabled(void);

/** fprintf() for texts of anybody's files, whose arguments cannot bring lines of their own either: line
 * ends stay only where @p format begins or ends with them. */
void lks_print(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** One line on stdout, rank 0 only, unless quiet. A newline is added; the stream is flushed. */
void lks_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** "lockstep: ..." on stderr, so that results on stdout stay what they are; rank 0 only, where
 * verbose: files that are read and written. */
void lks_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** "lockstep: warning: ..." on stderr, rank 0 only, also when quiet. */
void lks_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** "lockstep: error: ..." on stderr, from any rank: the caller decides who speaks. The words
 * "warning" and "error" are coloured on a terminal, unless NO_COLOR is set (no-color.org) or TERM is
 * "dumb". */
void lks_error_print(const char *text);

/** Lines for stderr that are told later. All zero at first. */
typedef struct lks_log_held {
    char *text;
    size_t length;
} lks_log_held;

/** From now on this thread's lks_detail(), lks_warn() and lks_error_print() go into @p held; NULL: to stderr again. So
 * that work which threads share is told in the order of its parts. */
void lks_log_hold(lks_log_held *held);

/** Prints what is held, and forgets it; or only forgets it. */
void lks_log_tell(lks_log_held *held);
void lks_log_drop(lks_log_held *held);

/** For a program whose results are in files: that standard output got lost is from now on a warning, told once. */
void lks_log_outlive_output(void);

/** To be called where writing to stdout failed with the errno @p reason, 0 where that is not known: the warning, after
 * lks_log_outlive_output(), else nothing. True after that call. */
bool lks_log_output_lost(int reason);

/** An errno of such a failure in words. */
const char *lks_log_output_reason(int reason);

/** The same, from any rank, by a thread beside the main one, which may hang while it prints: nothing is waited
 * for, neither what stdout still holds nor, for more than a second, stderr's reader. */
void lks_error_beside(const char *text);
void lks_warn_beside(const char *text);

/** Columns that @p text takes on the screen: its characters, where it is UTF-8. */
int lks_text_width(const char *text);

LKS_PUBLIC_END

#endif
