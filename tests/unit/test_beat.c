/* Datagrams between ranks: over every address there is, with IPv6 and without, and none of strangers. */
#include "support/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "job/beat.h"

static lks_beat_socket head, other;
static lks_beat_place place;

static lks_beat make(int rank) {
    lks_beat beat;
    memset(&beat, 0, sizeof beat);
    memcpy(beat.token, place.token, sizeof beat.token);
    beat.rank = rank;
    beat.work = (lks_state_of_work){1, 2, 3, true, "compute"};
    return beat;
}

/* On this machine a datagram is there at once. */
static bool arrives(const lks_beat_socket *from, const lks_beat_socket *to,
                    const struct sockaddr_in6 *address, struct sockaddr_in6 *sender) {
    const lks_beat sent = make(17);
    lks_beat got;
    lks_beat_send(from, &sent, address);
    return lks_beat_receive(to, place.token, &got, sender) && memcmp(&sent, &got, sizeof sent) == 0;
}

static void close_both(void) {
    lks_beat_close(&head);
    lks_beat_close(&other);
}

static bool open_both(void) {
    CU_ASSERT_FATAL(lks_beat_open(&head) && lks_beat_open(&other));
    return lks_beat_find_place(&head, &place);
}

/* There and back: the sender's address is one to answer to. */
static void every_address_reaches_rank_0(void) {
    struct sockaddr_in6 sender, back;
    CU_ASSERT_FATAL(open_both());
    CU_ASSERT(IN6_IS_ADDR_V4MAPPED(&place.addresses[0].sin6_addr) &&
              place.addresses[0].sin6_addr.s6_addr[12] == 127); /* loopback first */
    for (int i = 0; i < place.n; i++) {
        CU_ASSERT_FATAL(arrives(&other, &head, &place.addresses[i], &sender));
        CU_ASSERT(arrives(&head, &other, &sender, &back));
    }
    close_both();
}

/* A system without IPv6 has sockets of IPv4 only; the addresses are written alike. */
static void without_ipv6(void) {
    const struct sockaddr_in any = {.sin_family = AF_INET};
    struct sockaddr_in6 sender, back;
    CU_ASSERT_FATAL(open_both());
    lks_beat_close(&other);
    other = (lks_beat_socket){socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), AF_INET};
    CU_ASSERT_FATAL(bind(other.descriptor, (const struct sockaddr *)&any, sizeof any) == 0);
    for (int i = 0; i < place.n; i++) {
        if (!IN6_IS_ADDR_V4MAPPED(&place.addresses[i].sin6_addr)) {
            CU_ASSERT_FALSE(arrives(&other, &head, &place.addresses[i], &sender));
            continue;
        }
        CU_ASSERT_FATAL(arrives(&other, &head, &place.addresses[i], &sender));
        CU_ASSERT(IN6_IS_ADDR_V4MAPPED(&sender.sin6_addr));
        CU_ASSERT(arrives(&head, &other, &sender, &back));
    }
    close_both();
}

/* Another token, too short, too long: what comes after is found all the same. */
static void strangers_are_dropped(void) {
    struct sockaddr_in6 sender;
    lks_beat wrong, got;
    CU_ASSERT_FATAL(open_both());
    const struct sockaddr_in6 *to = &place.addresses[0];
    CU_ASSERT_FALSE(lks_beat_receive(&head, place.token, &got, &sender)); /* nothing there */
    wrong = make(1);
    wrong.token[LKS_BEAT_TOKEN - 1] ^= 1;
    lks_beat_send(&other, &wrong, to);
    const char longer[sizeof(lks_beat) + 1] = {0};
    for (size_t size = 0; size <= sizeof longer; size += sizeof longer / 2)
        sendto(other.descriptor, longer, size, 0, (const struct sockaddr *)to, sizeof *to);
    CU_ASSERT(arrives(&other, &head, to, &sender));
    CU_ASSERT_FALSE(lks_beat_receive(&head, place.token, &got, &sender));
    close_both();
}

static void tokens_differ(void) {
    lks_beat_place another;
    CU_ASSERT_FATAL(open_both());
    CU_ASSERT_FATAL(lks_beat_find_place(&other, &another));
    CU_ASSERT_NOT_EQUAL(memcmp(place.token, another.token, sizeof place.token), 0);
    CU_ASSERT_NOT_EQUAL(place.addresses[0].sin6_port, another.addresses[0].sin6_port);
    close_both();
    CU_ASSERT_FALSE(lks_beat_find_place(&head, &place)); /* of a closed socket */
}

int main(void) {
    static const lks_test tests[] = {{"every address reaches rank 0", every_address_reaches_rank_0},
                                     {"without IPv6", without_ipv6},
                                     {"strangers are dropped", strangers_are_dropped},
                                     {"tokens differ", tokens_differ},
                                     {NULL, NULL}};
    return lks_test_main("beats", tests);
}
