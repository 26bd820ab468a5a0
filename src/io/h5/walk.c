#include "io/h5/walk.h"

#include <stdio.h>
#include <string.h>

static lks_status enter_link(lks_h5_walk *w, hid_t group, const char *link) {
    const size_t used = strlen(w->path), parent = used == 1 ? 0 : used; /* the root is "/" */
    if (w->depth >= w->depth_most || parent + 1 + strlen(link) >= w->room)
        return w->fail(w, "groups too deep, or names too long");
    if (++w->objects > w->objects_most)
        return w->fail(w, "too many groups");
    const hid_t above = w->object;
    snprintf(w->path + parent, w->room - parent, "/%s", link);
    w->object = H5Oopen(group, link, H5P_DEFAULT);
    w->depth++;
    const lks_status status = w->object < 0 ? w->fail(w, NULL) : w->visit(w);
    if (w->object >= 0)
        H5Oclose(w->object);
    w->depth--;
    w->object = above;
    w->path[used] = '\0';
    return status;
}

static herr_t visit_link(hid_t group, const char *link, const H5L_info_t *info, void *data) {
    lks_h5_walk *w = data;
    w->status = info->type == H5L_TYPE_HARD
                    ? enter_link(w, group, link)
                    : w->fail(w, "a link leads elsewhere, which is not followed");
    return w->status == LKS_OK ? 0 : -1;
}

lks_status lks_h5_walk_ended(lks_h5_walk *w, herr_t done) {
    if (done < 0 && w->status == LKS_OK)
        w->status = w->fail(w, NULL);
    return w->status;
}

lks_status lks_h5_walk_links(lks_h5_walk *w) {
    return lks_h5_walk_ended(
        w, H5Literate(w->object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_link, w));
}

lks_status lks_h5_walk_file(lks_h5_walk *w, hid_t file) {
    memcpy(w->path, "/", 2);
    w->object = H5Oopen(file, "/", H5P_DEFAULT);
    const lks_status status = w->object < 0 ? w->fail(w, NULL) : w->visit(w);
    if (w->object >= 0)
        H5Oclose(w->object);
    return status;
}
