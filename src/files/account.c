#include "files/account.h"

#include <errno.h>
#include <stdlib.h>

#include "files/publish.h"
#include "files/system_error.h"
#include "lockstep/log.h"

void lks_account_close(lks_account *a) {
    if (a->file)
        fclose(a->file); /* lks_account_is_whole() has told of what could not be written */
    a->file = NULL;
}

/* A file that cannot be written has nothing more to say until it is made anew. */
static void give_up(lks_account *a, const char *why) {
    lks_account_close(a);
    if (!a->told)
        lks_warn("%s; the run goes on, and the file is completed as soon as that is possible", why);
    a->told = true;
}

static lks_status start(lks_account *a, lks_account_text make, const void *context,
                        lks_error *err) {
    char *text;
    size_t size;
    LKS_TRY(make(context, &text, &size, err));
    lks_status status = lks_publish_text(a->path, text, size, err);
    free(text);
    LKS_TRY(status);
    a->file = fopen(a->path, "a");
    if (!a->file)
        return lks_fail_system(err, "append to", a->path);
    status = lks_publish_allowed(err); /* else it may be another life's by now */
    if (status != LKS_OK)
        lks_account_close(a);
    return status;
}

lks_status lks_account_start(lks_account *a, lks_account_text make, const void *context,
                             lks_error *err) {
    lks_account_close(a);
    a->cut = false;
    const lks_status status = start(a, make, context, err);
    if (status == LKS_ERR_BUSY)
        return status;
    if (status != LKS_OK)
        give_up(a, err->text);
    else if (a->told) {
        a->told = false;
        lks_info("%s is complete again", a->path);
    }
    return LKS_OK;
}

bool lks_account_is_whole(lks_account *a) {
    lks_error err;
    if (!a->file)
        return false;
    errno = 0;
    if (!a->cut && fflush(a->file) == 0 && !ferror(a->file))
        return true;
    if (errno)
        lks_fail_system(&err, "write", a->path);
    else
        lks_fail(&err, LKS_ERR_IO, "cannot write %s", a->path);
    give_up(a, err.text);
    return false;
}
