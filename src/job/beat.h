/* Datagrams between rank 0 and the other ranks of a job, beside MPI: UDP, over IPv4 or IPv6, whatever there is.
 * They may be lost, doubled or late. Those of strangers are told by a token and dropped. Nothing blocks. */
#ifndef LKS_JOB_BEAT_H
#define LKS_JOB_BEAT_H

#include <netinet/in.h>

#include "job/stall.h"

#define LKS_BEAT_ADDRESSES 16
#define LKS_BEAT_TOKEN     16

/* Where rank 0 is to be found, and what tells its job from others: plain data, to be broadcast. IPv4 addresses
 * stand in IPv6's form (::ffff:a.b.c.d, RFC 4291). Loopback comes first. */
typedef struct lks_beat_place {
    uint8_t token[LKS_BEAT_TOKEN];
    struct sockaddr_in6 addresses[LKS_BEAT_ADDRESSES]; /* with the port */
    int n;                                             /* of addresses; 0: rank 0 has no socket */
} lks_beat_place;

typedef enum lks_beat_kind {
    LKS_BEAT_WORK,   /* to rank 0: what this rank does */
    LKS_BEAT_ANSWER, /* from rank 0: it is there */
    LKS_BEAT_END     /* from rank 0: the job ends */
} lks_beat_kind;

typedef struct lks_beat {
    uint8_t token[LKS_BEAT_TOKEN];
    int32_t kind;           /* lks_beat_kind */
    int32_t rank;           /* of the sender */
    int32_t address;        /* which of the place's it was sent to; the answer repeats it */
    int32_t asks;           /* 1: rank 0 shall answer */
    int32_t deputy;         /* in an answer: who speaks where rank 0 is gone */
    lks_state_of_work work; /* in LKS_BEAT_WORK */
} lks_beat;

typedef struct lks_beat_socket {
    int descriptor; /* -1: none */
    int family;     /* AF_INET6, which reaches IPv4, too; AF_INET where the system has no IPv6 */
} lks_beat_socket;

/* A socket at a port of the system's choice. False: none can be had. */
bool lks_beat_open(lks_beat_socket *s);
void lks_beat_close(lks_beat_socket *s);

/* Rank 0: fills in @p place for its socket @p s, with a token by chance. False: no address, or no token. */
bool lks_beat_find_place(const lks_beat_socket *s, lks_beat_place *place);

/* What cannot be sent is lost, as on the way. */
void lks_beat_send(const lks_beat_socket *s, const lks_beat *beat, const struct sockaddr_in6 *to);

/* The next datagram that has @p token; false: none is there. */
bool lks_beat_receive(const lks_beat_socket *s, const uint8_t *token, lks_beat *beat,
                      struct sockaddr_in6 *from);

#endif
