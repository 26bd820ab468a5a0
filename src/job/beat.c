#include "job/beat.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* So that the beats of a thousand ranks find room between two looks; the system may grant less. */
#define ROOM_BYTES (1 << 21)

/* Datagrams of strangers that are dropped in one go. */
#define MOST_STRANGERS 4096

/* --- addresses -------------------------------------------------------------------------------- */

/* IPv4 in IPv6's form, and back. */
static struct sockaddr_in6 mapped(const struct sockaddr_in *a) {
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = a->sin_port};
    six.sin6_addr.s6_addr[10] = six.sin6_addr.s6_addr[11] = 0xff;
    memcpy(six.sin6_addr.s6_addr + 12, &a->sin_addr, sizeof a->sin_addr);
    return six;
}

static struct sockaddr_in unmapped(const struct sockaddr_in6 *a) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = a->sin6_port};
    memcpy(&four.sin_addr, a->sin6_addr.s6_addr + 12, sizeof four.sin_addr);
    return four;
}

/* An interface's address, if another process can reach it by that alone: a link-local one of IPv6 needs the
 * name of an interface besides, which differs from host to host. */
static bool take_address(const struct ifaddrs *i, struct sockaddr_in6 *a) {
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, i->ifa_addr, sizeof four);
        *a = mapped(&four);
        return true;
    }
    if (i->ifa_addr->sa_family != AF_INET6)
        return false;
    memcpy(a, i->ifa_addr, sizeof *a);
    a->sin6_scope_id = 0;
    return !IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr);
}

static void list_addresses(const struct ifaddrs *all, bool loopback, in_port_t port,
                           lks_beat_place *place) {
    for (const struct ifaddrs *i = all; i && place->n < LKS_BEAT_ADDRESSES; i = i->ifa_next) {
        struct sockaddr_in6 *next = &place->addresses[place->n];
        if (((i->ifa_flags & IFF_LOOPBACK) != 0) == loopback && take_address(i, next)) {
            next->sin6_port = port;
            place->n++;
        }
    }
}

/* The port has the same place in both kinds of addresses. */
static bool port_of(const lks_beat_socket *s, in_port_t *port) {
    struct sockaddr_in6 own;
    socklen_t size = sizeof own;
    if (getsockname(s->descriptor, (struct sockaddr *)&own, &size) != 0)
        return false;
    *port = own.sin6_port;
    return true;
}

bool lks_beat_find_place(const lks_beat_socket *s, lks_beat_place *place) {
    struct ifaddrs *all;
    in_port_t port;
    memset(place, 0, sizeof *place);
    if (getrandom(place->token, sizeof place->token, GRND_NONBLOCK) != sizeof place->token ||
        !port_of(s, &port) || getifaddrs(&all) != 0)
        return false;
    list_addresses(all, true, port, place);
    list_addresses(all, false, port, place);
    freeifaddrs(all);
    return place->n > 0;
}

/* --- sockets ---------------------------------------------------------------------------------- */

static bool bind_anywhere(const lks_beat_socket *s) {
    const int room = ROOM_BYTES, off = 0;
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    const struct sockaddr_in four = {.sin_family = AF_INET};
    setsockopt(s->descriptor, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (s->family == AF_INET)
        return bind(s->descriptor, (const struct sockaddr *)&four, sizeof four) == 0;
    return setsockopt(s->descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0 &&
           bind(s->descriptor, (const struct sockaddr *)&six, sizeof six) == 0;
}

bool lks_beat_open(lks_beat_socket *s) {
    static const int families[] = {AF_INET6, AF_INET};
    for (int i = 0; i < 2; i++) {
        s->family = families[i];
        s->descriptor = socket(s->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (s->descriptor >= 0 && bind_anywhere(s))
            return true;
        lks_beat_close(s);
    }
    return false;
}

void lks_beat_close(lks_beat_socket *s) {
    if (s->descriptor >= 0)
        close(s->descriptor);
    s->descriptor = -1;
}

void lks_beat_send(const lks_beat_socket *s, const lks_beat *beat, const struct sockaddr_in6 *to) {
    if (s->family == AF_INET6) {
        (void)sendto(s->descriptor, beat, sizeof *beat, 0, (const struct sockaddr *)to, sizeof *to);
    } else if (IN6_IS_ADDR_V4MAPPED(&to->sin6_addr)) {
        const struct sockaddr_in four = unmapped(to);
        (void)sendto(s->descriptor, beat, sizeof *beat, 0, (const struct sockaddr *)&four,
                     sizeof four);
    }
}

bool lks_beat_receive(const lks_beat_socket *s, const uint8_t *token, lks_beat *beat,
                      struct sockaddr_in6 *from) {
    for (int strangers = 0; strangers < MOST_STRANGERS; strangers++) {
        struct sockaddr_in6 six = {0};
        socklen_t size = sizeof six;
        const ssize_t n =
            recvfrom(s->descriptor, beat, sizeof *beat, MSG_TRUNC, (struct sockaddr *)&six, &size);
        if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
            return false;
        if (n != (ssize_t)sizeof *beat || memcmp(beat->token, token, sizeof beat->token) != 0)
            continue;
        beat->work.place[LKS_PLACE_MAX - 1] = '\0';
        *from = six;
        if (s->family == AF_INET) {
            struct sockaddr_in four;
            memcpy(&four, &six, sizeof four);
            *from = mapped(&four);
        }
        return true;
    }
    return false;
}
