#include "lockstep/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The message is formatted aside first, since its arguments may point into the error being
 * replaced. */
lks_status lks_fail(lks_error *err, lks_status status, const char *format, ...) {
    if (err) {
        char text[sizeof err->text];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        err->status = status;
        strcpy(err->text, text);
    }
    return status;
}

lks_status lks_fail_context(lks_error *err, const char *format, ...) {
    if (!err)
        return LKS_ERR_USAGE; /* unknown which, but a failure stays a failure */
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    /* Joined by hand: a message too long for the buffer loses its end, and that is fine. */
    const char *parts[] = {": ", err->text};
    size_t used = strlen(text);
    for (size_t i = 0; i < 2; i++) {
        size_t left = sizeof text - 1 - used;
        size_t length = strnlen(parts[i], left);
        memcpy(text + used, parts[i], length);
        used += length;
    }
    text[used] = '\0';
    strcpy(err->text, text);
    return err->status;
}

int lks_exit_status(lks_status status) {
    switch (status) {
    case LKS_OK:
        return 0;
    case LKS_ERR_USAGE:
    case LKS_ERR_CONFIG:
        return 2;
    case LKS_ERR_BUSY:
        return LKS_EXIT_BUSY;
    case LKS_ERR_REPLICA:
        return LKS_EXIT_REPLICA;
    case LKS_ERR_STOPPED:
        return LKS_EXIT_STOPPED;
    case LKS_ERR_STALLED:
        return LKS_EXIT_STALLED;
    default:
        return 1;
    }
}
