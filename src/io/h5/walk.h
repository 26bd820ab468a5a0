/** @file walk.h  From a file's root to all that is in it, by plain links alone: in a confined process (confined.h), what goes
 *  too deep, on for too long, or elsewhere is refused. */
#ifndef LKS_IO_H5_WALK_H
#define LKS_IO_H5_WALK_H

#include "io/h5/h5.h"

#define LKS_H5_WALK_PATH 512

/** The first member of a struct that has what a visitor needs besides. */
typedef struct lks_h5_walk {
    int depth_most, objects_most;
    size_t room; /**< of a path with its end, at most LKS_H5_WALK_PATH */
    /** Does what is to be done with the object, and for a group calls lks_h5_walk_links(). */
    lks_status (*visit)(struct lks_h5_walk *w);
    /** Fills the error: @p why, or where that is NULL HDF5's own words, of the object at w->path. */
    lks_status (*fail)(struct lks_h5_walk *w, const char *why);
    hid_t object; /**< open, of name path */
    int depth, objects;
    lks_status status; /**< of what HDF5 called back */
    char path[LKS_H5_WALK_PATH];
} lks_h5_walk;

/** Visits the root of @p file, from where visitors go on. */
lks_status lks_h5_walk_file(lks_h5_walk *w, hid_t file);

/** Visits all that the group w->object links to. */
lks_status lks_h5_walk_links(lks_h5_walk *w);

/** What an iteration of HDF5 over w->object came to, which returned @p done: w->status, or HDF5's own failure. */
lks_status lks_h5_walk_ended(lks_h5_walk *w, herr_t done);

#endif
