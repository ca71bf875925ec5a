// SPDX-License-Identifier: GPL-3.0-or-later
#include "zone_sums.h"

#include <stdlib.h>
#include <string.h>

#include "clones.h"

// A block of complex numbers.
typedef struct {
  double re[ZONE_BLOCK], im[ZONE_BLOCK];
} Block;

// 1/(re + i im). Energies are far from overflow.
INLINE void reciprocal(const double *re, const double *im, Block *out) {
  for (int n = 0; n < ZONE_BLOCK; n++) {
    double s = 1 / (re[n] * re[n] + im[n] * im[n]);
    out->re[n] = re[n] * s;
    out->im[n] = -im[n] * s;
  }
}

// The propagators of both bands, or 1/D in `first` alone.
INLINE void propagators(ZoneKind kind, const double *t, const double *gap, ZoneComplex x,
                        ZoneComplex y, Block *first, Block *second) {
  double re[ZONE_BLOCK], im[ZONE_BLOCK];
  if (kind == ZONE_SCBA) {
    for (int n = 0; n < ZONE_BLOCK; n++) {
      re[n] = x.re - t[n];
      im[n] = x.im;
    }
    reciprocal(re, im, first);
    for (int n = 0; n < ZONE_BLOCK; n++) {
      re[n] = y.re - gap[n];
      im[n] = y.im;
    }
    reciprocal(re, im, second);
  } else {
    double square_re = y.re * y.re - y.im * y.im, square_im = 2 * y.re * y.im;
    for (int n = 0; n < ZONE_BLOCK; n++) {
      double a = x.re - t[n];
      re[n] = a * a - x.im * x.im - gap[n] - square_re;
      im[n] = 2 * a * x.im - square_im;
    }
    reciprocal(re, im, first);
  }
}

