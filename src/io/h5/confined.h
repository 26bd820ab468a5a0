/** @file confined.h  Work on a stranger's file, in a process of its own.
 *
 *  The HDF5 library was not written for files that somebody made on purpose: a few bytes make it crash, loop, ask
 *  for all memory or open other files. So it sees such files only in a process that may do nothing but read its one
 *  input and write its answer: no other file can be opened, memory and processor time are limited, and what it
 *  answers is plain bytes, which the caller checks as it would check a file.
 *
 *  Those processes are forked by a server, which is itself forked once, when it is first needed or by
 *  lks_confined_start(): MPI's memory must not be forked, and a process that has threads or much memory is a bad
 *  parent. The server ends with the process that started it. Any thread may call; nothing is collective. */
#ifndef LKS_IO_CONFINED_H
#define LKS_IO_CONFINED_H

#include "io/h5/reply.h"

/** What is done with the file of descriptor @p input; @p argument is a copy of the job's. */
typedef lks_status (*lks_confined_work)(int input, const void *argument, lks_reply *reply,
                                        lks_error *err);

#define LKS_CONFINED_ARGUMENT 8192

typedef struct lks_confined_job {
    lks_confined_work work; /**< a function of this program */
    const void *argument;   /**< borrowed; at most LKS_CONFINED_ARGUMENT bytes */
    size_t argument_size;
    size_t memory; /**< bytes that the work may take, its reply included */
    size_t most;   /**< bytes that the reply may have */
    int seconds;   /**< of processor time */
} lks_confined_job;

/** Starts the server, unless it runs: a program calls it before MPI_Init. LKS_ERR_IO where no process can be
 * started. */
lks_status lks_confined_start(lks_error *err);

/** Ends the server, if it runs, and waits for its end. The next job starts another. */
void lks_confined_stop(void);

/** Runs @p job on the open file @p input, and returns its status with its error, and where that is LKS_OK its reply in
 * *bytes [*size], freed with free(). LKS_ERR_FORMAT names @p name where the work crashed or went beyond its limits. */
lks_status lks_confined_run(const lks_confined_job *job, const char *name, int input,
                            unsigned char **bytes, size_t *size, lks_error *err);

/** Within the work: from now on no file can be opened, by nobody in this process. */
void lks_confined_no_more_files(void);

#endif
