// SPDX-License-Identifier: GPL-3.0-or-later
// Sums over the stars of a grid: the innermost loops of zone averages at complex energies.
//
// In C because clang compiles them here for several instruction sets and picks one at run time,
// which Swift cannot. Every set does the same operations in the same order on eight lanes, without
// fused multiply-add, so that the results are the same bits.
#ifndef ZONE_SUMS_H
#define ZONE_SUMS_H

#include "zone_traces.h"

typedef struct {
  double re, im;
} ZoneComplex;

// scba: first, second = zeta of the bonding and the antibonding band, g = 1/(zeta - E).
// site: first, second = zeta and j, 1/D = 1/((zeta - T)^2 - |eta|^2 - j^2).
typedef enum { ZONE_SCBA = 0, ZONE_SITE = 1 } ZoneKind;

// The stars, `blocks` times ZONE_BLOCK of them: weight, and for scba the energies of the bonding and
// the antibonding band, for site T and |eta|^2.
typedef struct {
  const double *weight, *first, *second;
  long blocks;
} ZoneStars;

// scba: avg g, g^2, g^3 of the bonding, then of the antibonding band.
// site: avg a/D, 1/D, a^2/D^2, a/D^2, 1/D^2 with a = zeta - T.
void zone_moments(ZoneKind kind, ZoneStars stars, ZoneComplex first, ZoneComplex second,
                  ZoneComplex moments[6]);

// scba: avg |g|^2 of the two bands, and 0.
// site: avg |a - j|^2/|D|^2, |a + j|^2/|D|^2, |eta|^2/|D|^2.
void zone_squares(ZoneKind kind, ZoneStars stars, ZoneComplex first, ZoneComplex second,
                  double squares[3]);

// The propagators at the two energies of a loop.
typedef struct {
  ZoneComplex first1, second1, first2, second2;
} ZonePair;

// For each pair of energies and each pair (slot, product) of the plan the sum over all stars of slot
// value times product, and for each pair and product the average of its squared modulus, unless `norms` is null. The
// products 0, 1 are the propagators of (first1, second1), 2, 3 those of (first2, second2) - for site
// 0 = 1/D_1 and 2 = 1/D_2 -, and product 4 + p is the product left[p] times the product right[p],
// both from before it. Slot values stand as [block][slot][star]; plan lists slot, product. Many
// pairs at once read the slots from memory only once; the result of a pair does not depend on the
// others.
void zone_loop_sums(ZoneKind kind, ZoneStars stars, const ZonePair *pairs, int pair_count,
                    const int *left, const int *right, int product_count, const double *slots,
                    int slot_count, const int *plan, int plan_count, ZoneComplex *values,
                    double *norms);

#endif
