// SPDX-License-Identifier: GPL-3.0-or-later
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_legendre.h>
#include <gsl/gsl_sf_psi.h>
#include <gsl/gsl_sf_result.h>
#include <gsl/gsl_version.h>
#include <gsl/gsl_roots.h>

/* A variable in GSL; a Swift 6 module sees constants only. */
static inline const gsl_root_fsolver_type *kubo_root_brent(void) { return gsl_root_fsolver_brent; }
