// SPDX-License-Identifier: GPL-3.0-or-later
#include "zone_sums.h"

#include <stdlib.h>
#include <string.h>

#include "lanes.h"

#define VECTORS (ZONE_BLOCK / LANES)

// A block of complex numbers.
typedef struct {
  Complex of[VECTORS];
} Block;

// The propagators of both bands, or 1/D in `first` alone. Energies are far from overflow.
INLINE void propagators(ZoneKind kind, const double *t, const double *gap, ZoneComplex x,
                        ZoneComplex y, Block *first, Block *second) {
  Complex square = {(Real)0.0 + (y.re * y.re - y.im * y.im), (Real)0.0 + 2 * y.re * y.im};
  for (int n = 0; n < VECTORS; n++) {
    Real a = x.re - load(t + LANES * n), b = load(gap + LANES * n);
    if (kind == ZONE_SCBA) {
      first->of[n] = inverse((Complex){a, (Real)0.0 + x.im});
      second->of[n] = inverse((Complex){y.re - b, (Real)0.0 + y.im});
    } else {
      first->of[n] = inverse(
          (Complex){a * a - x.im * x.im - b - square.re, 2 * a * x.im - square.im});
    }
  }
}

INLINE void multiply(const Block *a, const Block *b, Block *out) {
  for (int n = 0; n < VECTORS; n++) out->of[n] = mul(a->of[n], b->of[n]);
}

// Adds weight times values, in two sums that do not wait for each other.
INLINE Complex weighted(const double *weight, const Block *values, Complex sum) {
  Complex other = scale(values->of[1], load(weight + LANES));
  sum = add(sum, scale(values->of[0], load(weight)));
  for (int n = 2; n < VECTORS; n += 2) {
    sum = add(sum, scale(values->of[n], load(weight + LANES * n)));
    other = add(other, scale(values->of[n + 1], load(weight + LANES * (n + 1))));
  }
  return add(sum, other);
}

INLINE ZoneComplex sum_lanes(Complex s) { return (ZoneComplex){total(s.re), total(s.im)}; }

CLONES void zone_moments(ZoneKind kind, ZoneStars s, ZoneComplex x, ZoneComplex y,
                         ZoneComplex moments[6]) {
  Complex sums[6];
  for (int m = 0; m < 6; m++) sums[m] = real(0);
  for (long b = 0; b < s.blocks; b++) {
    const double *w = s.weight + b * ZONE_BLOCK, *t = s.first + b * ZONE_BLOCK,
                 *gap = s.second + b * ZONE_BLOCK;
    Block p, q, r, product;
    propagators(kind, t, gap, x, y, &p, &q);
    if (kind == ZONE_SCBA) {
      for (int band = 0; band < 2; band++) {
        const Block *g = band ? &q : &p;
        sums[3 * band] = weighted(w, g, sums[3 * band]);
        multiply(g, g, &product);
        sums[3 * band + 1] = weighted(w, &product, sums[3 * band + 1]);
        multiply(&product, g, &product);
        sums[3 * band + 2] = weighted(w, &product, sums[3 * band + 2]);
      }
    } else {
      for (int n = 0; n < VECTORS; n++)
        q.of[n] = (Complex){x.re - load(t + LANES * n), (Real)0.0 + x.im};
      multiply(&q, &p, &r);
      sums[0] = weighted(w, &r, sums[0]);
      sums[1] = weighted(w, &p, sums[1]);
      multiply(&r, &r, &product);
      sums[2] = weighted(w, &product, sums[2]);
      multiply(&r, &p, &product);
      sums[3] = weighted(w, &product, sums[3]);
      multiply(&p, &p, &product);
      sums[4] = weighted(w, &product, sums[4]);
    }
  }
  for (int m = 0; m < (kind == ZONE_SCBA ? 6 : 5); m++) moments[m] = sum_lanes(sums[m]);
}

CLONES void zone_squares(ZoneKind kind, ZoneStars s, ZoneComplex x, ZoneComplex y,
                         double squares[3]) {
  Real sums[3] = {0.0, 0.0, 0.0};
  for (long b = 0; b < s.blocks; b++) {
    const double *w = s.weight + b * ZONE_BLOCK, *t = s.first + b * ZONE_BLOCK,
                 *gap = s.second + b * ZONE_BLOCK;
    Block p, q;
    propagators(kind, t, gap, x, y, &p, &q);
    for (int n = 0; n < VECTORS; n++) {
      Real d = load(w + LANES * n) * norm(p.of[n]);
      if (kind == ZONE_SCBA) {
        sums[0] += d;
        sums[1] += load(w + LANES * n) * norm(q.of[n]);
      } else {
        Real a = x.re - load(t + LANES * n);
        sums[0] += d * ((a - y.re) * (a - y.re) + (x.im - y.im) * (x.im - y.im));
        sums[1] += d * ((a + y.re) * (a + y.re) + (x.im + y.im) * (x.im + y.im));
        sums[2] += d * load(gap + LANES * n);
      }
    }
  }
  for (int m = 0; m < 3; m++) squares[m] = total(sums[m]);
}

CLONES void zone_loop_sums(ZoneKind kind, ZoneStars s, const ZonePair *pairs, int pair_count,
                           const int *left, const int *right, int product_count,
                           const double *slots, int slot_count, const int *plan, int plan_count,
                           ZoneComplex *values, double *norms) {
  size_t sum_count = (size_t)plan_count * (size_t)pair_count;
  size_t norm_count = (size_t)product_count * (size_t)pair_count;
  Block *products = aligned_alloc(64, (size_t)(4 + product_count) * sizeof(Block));
  Complex *sums = aligned_alloc(64, (sum_count + 1) * sizeof(Complex));
  Real *squares = aligned_alloc(64, (norm_count + 1) * sizeof(Real));
  if (!products || !sums || !squares) abort();
  memset(sums, 0, sum_count * sizeof(Complex));
  memset(squares, 0, norm_count * sizeof(Real));
  for (long b = 0; b < s.blocks; b++) {
    const double *w = s.weight + b * ZONE_BLOCK, *t = s.first + b * ZONE_BLOCK,
                 *gap = s.second + b * ZONE_BLOCK;
    for (int pair = 0; pair < pair_count; pair++) {
      ZonePair x = pairs[pair];
      propagators(kind, t, gap, x.first1, x.second1, &products[0], &products[1]);
      propagators(kind, t, gap, x.first2, x.second2, &products[2], &products[3]);
      for (int p = 0; p < product_count; p++) {
        Block *product = &products[4 + p];
        multiply(&products[left[p]], &products[right[p]], product);
        if (!norms) continue;
        Real square = squares[pair * product_count + p];
        for (int n = 0; n < VECTORS; n++) square += load(w + LANES * n) * norm(product->of[n]);
        squares[pair * product_count + p] = square;
      }
      Complex *own = sums + (size_t)pair * (size_t)plan_count;
      for (int k = 0; k < plan_count; k++) {
        const double *slot = slots + (b * slot_count + plan[2 * k]) * ZONE_BLOCK;
        own[k] = weighted(slot, &products[plan[2 * k + 1]], own[k]);
      }
    }
  }
  for (size_t k = 0; k < sum_count; k++) values[k] = sum_lanes(sums[k]);
  for (size_t p = 0; norms && p < norm_count; p++) norms[p] = total(squares[p]);
  free(products);
  free(sums);
  free(squares);
}
