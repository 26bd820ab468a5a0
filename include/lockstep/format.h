/** @file format.h  How results are printed. */
#ifndef LOCKSTEP_FORMAT_H
#define LOCKSTEP_FORMAT_H

#include "lockstep/public.h"

LKS_PUBLIC_BEGIN

/** For people; one JSON text (RFC 8259); or a table of comma-separated values (RFC 4180, but lines end with LF), with the
 * columns' names in the first line. */
typedef enum lks_format { LKS_FORMAT_TEXT, LKS_FORMAT_JSON, LKS_FORMAT_CSV } lks_format;

LKS_PUBLIC_END

#endif
