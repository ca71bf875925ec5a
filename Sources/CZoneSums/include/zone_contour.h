// SPDX-License-Identifier: GPL-3.0-or-later
// Matsubara sums at constant lifetime, times traces, summed over the stars of a zone deformed into
// complex k where one band's energy has a negative imaginary part.
#ifndef ZONE_CONTOUR_H
#define ZONE_CONTOUR_H

#include "zone_traces.h"

// The most simple poles of a ZoneLogarithm.
#define ZONE_LARGEST_POLES 15

// l(p) = log(p + shift) - sum_n weight_n/(p + offset_n), the energy integral of a pole.
typedef struct {
  double shift_re, shift_im;
  int count;
  const double *offset_re, *offset_im, *weight_re, *weight_im;
} ZoneLogarithm;

// The functions of (k, omega) that multiply the traces, on the contour of band s, o the other band.
// (a|c) is the bubble g+_a g_c, (a|cc) and (aa|c) those with one propagator twice.
enum {
  ZONE_FUNCTION_COUNT = 9  // (s|s), (s|ss), (ss|s), (s|o), (s|oo), (ss|o), (o|s), (o|ss), (oo|s)
};

// Stars: x_s - mu on the contour, and x_s - x_o, as [re, im][star]; traces as in zone_traces.
typedef struct {
  long blocks;
  const double *energy, *difference, *slots;
  int slot_count, channel_count;
  // Of each slot, in the order of the channels.
  const int *slot_channel, *slot_function;
} ZoneContour;

// What of the pair of bands in resonance, (upper|lower), zone_contour leaves to zone_resonance at omega > 0; K(0) is
// part of what it does.
typedef enum {
  ZONE_LEAVES_NOTHING = 0,
  // The retarded-retarded and advanced-advanced parts times chi = exp(-(D/width)^2), D = 2 Delta - omega.
  ZONE_LEAVES_STRIP,
  // All of these parts.
  ZONE_LEAVES_ONE_SIDED,
  // The retarded-advanced part too.
  ZONE_LEAVES_EVERYTHING
} ZoneLeaves;
typedef struct {
  ZoneLeaves kind;
  double width;
} ZoneSplit;

// For each frequency omega >= 0 and channel adds to `sums` ([omega][channel][re, im]) the share of
// the band in 2 pi/i times [K(omega) - K(0)]/omega, and to `statics` ([channel]) Im of that in
// 2 pi/i times K(0), over 2; with `sizes`, also the sums of the absolute terms, [omega][channel]
// and [channel], and of these over the distance in energy of the nearest singularity.
// With a split, the pair of bands that can be in resonance, (upper|lower), gets its share less what is left.
void zone_contour(const ZoneContour *contour, const ZoneLogarithm *logarithm, double broadening,
                  int is_upper, int omega_count, const double *omega, const ZoneSplit *split,
                  double *sums, double *statics, double *sizes, double *static_sizes,
                  double *roundings, double *static_roundings);

// Retarded-retarded and advanced-advanced parts.
typedef enum { ZONE_BOTH = 0, ZONE_RETARDED = 1, ZONE_ADVANCED = 2 } ZoneParts;

// What zone_contour leaves out, of (upper|lower), (upper|lower lower), (upper upper|lower), functions 0 to 2, at real
// k; ZONE_LEAVES_ONE_SIDED, one of the parts only, also at complex k, where no energy has come to the positive
// imaginary axis. `energy` is that of the lower band.
void zone_resonance(const ZoneContour *zone, const ZoneLogarithm *logarithm, double broadening,
                    int omega_count, const double *omega, const ZoneSplit *split, ZoneParts parts,
                    double *sums, double *sizes, double *roundings);

// The same for each star apart at one frequency: adds to values[channel][re, im][star].
void zone_resonance_values(const ZoneContour *zone, const ZoneLogarithm *logarithm,
                           double broadening, double omega, ZoneSplit split, double *values);

#endif
