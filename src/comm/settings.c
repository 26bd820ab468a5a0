#include "comm/settings.h"

#include "comm/handle.h"
#include "base/digest.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

/* What a rank sends, and the answer of rank 0: always of this size. */
typedef struct settings {
    int rank;      /* in an answer: who differs; -1: nobody */
    uint64_t hash; /* of all settings; the text may lose its end */
    char host[256], text[768];
} settings;

/* How ranks of this program send to each other: it goes up whenever an older program would not understand. */
static const char form_of_messages[] = "messages of form 2";

/* What has to be the same on all ranks: how collectives go, and the sizes of what is sent over TCP, since a receiver of Open
 * MPI's has room for its own sizes. MPICH's launcher tells each host its name in a variable like those of settings. */
static bool is_setting(const char *variable) {
    static const char of_host[] = "MPIR_CVAR_CH3_INTERFACE_HOSTNAME=";
    static const char *const beginnings[] = {"OMPI_MCA_coll", "OMPI_MCA_btl_tcp_eager_limit",
                                             "OMPI_MCA_btl_tcp_max_send_size", "MPIR_CVAR_",
                                             "I_MPI_ADJUST_"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(variable, beginnings[i], strlen(beginnings[i])) == 0)
            return strncmp(variable, of_host, strlen(of_host)) != 0;
    return false;
}

/* The first one after `last` in the order of bytes; NULL: none. */
static const char *next_setting(const char *last) {
    const char *next = NULL;
    for (char **e = environ; *e; e++)
        if (is_setting(*e) && strcmp(*e, last) > 0 && (!next || strcmp(*e, next) < 0))
            next = *e;
    return next;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; text++)
        hash = lks_hash64(hash ^ (uint8_t)*text);
    return lks_hash64(hash);
}

static settings own_settings(const lks_comm *comm) {
    settings s;
    size_t used = 0;
    memset(&s, 0, sizeof s);
    s.rank = comm->rank;
    snprintf(s.host, sizeof s.host, "%s", comm->host);
    for (const char *e = next_setting(""); e; e = next_setting(e)) {
        s.hash = hash_text(s.hash, e);
        if (used < sizeof s.text)
            used +=
                (size_t)snprintf(s.text + used, sizeof s.text - used, "%s%s", used ? " " : "", e);
    }
    if (comm->steered) { /* by each rank itself: one that could not has another table */
        s.hash = hash_text(s.hash, "steered");
        if (used < sizeof s.text)
            used += (size_t)snprintf(s.text + used, sizeof s.text - used,
                                     "%sthe program's rules for MPI_Allreduce", used ? " " : "");
    }
    if (comm->eager)
        s.hash = hash_text(s.hash, "eager");
    s.hash = hash_text(s.hash, form_of_messages);
    if (!used)
        snprintf(s.text, sizeof s.text, "no settings");
    return s;
}

static int ask_root(const lks_comm *comm, const settings *own, settings *answer) {
    const int code = MPI_Send(own, sizeof *own, MPI_BYTE, 0, 0, lks_comm_all(comm));
    return code != MPI_SUCCESS ? code
                               : MPI_Recv(answer, sizeof *answer, MPI_BYTE, 0, 0,
                                          lks_comm_all(comm), MPI_STATUS_IGNORE);
}

static int answer_all(const lks_comm *comm, const settings *own, settings *answer) {
    settings other;
    int code = MPI_SUCCESS;
    for (int r = 1; r < comm->size && code == MPI_SUCCESS; r++) {
        code =
            MPI_Recv(&other, sizeof other, MPI_BYTE, r, 0, lks_comm_all(comm), MPI_STATUS_IGNORE);
        if (answer->rank < 0 && other.hash != own->hash)
            *answer = other;
    }
    for (int r = 1; r < comm->size && code == MPI_SUCCESS; r++)
        code = MPI_Send(answer, sizeof *answer, MPI_BYTE, r, 0, lks_comm_all(comm));
    return code;
}

lks_status lks_comm_check_settings(lks_comm *comm, lks_error *err) {
    const settings own = own_settings(comm);
    settings answer = {.rank = -1};
    const int code =
        comm->rank == 0 ? answer_all(comm, &own, &answer) : ask_root(comm, &own, &answer);
    if (code != MPI_SUCCESS) {
        lks_fail(err, LKS_ERR_COMM, "MPI failed in its first messages (rank %d on %s)", comm->rank,
                 comm->host);
        comm->failure = *err;
        return err->status;
    }
    if (answer.rank < 0)
        return LKS_OK;
    if (comm->rank == 0 && strcmp(answer.text, own.text) == 0)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "rank %d on %s does not send as rank 0 does (%s): its program is of "
                        "another revision; start the same program on all hosts",
                        answer.rank, answer.host, form_of_messages);
    return lks_fail(
        err, LKS_ERR_CONFIG,
        "MPI's settings differ: rank %d on %s has %s, rank 0 has %s; give all ranks the "
        "same environment",
        answer.rank, answer.host, answer.text, comm->rank == 0 ? own.text : "others");
}
