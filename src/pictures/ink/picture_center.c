/* A picture of one digit made into what MNIST's makers would have made of it. */
#include <string.h>

#include "lockstep/ink.h"
#include "lockstep/memory.h"

/* Longest side on which ink is looked for: a digit that is a tenth as high still has 100 rows. */
enum { LONGEST = 1024 };

static lks_status image_of(const lks_ink *ink, uint8_t *out, lks_picture_info *info,
                           lks_error *err) {
    lks_ink_parts parts;
    LKS_TRY(lks_ink_parts_find(&parts, ink, err));
    lks_status status = LKS_ERR_MEMORY;
    bool *chosen = lks_alloc((size_t)parts.n, sizeof *chosen, "parts", err);
    if (chosen) {
        for (int i = 0; i < parts.n; i++)
            chosen[i] = true;
        info->blank = parts.n == 0;
        info->parts = parts.n;
        status = lks_ink_image(ink, &parts, chosen, out, err);
    }
    lks_free(chosen);
    lks_ink_parts_free(&parts);
    return status;
}

lks_status lks_picture_center(lks_picture *p, uint8_t *out, lks_picture_info *info,
                              lks_error *err) {
    lks_ink ink;
    *info = (lks_picture_info){0};
    LKS_TRY(lks_ink_separate(&ink, p, LONGEST, err));
    info->lines = ink.lines;
    info->specks = ink.specks;
    info->dropped = ink.dropped;
    info->kept = ink.kept;
    const lks_status status = image_of(&ink, out, info, err);
    lks_ink_free(&ink);
    return status;
}
