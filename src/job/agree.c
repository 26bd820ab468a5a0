#include "job/agree.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "lockstep/log.h"
#include "base/memory.h"

enum { SLOTS = LKS_AGREE_MOST + 1, HOST_BYTES = 256, LINE_MOST = 400, MESSAGE_BYTES = 2048 };

/* --- hashes ----------------------------------------------------------------------------------- */

/* Where they stand in the message: slot i is item i's, the last one the number of items. */
typedef struct hashes {
    int64_t of[SLOTS];
} hashes;

static int64_t hash_text(const char *text) {
    uint64_t h = lks_hash64(strlen(text));
    for (; *text; text++)
        h = lks_hash64(h ^ (unsigned char)*text);
    return (int64_t)h;
}

static hashes hash_items(const lks_agree_item *items, int n) {
    hashes h = {{0}};
    for (int i = 0; i < n; i++)
        h.of[i] = hash_text(items[i].text);
    h.of[SLOTS - 1] = n;
    return h;
}

/* True where all ranks have the same. The least of h and the least of ~h, which is ~ of the largest, in one
 * message. */
static bool all_same(lks_comm *comm, const hashes *own) {
    int64_t least[2 * SLOTS];
    bool same = true;
    for (int i = 0; i < SLOTS; i++) {
        least[i] = own->of[i];
        least[SLOTS + i] = ~own->of[i];
    }
    lks_comm_min_i64(comm, least, 2 * SLOTS);
    for (int i = 0; i < SLOTS; i++)
        same = same && least[i] == ~least[SLOTS + i];
    return same;
}

/* Of each slot, the ranks that have something else than rank 0. */
typedef struct others {
    int64_t lowest[SLOTS]; /* comm->size: none */
    int64_t count[SLOTS];
} others;

static others find_others(lks_comm *comm, const hashes *own) {
    hashes root = *own;
    others o;
    lks_comm_broadcast(comm, &root, sizeof root, 0);
    for (int i = 0; i < SLOTS; i++) {
        o.count[i] = own->of[i] != root.of[i];
        o.lowest[i] = o.count[i] ? comm->rank : comm->size;
    }
    lks_comm_min_i64(comm, o.lowest, SLOTS);
    lks_comm_sum_i64(comm, o.count, SLOTS);
    return o;
}

/* --- texts ------------------------------------------------------------------------------------ */

typedef struct line {
    const char *start; /* NULL: none */
    size_t length;
} line;

static bool next_line(const char **at, line *l) {
    if (!**at)
        return false;
    *l = (line){*at, strcspn(*at, "\n")};
    *at += l->length + ((*at)[l->length] == '\n');
    return true;
}

static bool has_line(const char *text, line wanted) {
    line l;
    while (next_line(&text, &l))
        if (l.length == wanted.length && memcmp(l.start, wanted.start, l.length) == 0)
            return true;
    return false;
}

static line first_missing(const char *text, const char *in) {
    line l;
    while (next_line(&text, &l))
        if (!has_line(in, l))
            return l;
    return (line){NULL, 0};
}

/* "`--set seed=2`", cut where it is long, or "not". */
static const char *quote(line l, char out[LINE_MOST + 16]) {
    if (!l.start)
        return "not";
    const bool cut = l.length > LINE_MOST;
    while (l.length > 0 && l.start[0] == ' ') { /* YAML's indentation */
        l.start++;
        l.length--;
    }
    snprintf(out, LINE_MOST + 16, "`%.*s%s`", cut ? LINE_MOST : (int)l.length, l.start,
             cut ? "..." : "");
    return out;
}

static void describe(const lks_agree_item *item, int rank, const char *host, int64_t count,
                     const char *other, char *message) {
    char more[64] = "", theirs[LINE_MOST + 16], ours[LINE_MOST + 16];
    const line there = first_missing(other, item->text), here = first_missing(item->text, other);
    if (count > 1)
        snprintf(more, sizeof more, ", the first of %" PRId64 " that differ,", count);
    if (!there.start && !here.start)
        snprintf(message, MESSAGE_BYTES,
                 "%s differ: rank %d on %s%s has the same as rank 0 in another order; %s",
                 item->what, rank, host, more, item->advice);
    else
        snprintf(message, MESSAGE_BYTES, "%s differ: rank %d on %s%s has %s, rank 0 has %s; %s",
                 item->what, rank, host, more, quote(there, theirs), quote(here, ours),
                 item->advice);
}

