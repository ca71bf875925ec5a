// SPDX-License-Identifier: GPL-3.0-or-later
// Matsubara sums of both bands at once, times traces, summed over stars of the real zone.
#ifndef ZONE_BUBBLES_H
#define ZONE_BUBBLES_H

#include "zone_contour.h"

// The most simple poles of l in zone_bubbles.
#define ZONE_LARGEST_RATIONAL 256
// (a|c), then (a|bc), then (bc|a), each in the order of Bubble.known.
#define ZONE_BUBBLE_COUNT 16

// What zone_bubbles adds to: K(0), [channel], and [K(omega) - K(0)]/omega, [omega][channel][re, im];
// unless null the sums of moduli, [channel] and [omega][channel], and those of all that bubbles are made of,
// of which rounding leaves a part.
typedef struct {
  double *statics, *sums, *static_sizes, *sizes, *static_rounding, *rounding;
} ZoneBubbleSums;

// The first `stars` stars of a table at real k, `energy` that of the lower band less mu, slot_function
// the number of a bubble. The bubbles are sums over the simple poles alone of `poles`, so that all are products
// of propagators, and nothing is lost where energies come close to each other or omega to 0. With `is_apart`
// each star adds to numbers of its own, [channel][star] and [omega][channel][re, im][star], with as many stars as
// the table has, and moduli are not summed.
void zone_bubbles(const ZoneContour *zone, long stars, const ZoneLogarithm *poles,
                  double broadening, int omega_count, const double *omega, int is_apart,
                  const ZoneBubbleSums *sums);

#endif
