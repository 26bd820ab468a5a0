#include "train/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lockstep/log.h"
#include "base/timer.h"

/* Under Open MPI's mpirun every rank has a terminal of its own, so isatty() says nothing: what
 * counts is where the output of the daemon above goes. */
static bool on_terminal(void) {
    if (!isatty(STDOUT_FILENO))
        return false;
    if (!getenv("OMPI_COMM_WORLD_RANK"))
        return true;
    char link[64], target[256];
    snprintf(link, sizeof link, "/proc/%d/fd/1", (int)getppid());
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n < 0)
        return false;
    target[n] = 0;
    return strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0;
}

void lks_progress_start(lks_progress *p, lks_progress_mode mode, int64_t epochs, int64_t step) {
    memset(p, 0, sizeof *p);
    p->epochs = epochs;
    p->started = lks_now();
    p->started_at = step;
    if (!lks_log_enabled() || mode == LKS_PROGRESS_NEVER)
        return;
    p->lines = true;
    p->bar = mode == LKS_PROGRESS_BAR || (mode == LKS_PROGRESS_AUTO && on_terminal());
}

static int terminal_width(void) {
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40)
        return w.ws_col;
    return 80; /* mpirun's terminals have no size */
}

static void time_left(const lks_progress *p, int64_t step, int64_t last_step, char text[32]) {
    int64_t done = step - p->started_at;
    double left =
        done > 0 ? (lks_now() - p->started) / (double)done * (double)(last_step - step) : 0;
    lks_brief_duration(left, text);
}

void lks_progress_step(lks_progress *p, const lks_standing *now) {
    if (!p->bar || (p->drawn && lks_now() - p->last_drawn < 0.1))
        return;
    char left[32], head[64], tail[128], cells[64];
    time_left(p, now->step, now->last_step, left);
    int used = snprintf(head, sizeof head, "epoch %lld/%lld ", (long long)now->epoch,
                        (long long)p->epochs);
    used += snprintf(tail, sizeof tail,
                     " loss %.3f acc %.1f %% %.0f img/s comm+wait %.0f %% %s left", now->loss,
                     100 * now->accuracy, now->images_per_second, 100 * now->collectives, left);
    int width = terminal_width() - used - 3; /* brackets, and the cursor's place */
    width = width > 40 ? 40 : width < 5 ? 5 : width;
    int full = now->batches > 0 ? (int)(now->batch * width / now->batches) : 0;
    for (int i = 0; i < width; i++)
        cells[i] = i < full ? '=' : i == full ? '>' : ' ';
    cells[width] = 0;
    printf("\r\033[K%s[%s]%s", head, cells, tail);
    fflush(stdout);
    p->drawn = true;
    p->last_drawn = lks_now();
}

void lks_progress_clear(lks_progress *p) {
    if (p->drawn)
        printf("\r\033[K");
    p->drawn = false;
}

void lks_progress_epoch(lks_progress *p, const lks_epoch_record *r, double gradient_norm,
                        int64_t last_step) {
    if (!p->lines)
        return;
    char left[32] = "", more[128] = "", norm[64] = "", energy[32] = "";
    int used = 0;
    if (r->step < last_step) {
        time_left(p, r->step, last_step, left);
        strcat(left, " left");
    }
    if (!isnan(r->validation_accuracy))
        snprintf(more, sizeof more, "  validation loss %.4f accuracy %.2f %%", r->validation_loss,
                 100 * r->validation_accuracy);
    else if (!isnan(r->test_accuracy))
        snprintf(more, sizeof more, "  test loss %.4f accuracy %.2f %%", r->test_loss,
                 100 * r->test_accuracy);
    if (!isnan(gradient_norm))
        used = snprintf(norm, sizeof norm, "  gradient %.3g", gradient_norm);
    if (isfinite(r->noise_scale))
        snprintf(norm + used, sizeof norm - (size_t)used, "  noise scale %.3g", r->noise_scale);
    if (!isnan(r->energy_joules))
        snprintf(energy, sizeof energy, "%.4g J  ", r->energy_joules);
    lks_progress_clear(p);
    lks_info(
        "epoch %3d/%lld  loss %.4f accuracy %.2f %%%s%s  %.0f images/s  communication %.0f %%  "
        "wait %.0f %%  %s%s",
        r->epoch, (long long)p->epochs, r->train_loss, 100 * r->train_accuracy, more, norm,
        r->images_per_second, 100 * lks_phase_share(&r->phases, LKS_PHASE_COMMUNICATION),
        100 * lks_phase_share(&r->phases, LKS_PHASE_WAIT), energy, left);
}
