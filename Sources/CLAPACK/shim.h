// SPDX-License-Identifier: GPL-3.0-or-later
// LAPACKE and CBLAS. Swift sees C's _Complex as opaque pointers.
#pragma once
#include <cblas.h>
#include <lapacke.h>
