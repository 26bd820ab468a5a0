/** @file matrices.h  Tensors as matrices, made orthogonal: the nearest matrix whose singular values are 1, about. */
#ifndef LKS_OPTIM_MATRICES_H
#define LKS_OPTIM_MATRICES_H

#include "optim/optim.h"

/** Room for the matrices of the tensors that @p chosen [n_tensors] names; a tensor is [count / last][last], last its
 * last side. Their blocks are marked. Ended by lks_matrices_free(). LKS_ERR_MEMORY. */
lks_status lks_matrices_create(lks_optimizer *o, const lks_tensor *tensors, const bool *chosen,
                               lks_error *err);
void lks_matrices_free(lks_matrices *m);

/** In the place of each matrix U of state @p s, the orthogonal one next to it times sqrt(max(1, columns / rows)): of U =
 * A S B^T about A B^T. Singular values from 0.01 |U| on become 0.65 to 1.25 times that factor, smaller ones stay small.
 * For tensors that begin among the blocks of this process; o->norms.gradient has the norms |U|. What is read and written
 * is hashed. Any number of threads gives the same bits. */
void lks_matrices_orthogonalise(lks_optimizer *o, int s, int threads);

#endif
