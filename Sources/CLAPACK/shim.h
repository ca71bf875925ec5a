// SPDX-License-Identifier: GPL-3.0-or-later
// LAPACKE and CBLAS. Swift sees C's _Complex as opaque pointers.
#pragma once
#include <cblas.h>
#include <lapacke.h>

// The product of the reference BLAS. cblas_zgemm would be that of GSL, which the linker meets first and which is several times slower.
void zgemm_(
  const char *left, const char *right, const int *rows, const int *columns, const int *inner,
  const void *alpha, const void *a, const int *lda, const void *b, const int *ldb, const void *beta,
  void *c, const int *ldc);
