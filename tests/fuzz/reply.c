/* What a confined process sends, where the file that it read has taken it over: any bytes. The first one says what was
 * asked for, the second how the work ended; the rest is what the readers get, from a pipe. Linked by --wrap=sendmsg:
 * the order goes nowhere, and the answer comes from here. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "io/checkpoint_format.h"
#include "io/h5/h5_images_file.h"
#include "io/h5/h5_images.h"
#include "io/history.h"
#include "network.h"

enum { HISTORY = 1, IMAGES = 2, NO_ENDING = 0xff, PIPE_ROOM = 1 << 18, COUNT_MOST = 1 << 12 };

ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags);

static struct {
    const uint8_t *data;
    size_t size;
    int asked, ended, calls;
} answer;

/* As src/io/h5/confined.c has it. */
typedef struct ending {
    uint64_t complete;
    lks_error outcome;
} ending;

static void need(int done) {
    if (!done)
        abort();
}

static void send_all(int pipe, const void *bytes, size_t size) {
    need(write(pipe, bytes, size) == (ssize_t)size);
}

/* Of images the shape is asked for first, then they and their labels. */
static void reply(int pipe) {
    size_t from = 0, to = answer.size;
    if (answer.asked == IMAGES && to > sizeof(lks_h5_shape)) {
        from = answer.calls ? sizeof(lks_h5_shape) : 0;
        to = answer.calls ? to : sizeof(lks_h5_shape);
    }
    answer.calls++;
    if (to > from)
        send_all(pipe, answer.data + from, to - from);
    if (answer.ended == NO_ENDING)
        return;
    ending e = {.complete = UINT64_C(0x6574656c706d6f63)};
    memset(e.outcome.text, 'x', sizeof e.outcome.text);
    memcpy(e.outcome.text, answer.data,
           to < sizeof e.outcome.text ? to : sizeof e.outcome.text); /* perhaps without an end */
    e.outcome.status = (lks_status)answer.ended;
    send_all(pipe, &e, sizeof e);
}

ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags) {
    int files[2];
    (void)socket, (void)flags;
    memcpy(files, CMSG_DATA(CMSG_FIRSTHDR(message)), sizeof files);
    need(fcntl(files[1], F_SETPIPE_SZ, PIPE_ROOM) >= PIPE_ROOM);
    reply(files[1]);
    return (ssize_t)message->msg_iov[0].iov_len;
}

static void read_history(void) {
    lks_history history;
    lks_predictions test;
    lks_error err;
    if (lks_history_read(fuzz_file(0, answer.data, answer.size), &history, &test, &err) != LKS_OK)
        return;
    lks_history_free(&history);
    lks_predictions_free(&test);
}

static void read_images(void) {
    lks_h5_images set;
    lks_error err;
    if (lks_h5_images_open(&set, fuzz_file(0, answer.data, answer.size), &err) != LKS_OK)
        return;
    const int64_t bytes = set.count * set.rows * set.columns * set.channels;
    if (set.count > COUNT_MOST || bytes > 1 << 20)
        return;
    uint8_t *out = malloc((size_t)bytes), *labels = malloc((size_t)set.count);
    need(out && labels);
    lks_h5_images_read(&set, 0, set.count, out, &err);
    lks_h5_images_read_labels(&set, 0, set.count, labels, &err);
    free(out);
    free(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t file[2 * LKS_SEAL_SIZE];
    if (size < 2)
        return 0;
    memset(&answer, 0, sizeof answer);
    answer.asked = data[0] % 3;
    answer.ended = data[1];
    answer.data = data + 2;
    answer.size = size - 2;
    if (answer.asked == HISTORY)
        read_history();
    else if (answer.asked == IMAGES)
        read_images();
    else
        fuzz_network(file, sizeof file);
    return 0;
}
