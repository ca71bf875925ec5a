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

// The contour of one band s into complex k, o the other band: for scba E_s and E_s - E_o, for site T
// and eta etabar, weights, as [block][re, im][star], and slot values, [block][slot][re, im][star].
typedef struct {
  ZoneKind kind;
  int is_upper;
  const double *first, *second, *weight, *slots;
  long blocks;
  int slot_count;
} ZoneBand;

// For scba zeta of the band and of the other one, for site zeta and j, at the two energies of a loop.
typedef struct {
  ZoneComplex own1, other1, own2, other2;
} ZoneBandPair;

// scba: avg g, g^2, g^3 of the band. site: the share of the band in the moments of zone_moments.
void zone_band_moments(const ZoneBand *band, ZoneComplex own, ZoneComplex other,
                       ZoneComplex moments[5]);

// site: the share of the band in zone_squares at an energy with an imaginary part.
void zone_band_squares(const ZoneBand *band, ZoneComplex zeta, ZoneComplex j, double squares[3]);

// The terms of a product of propagators, those at z_1 retarded, that are singular where
// zeta(z_1) = E_s, by partial fractions: for scba (s|s), (s|o), (ss|s), (ss|o), (so|s), (so|o), (s|ss),
// (s|so), (s|oo), for site those of 1/(D_1 D_2), 1/(D_1 D_2^2), 1/(D_1^2 D_2), 1/D_1^2.
enum { ZONE_TERM_COUNT = 9 };

// The same sums as of zone_loop_sums, the share of a band, with z_1 retarded and z_2 advanced. Of each
// product `retarded` tells which of the terms it has, or -1, and `advanced` which one it has with the two
// energies exchanged: that term's complex conjugate, at the conjugate energies, belongs on the conjugate
// contour. The plan has products with either of them. Norms are the sums of |weight| times the squared
// moduli of both.
void zone_band_sums(const ZoneBand *band, const ZoneBandPair *pairs, int pair_count,
                    const int *retarded, const int *advanced, int product_count, const int *plan,
                    int plan_count, ZoneComplex *values, double *norms);

// A zone displaced for both bands at once, as a ZoneBand whose `first` and `second` are those of ZoneStars: the
// sums of zone_moments, and those of zone_loop_sums, as they stand, without partial fractions; norms with
// |weight|.
void zone_surface_moments(const ZoneBand *surface, ZoneComplex first, ZoneComplex second,
                          ZoneComplex moments[6]);
void zone_surface_sums(const ZoneBand *surface, const ZonePair *pairs, int pair_count,
                       const int *left, const int *right, int product_count, const int *plan,
                       int plan_count, ZoneComplex *values, double *norms);

// Samples of the zone, `blocks` times eight of them, as [block][row][sample] with the rows T, |eta|^2 and, of the bonding,
// then of the antibonding band, the speed v, the curvature M and how far its energy comes from the sample's.
typedef struct {
  const double *rows;
  long blocks;
} ZoneSamples;
enum { ZONE_SAMPLE_ROWS = 8 };

// The least kappa of v kappa + M kappa^2/2 = |zeta - E| over the samples and both bands E = T -+ (|eta|^2 + j^2)^(1/2), with
// zeta = `lower` for the bonding band and `upper` for the antibonding one; |Re(zeta - E)| is at least far[band].
double zone_strip(ZoneSamples samples, ZoneComplex lower, ZoneComplex upper, ZoneComplex j,
                  const double far[2]);

#endif
