/** @file packing.h  Whether sums share words of a message. Moves no bit. */
#ifndef LOCKSTEP_PACKING_H
#define LOCKSTEP_PACKING_H

#include "lockstep/public.h"

LKS_PUBLIC_BEGIN

typedef enum lks_packing {
    LKS_PACK_AUTO, /**< between hosts, where it is seen to be faster */
    LKS_PACK_ALWAYS,
    LKS_PACK_NEVER
} lks_packing;

LKS_PUBLIC_END

#endif
