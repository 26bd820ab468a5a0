/** @file public.h  What stands around the declarations of every public header: functions between the two are C's
 * to a C++ program, and all that the libraries export, since everything else is compiled with
 * -fvisibility=hidden. */
#ifndef LOCKSTEP_PUBLIC_H
#define LOCKSTEP_PUBLIC_H

#ifdef __cplusplus
#define LKS_PUBLIC_BEGIN                                                                           \
    extern "C" {                                                                                   \
    _Pragma("GCC visibility push(default)")
#define LKS_PUBLIC_END                                                                             \
    _Pragma("GCC visibility pop")                                                                  \
    }
#else
#define LKS_PUBLIC_BEGIN _Pragma("GCC visibility push(default)")
#define LKS_PUBLIC_END   _Pragma("GCC visibility pop")
#endif

#endif
