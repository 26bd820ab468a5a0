/** @file h5_images.h  Labelled images in an HDF5 file, as h5py and others write them.
 *
 *    /images   unsigned 8-bit integers, N x H x W (one channel) or N x H x W x C
 *    /labels   integers of any width, N, each 0..255
 *
 *  Chunks and filters that the HDF5 library knows are allowed. Every call opens the file, reads
 * only and takes no lock, so that any number of processes may read, on network file systems too.
 * Nothing is collective. */
#ifndef LKS_IO_H5_H5_IMAGES_H
#define LKS_IO_H5_H5_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/config.h"
#include "lockstep/status.h"

#define LKS_H5_IMAGES "/images"
#define LKS_H5_LABELS "/labels"

typedef struct lks_h5_images {
    int64_t count;
    int rows, columns, channels;
    char path[LKS_PATH_MAX];
} lks_h5_images;

/** Reads and checks what @p path holds. LKS_ERR_DATA names the path and what is wrong: missing, a
 * folder, no HDF5 file or a truncated one, open for writing elsewhere, a data set missing, of
 * another type or rank, empty or never written, lengths that differ, sizes as absurd as
 * lks_idx_open() refuses. */
lks_status lks_h5_images_open(lks_h5_images *h, const char *path, lks_error *err);

/** Reads images [first, first + count), a hyperslab, into @p out (count * rows * columns * channels
 * bytes, [row][column][channel]). */
lks_status lks_h5_images_read(const lks_h5_images *h, int64_t first, int64_t count, uint8_t *out,
                              lks_error *err);

/** Reads labels [first, first + count) into @p out [count]. LKS_ERR_DATA names the index of one outside 0..255. */
lks_status lks_h5_images_read_labels(const lks_h5_images *h, int64_t first, int64_t count,
                                     uint8_t *out, lks_error *err);

/** Starts the library, unless it runs. One that was built for parallel files calls MPI then, once, which only the thread may
 * that started MPI: it calls this before another thread writes a file. */
void lks_h5_begin(void);

/** Version of the HDF5 library, "1.10.8". */
void lks_h5_library(char *text, size_t size);

#endif
