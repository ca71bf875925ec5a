// SPDX-License-Identifier: GPL-3.0-or-later
// The Hamiltonian of a crystal and the matrices of its vertices at eight wave vectors.
#ifndef CRYSTAL_H
#define CRYSTAL_H

#include <math.h>

#include "lanes.h"
#include "zone_traces.h"

// A function of k with its derivatives along i, j and both.
typedef struct {
  Complex value, i, j, ij;
} Jet;

INLINE Complex times_i(Complex a) { return (Complex){-a.im, a.re}; }

// Adds amplitude exp(-i sign k.r).
INLINE void add_hop(Jet *jet, Complex phase, double amplitude, double ri, double rj, int sign) {
  Complex value = scale(phase, amplitude);
  jet->value = add(jet->value, value);
  Complex d = times_i(scale(value, -sign));
  jet->i = add(jet->i, scale(d, ri));
  jet->j = add(jet->j, scale(d, rj));
  jet->ij = sub(jet->ij, scale(value, ri * rj));
}

// exp(-2 pi i f_a) to all powers that occur, for each axis.
typedef struct {
  Complex of[3][2 * ZONE_LARGEST_EXPONENT + 1];
} Powers;

INLINE void powers(const ZoneTraces *t, const Complex *f, Powers *out) {
  for (int a = 0; a < t->dimension; a++) {
    Complex forward = exponential((Complex){2 * M_PI * f[a].im, -2 * M_PI * f[a].re});
    Complex backward = exponential((Complex){-2 * M_PI * f[a].im, 2 * M_PI * f[a].re});
    Complex *own = out->of[a] + t->largest_exponent;
    own[0] = real(1);
    for (int n = 1; n <= t->largest_exponent; n++) {
      own[n] = mul(own[n - 1], forward);
      own[-n] = mul(own[1 - n], backward);
    }
  }
}

// exp(-i k.r) and exp(i k.r).
typedef struct {
  Complex forward, backward;
} Phase;

INLINE Phase phase(const ZoneTraces *t, const Powers *p, const int *exponents) {
  Phase phase = {real(1), real(1)};
  for (int a = 0; a < t->dimension; a++) {
    const Complex *own = p->of[a] + t->largest_exponent;
    phase.forward = mul(phase.forward, own[exponents[a]]);
    phase.backward = mul(phase.backward, own[-exponents[a]]);
  }
  return phase;
}

// T and eta with their derivatives along i, j, at the image under one operation.
INLINE void jets(const ZoneTraces *t, const Powers *p, const int *exponents, Jet *hopping, Jet *eta,
                 Jet *etabar) {
  *hopping = *eta = *etabar = (Jet){real(0), real(0), real(0), real(0)};
  int hops = t->inter_count + t->intra_count;
  for (int h = 0; h < hops; h++) {
    Phase own = phase(t, p, exponents + 3 * h);
    const double *hop = t->hops + 3 * h;
    if (h < t->inter_count) {
      add_hop(eta, own.forward, hop[0], hop[1], hop[2], 1);
      add_hop(etabar, own.backward, hop[0], hop[1], hop[2], -1);
    } else {
      add_hop(hopping, own.forward, -hop[0], hop[1], hop[2], 1);
      add_hop(hopping, own.backward, -hop[0], hop[1], hop[2], -1);
    }
  }
}

// The matrix of a vertex without its factor, [row][column], and for ZONE_ANOMALOUS, which gets that of
// d_i H, the velocities of the two bands.
INLINE void vertex(int kind, const Jet *jet, Complex inverse_delta, Complex m[4],
                   Complex velocity[2]) {
  Jet hopping = jet[0], eta = jet[1], etabar = jet[2];
  m[0] = m[3] = real(1);
  m[1] = m[2] = real(0);
  if (kind == ZONE_STAGGERED) m[3] = real(-1);
  if (kind == ZONE_CURRENT_I || kind == ZONE_ANOMALOUS) {
    m[0] = m[3] = hopping.i;
    m[1] = neg(etabar.i);
    m[2] = neg(eta.i);
  } else if (kind == ZONE_CURRENT_J) {
    m[0] = m[3] = hopping.j;
    m[1] = neg(etabar.j);
    m[2] = neg(eta.j);
  } else if (kind == ZONE_CURVATURE) {
    m[0] = m[3] = hopping.ij;
    m[1] = neg(etabar.ij);
    m[2] = neg(eta.ij);
  }
  if (kind == ZONE_ANOMALOUS) {
    Complex slope =
        scale(mul(add(mul(eta.i, etabar.value), mul(eta.value, etabar.i)), inverse_delta), 0.5);
    velocity[0] = sub(hopping.i, slope);
    velocity[1] = add(hopping.i, slope);
  }
}

#endif