INLINE double sum_lanes(const double *s) {
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

// Adds weight times values, lane by lane.
INLINE void add(const double *weight, const Block *values, double *re, double *im) {
  for (int n = 0; n < ZONE_BLOCK; n += LANES)
    for (int l = 0; l < LANES; l++) {
      re[l] += weight[n + l] * values->re[n + l];
      im[l] += weight[n + l] * values->im[n + l];
    }
}

INLINE void multiply(const Block *a, const Block *b, Block *out) {
  for (int n = 0; n < ZONE_BLOCK; n++) {
    double re = a->re[n] * b->re[n] - a->im[n] * b->im[n];
    double im = a->re[n] * b->im[n] + a->im[n] * b->re[n];
    out->re[n] = re;
    out->im[n] = im;
  }
}

CLONES void zone_moments(ZoneKind kind, ZoneStars s, ZoneComplex x, ZoneComplex y,
                         ZoneComplex moments[6]) {
  double re[6][LANES] = {{0}}, im[6][LANES] = {{0}};
  int count = kind == ZONE_SCBA ? 6 : 5;
  for (long b = 0; b < s.blocks; b++) {
    const double *w = s.weight + b * ZONE_BLOCK, *t = s.first + b * ZONE_BLOCK,
                 *gap = s.second + b * ZONE_BLOCK;
    Block p, q, r, product;
    propagators(kind, t, gap, x, y, &p, &q);
    if (kind == ZONE_SCBA) {
      add(w, &p, re[0], im[0]);
      multiply(&p, &p, &product);
      add(w, &product, re[1], im[1]);
      multiply(&product, &p, &product);
      add(w, &product, re[2], im[2]);
      add(w, &q, re[3], im[3]);
      multiply(&q, &q, &product);
      add(w, &product, re[4], im[4]);
      multiply(&product, &q, &product);
      add(w, &product, re[5], im[5]);
    } else {
      for (int n = 0; n < ZONE_BLOCK; n++) {
        q.re[n] = x.re - t[n];
        q.im[n] = x.im;
      }
      multiply(&q, &p, &r);
      add(w, &r, re[0], im[0]);
      add(w, &p, re[1], im[1]);
      multiply(&r, &r, &product);
      add(w, &product, re[2], im[2]);
      multiply(&r, &p, &product);
      add(w, &product, re[3], im[3]);
      multiply(&p, &p, &product);
      add(w, &product, re[4], im[4]);
    }
  }
  for (int m = 0; m < count; m++) moments[m] = (ZoneComplex){sum_lanes(re[m]), sum_lanes(im[m])};
}

CLONES void zone_squares(ZoneKind kind, ZoneStars s, ZoneComplex x, ZoneComplex y,
                         double squares[3]) {
  double total[3][LANES] = {{0}};
  for (long b = 0; b < s.blocks; b++) {
    const double *w = s.weight + b * ZONE_BLOCK, *t = s.first + b * ZONE_BLOCK,
                 *gap = s.second + b * ZONE_BLOCK;
    Block p, q;
    propagators(kind, t, gap, x, y, &p, &q);
    for (int n = 0; n < ZONE_BLOCK; n += LANES)
      for (int l = 0; l < LANES; l++) {
        int k = n + l;
        double d = w[k] * (p.re[k] * p.re[k] + p.im[k] * p.im[k]);
        if (kind == ZONE_SCBA) {
          total[0][l] += d;
          total[1][l] += w[k] * (q.re[k] * q.re[k] + q.im[k] * q.im[k]);
        } else {
          double a = x.re - t[k];
          total[0][l] += d * ((a - y.re) * (a - y.re) + (x.im - y.im) * (x.im - y.im));
          total[1][l] += d * ((a + y.re) * (a + y.re) + (x.im + y.im) * (x.im + y.im));
          total[2][l] += d * gap[k];
        }
      }
  }
  for (int m = 0; m < 3; m++) squares[m] = sum_lanes(total[m]);
}

CLONES void zone_loop_sums(ZoneKind kind, ZoneStars s, const ZonePair *pairs, int pair_count,
                           const int *left, const int *right, int product_count,
                           const double *slots, const int *plan, int slot_count,
                           ZoneComplex *values, double *norms) {
  size_t per_pair = (size_t)(2 * slot_count + product_count) * LANES;
  Block *products = malloc((size_t)(4 + product_count) * sizeof(Block));
  double *sums = calloc(per_pair * (size_t)pair_count, sizeof(double));
  if (!products || !sums) abort();
  for (long b = 0; b < s.blocks; b++) {
    const double *w = s.weight + b * ZONE_BLOCK, *t = s.first + b * ZONE_BLOCK,
                 *gap = s.second + b * ZONE_BLOCK;
    for (int pair = 0; pair < pair_count; pair++) {
      ZonePair x = pairs[pair];
      double *own = sums + per_pair * (size_t)pair;
      double *squares = own + 2 * (size_t)slot_count * LANES;
      propagators(kind, t, gap, x.first1, x.second1, &products[0], &products[1]);
      propagators(kind, t, gap, x.first2, x.second2, &products[2], &products[3]);
      for (int p = 0; p < product_count; p++) {
        Block *product = &products[4 + p];
        multiply(&products[left[p]], &products[right[p]], product);
        if (!norms) continue;
        double square[LANES];
        memcpy(square, squares + p * LANES, sizeof square);
        for (int n = 0; n < ZONE_BLOCK; n += LANES)
          for (int l = 0; l < LANES; l++)
            square[l] += w[n + l] * (product->re[n + l] * product->re[n + l] +
                                     product->im[n + l] * product->im[n + l]);
        memcpy(squares + p * LANES, square, sizeof square);
      }
      const double *slot = slots + b * slot_count * ZONE_BLOCK;
      for (int k = 0; k < slot_count; k++, slot += ZONE_BLOCK) {
        double re[LANES], im[LANES];
        double *sum = own + 2 * (size_t)k * LANES;
        memcpy(re, sum, sizeof re);
        memcpy(im, sum + LANES, sizeof im);
        add(slot, &products[plan[k]], re, im);
        memcpy(sum, re, sizeof re);
        memcpy(sum + LANES, im, sizeof im);
      }
    }
  }
  for (int pair = 0; pair < pair_count; pair++) {
    const double *own = sums + per_pair * (size_t)pair;
    for (int k = 0; k < slot_count; k++)
      values[pair * slot_count + k] = (ZoneComplex){sum_lanes(own + 2 * (size_t)k * LANES),
                                                    sum_lanes(own + (2 * (size_t)k + 1) * LANES)};
    for (int p = 0; norms && p < product_count; p++)
      norms[pair * product_count + p] =
          sum_lanes(own + 2 * (size_t)slot_count * LANES + (size_t)p * LANES);
  }
  free(products);
  free(sums);
}