/* Rank `from` has the text; rank 0 fills *text, freed by lks_free(). Sizes are known to both by the first
 * message, whatever the ranks' texts. */
static void fetch(lks_comm *comm, int from, const char *own, char host[HOST_BYTES], char **text) {
    lks_error err;
    int64_t size = (int64_t)strlen(own);
    *text = NULL;
    memset(host, 0, HOST_BYTES);
    snprintf(host, HOST_BYTES, "%s", comm->host);
    lks_comm_to_root(comm, from, host, HOST_BYTES);
    lks_comm_to_root(comm, from, &size, sizeof size);
    if (comm->rank == from) {
        char *copy = lks_alloc((size_t)size + 1, 1, "a text to compare", &err);
        if (!copy) {
            lks_comm_fail(comm, &err);
            return;
        }
        memcpy(copy, own, (size_t)size);
        lks_comm_to_root(comm, from, copy, (size_t)size);
        lks_free(copy);
    } else if (comm->rank == 0) {
        *text = lks_alloc((size_t)size + 1, 1, "a text to compare", &err);
        if (!*text)
            lks_comm_fail(comm, &err);
        else
            lks_comm_to_root(comm, from, *text, (size_t)size);
    }
}

/* --- the answer ------------------------------------------------------------------------------- */

/* Rank 0 says what it may; what it may not goes to all ranks in `message`. Returns true then. */
static bool tell(lks_comm *comm, const lks_agree_item *item, int rank, int64_t count,
                 char message[MESSAGE_BYTES]) {
    char host[HOST_BYTES], *other;
    fetch(comm, rank, item->text, host, &other);
    message[0] = 0;
    if (other) {
        describe(item, rank, host, count, other, message);
        lks_free(other);
        if (item->rule == LKS_AGREE_WARN)
            lks_warn("%s", message);
        else if (item->rule == LKS_AGREE_SAY)
            lks_info("note       %s", message);
    }
    if (item->rule != LKS_AGREE_REFUSE)
        return false;
    lks_comm_broadcast(comm, message, MESSAGE_BYTES, 0);
    return true;
}

lks_status lks_agree(lks_comm *comm, const lks_agree_item *items, int n, lks_status refusal,
                     lks_error *err) {
    assert(n <= LKS_AGREE_MOST);
    const hashes own = hash_items(items, n);
    char message[MESSAGE_BYTES] = "";
    if (all_same(comm, &own))
        return lks_comm_check(comm, err);
    const others o = find_others(comm, &own);
    LKS_TRY(lks_comm_check(comm, err));
    if (o.count[SLOTS - 1] > 0)
        return lks_fail(err, refusal,
                        "the ranks compare different things: rank %" PRId64
                        " runs another program than rank 0; start the same one on all hosts",
                        o.lowest[SLOTS - 1]);
    for (int i = 0; i < n; i++) {
        if (o.count[i] == 0)
            continue;
        const bool refused = tell(comm, &items[i], (int)o.lowest[i], o.count[i], message);
        LKS_TRY(lks_comm_check(comm, err));
        if (refused)
            return lks_fail(err, refusal, "%s", message);
    }
    return LKS_OK;
}

lks_status lks_agree_config(lks_comm *comm, const lks_config *config, lks_status status,
                            lks_error *err) {
    char *yaml = status == LKS_OK ? lks_config_to_yaml(config, err) : NULL;
    if (status == LKS_OK && !yaml)
        status = err->status;
    const lks_agree_item item = {"the resolved configurations", yaml ? yaml : err->text,
                                 LKS_AGREE_REFUSE, "start the same program on all hosts"};
    const lks_status agreed = lks_agree(comm, &item, 1, LKS_ERR_CONFIG, err);
    free(yaml);
    return agreed != LKS_OK ? agreed : status;
}
