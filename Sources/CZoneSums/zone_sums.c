// SPDX-License-Identifier: GPL-3.0-or-later
#include "zone_sums.h"

#include <stdlib.h>
#include <string.h>

#include "lanes.h"

// Stars are taken by half blocks: with whole ones the products of a pair would not fit the cache.
#define HALF (ZONE_BLOCK / 2)
#define VECTORS (HALF / LANES)

// Half a block of complex numbers.
typedef struct {
  Complex of[VECTORS];
} Block;

// Vector n of a block of complex numbers in memory.
INLINE Complex pair_at(const double *block, int n) {
  return loadc(block + LANES * n, block + ZONE_BLOCK + LANES * n);
}

// The stars of the real zone, or of a displaced one, whose numbers stand as [re, im][star].
typedef struct {
  ZoneKind kind;
  int is_displaced;
  const double *weight, *first, *second, *slots;
  long blocks;
  int slot_count;
} Stars;

INLINE Stars real_zone(ZoneKind kind, ZoneStars s, const double *slots, int slot_count) {
  return (Stars){kind, 0, s.weight, s.first, s.second, slots, s.blocks, slot_count};
}

INLINE Stars displaced_zone(const ZoneBand *s) {
  return (Stars){s->kind, 1, s->weight, s->first, s->second, s->slots, s->blocks, s->slot_count};
}

// Where half a block begins among the numbers of stars.
INLINE long offset(int is_displaced, long half) {
  return is_displaced ? half / 2 * 2 * ZONE_BLOCK + half % 2 * HALF : half * HALF;
}

// The propagators of both bands, or 1/D and zeta - T. Energies are far from overflow.
INLINE void propagators(Stars s, long half, ZoneComplex x, ZoneComplex y, Block *first,
                        Block *second) {
  const double *t = s.first + offset(s.is_displaced, half),
               *gap = s.second + offset(s.is_displaced, half);
  Complex square = {(Real)0.0 + (y.re * y.re - y.im * y.im), (Real)0.0 + 2 * y.re * y.im};
  for (int n = 0; n < VECTORS; n++) {
    Complex a, b;
    if (s.is_displaced) {
      Complex at = pair_at(t, n);
      a = (Complex){x.re - at.re, x.im - at.im};
      b = pair_at(gap, n);
    } else {
      a = (Complex){x.re - load(t + LANES * n), (Real)0.0 + x.im};
      b = (Complex){load(gap + LANES * n), (Real)0.0};
    }
    if (s.kind == ZONE_SCBA) {
      first->of[n] = inverse(a);
      second->of[n] = inverse((Complex){y.re - b.re, y.im - b.im});
    } else {
      first->of[n] = inverse((Complex){a.re * a.re - a.im * a.im - b.re - square.re,
                                       2 * a.re * a.im - b.im - square.im});
      second->of[n] = a;
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

// The same of the weights of half a block.
INLINE Complex weighted_stars(Stars s, long half, const Block *values, Complex sum) {
  const double *weight = s.weight + offset(s.is_displaced, half);
  if (!s.is_displaced) return weighted(weight, values, sum);
  for (int n = 0; n < VECTORS; n++) sum = add(sum, mul(pair_at(weight, n), values->of[n]));
  return sum;
}

INLINE ZoneComplex sum_lanes(Complex s) { return (ZoneComplex){total(s.re), total(s.im)}; }

INLINE void add_moments(Stars s, ZoneComplex x, ZoneComplex y, ZoneComplex moments[6]) {
  Complex sums[6];
  for (int m = 0; m < 6; m++) sums[m] = real(0);
  for (long half = 0; half < 2 * s.blocks; half++) {
    Block p, q, r, product;
    propagators(s, half, x, y, &p, &q);
    if (s.kind == ZONE_SCBA) {
      for (int band = 0; band < 2; band++) {
        const Block *g = band ? &q : &p;
        sums[3 * band] = weighted_stars(s, half, g, sums[3 * band]);
        multiply(g, g, &product);
        sums[3 * band + 1] = weighted_stars(s, half, &product, sums[3 * band + 1]);
        multiply(&product, g, &product);
        sums[3 * band + 2] = weighted_stars(s, half, &product, sums[3 * band + 2]);
      }
    } else {
      multiply(&q, &p, &r);
      sums[0] = weighted_stars(s, half, &r, sums[0]);
      sums[1] = weighted_stars(s, half, &p, sums[1]);
      multiply(&r, &r, &product);
      sums[2] = weighted_stars(s, half, &product, sums[2]);
      multiply(&r, &p, &product);
      sums[3] = weighted_stars(s, half, &product, sums[3]);
      multiply(&p, &p, &product);
      sums[4] = weighted_stars(s, half, &product, sums[4]);
    }
  }
  for (int m = 0; m < (s.kind == ZONE_SCBA ? 6 : 5); m++) moments[m] = sum_lanes(sums[m]);
}

CLONES void zone_moments(ZoneKind kind, ZoneStars s, ZoneComplex x, ZoneComplex y,
                         ZoneComplex moments[6]) {
  add_moments(real_zone(kind, s, 0, 0), x, y, moments);
}

CLONES void zone_surface_moments(const ZoneBand *s, ZoneComplex x, ZoneComplex y,
                                 ZoneComplex moments[6]) {
  add_moments(displaced_zone(s), x, y, moments);
}

CLONES void zone_squares(ZoneKind kind, ZoneStars s, ZoneComplex x, ZoneComplex y,
                         double squares[3]) {
  Real sums[3] = {0.0, 0.0, 0.0};
  for (long half = 0; half < 2 * s.blocks; half++) {
    const double *w = s.weight + half * HALF, *t = s.first + half * HALF,
                 *gap = s.second + half * HALF;
    Block p, q;
    propagators(real_zone(kind, s, 0, 0), half, x, y, &p, &q);
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

INLINE void loop_sums(Stars s, const ZonePair *pairs, int pair_count, const int *left,
                      const int *right, int product_count, const int *plan, int plan_count,
                      ZoneComplex *values, double *norms) {
  size_t sum_count = (size_t)plan_count * (size_t)pair_count;
  size_t norm_count = (size_t)product_count * (size_t)pair_count;
  // On a displaced zone with the real and with the imaginary parts of the slots.
  size_t parts = s.is_displaced ? 2 : 1;
  Block *products = aligned_alloc(64, (size_t)(4 + product_count) * sizeof(Block));
  Complex *sums = aligned_alloc(64, (parts * sum_count + 1) * sizeof(Complex));
  Real *squares = aligned_alloc(64, (norm_count + 1) * sizeof(Real));
  if (!products || !sums || !squares) abort();
  memset(sums, 0, parts * sum_count * sizeof(Complex));
  memset(squares, 0, norm_count * sizeof(Real));
  for (long half = 0; half < 2 * s.blocks; half++) {
    const double *w = s.weight + offset(s.is_displaced, half);
    for (int pair = 0; pair < pair_count; pair++) {
      ZonePair x = pairs[pair];
      propagators(s, half, x.first1, x.second1, &products[0], &products[1]);
      propagators(s, half, x.first2, x.second2, &products[2], &products[3]);
      for (int p = 0; p < product_count; p++) {
        Block *product = &products[4 + p];
        multiply(&products[left[p]], &products[right[p]], product);
        if (!norms) continue;
        Real square = squares[pair * product_count + p];
        for (int n = 0; n < VECTORS; n++)
          square += (s.is_displaced ? modulus(pair_at(w, n)) : load(w + LANES * n)) *
                    norm(product->of[n]);
        squares[pair * product_count + p] = square;
      }
      Complex *own = sums + parts * (size_t)pair * (size_t)plan_count;
      for (int k = 0; k < plan_count; k++) {
        const Block *product = &products[plan[2 * k + 1]];
        const double *slot = s.slots +
                             (half / 2 * s.slot_count + plan[2 * k]) * (long)parts * ZONE_BLOCK +
                             half % 2 * HALF;
        for (size_t part = 0; part < parts; part++)
          own[parts * k + part] =
              weighted(slot + part * ZONE_BLOCK, product, own[parts * k + part]);
      }
    }
  }
  for (size_t k = 0; k < sum_count; k++) {
    values[k] = sum_lanes(sums[parts * k]);
    if (!s.is_displaced) continue;
    ZoneComplex imaginary = sum_lanes(sums[parts * k + 1]);
    values[k].re -= imaginary.im;
    values[k].im += imaginary.re;
  }
  for (size_t p = 0; norms && p < norm_count; p++) norms[p] = total(squares[p]);
  free(products);
  free(sums);
  free(squares);
}

CLONES void zone_loop_sums(ZoneKind kind, ZoneStars s, const ZonePair *pairs, int pair_count,
                           const int *left, const int *right, int product_count,
                           const double *slots, int slot_count, const int *plan, int plan_count,
                           ZoneComplex *values, double *norms) {
  loop_sums(real_zone(kind, s, slots, slot_count), pairs, pair_count, left, right, product_count,
            plan, plan_count, values, norms);
}

CLONES void zone_surface_sums(const ZoneBand *s, const ZonePair *pairs, int pair_count,
                              const int *left, const int *right, int product_count,
                              const int *plan, int plan_count, ZoneComplex *values,
                              double *norms) {
  loop_sums(displaced_zone(s), pairs, pair_count, left, right, product_count, plan, plan_count,
            values, norms);
}

// Of a star on the contour of a band with site impurities: 1/u, u = zeta - T - s Delta, and 1/delta,
// delta = 2 s Delta, by which u differs from the other factor of D = u (u + delta).
typedef struct {
  Complex delta, inverse_u, inverse_delta;
} SiteStar;

INLINE SiteStar site_star(const ZoneBand *s, Complex hopping, Complex square, ZoneComplex zeta,
                          ZoneComplex j) {
  Complex gap2 = {square.re + (j.re * j.re - j.im * j.im), square.im + 2 * j.re * j.im};
  Complex delta = scale(root(gap2), s->is_upper ? 2.0 : -2.0);
  Complex u = {zeta.re - hopping.re - 0.5 * delta.re, zeta.im - hopping.im - 0.5 * delta.im};
  return (SiteStar){delta, inverse(u), inverse(delta)};
}

// The term of 1/D^2: (1/u - 2/delta)/(u delta^2).
INLINE Complex site_square(SiteStar x, Complex term) {
  return mul(mul(term, x.inverse_delta), sub(x.inverse_u, scale(x.inverse_delta, 2.0)));
}

CLONES void zone_band_moments(const ZoneBand *s, ZoneComplex own, ZoneComplex other,
                              ZoneComplex moments[5]) {
  int count = s->kind == ZONE_SCBA ? 3 : 5;
  Complex sums[5];
  for (int m = 0; m < count; m++) sums[m] = real(0);
  for (long half = 0; half < 2 * s->blocks; half++) {
    long start = half / 2 * 2 * ZONE_BLOCK + half % 2 * HALF;
    const double *e = s->first + start, *x = s->second + start, *w = s->weight + start;
    for (int n = 0; n < VECTORS; n++) {
      Complex at = pair_at(e, n), weight = pair_at(w, n);
      if (s->kind == ZONE_SCBA) {
        Complex g = inverse((Complex){own.re - at.re, own.im - at.im});
        Complex term = mul(weight, g);
        sums[0] = add(sums[0], term);
        term = mul(term, g);
        sums[1] = add(sums[1], term);
        sums[2] = add(sums[2], mul(term, g));
      } else {
        SiteStar star = site_star(s, at, pair_at(x, n), own, other);
        Complex a = {own.re - at.re, own.im - at.im};
        Complex term = mul(weight, mul(star.inverse_u, star.inverse_delta));
        Complex square = site_square(star, term), once = mul(a, square);
        sums[0] = add(sums[0], mul(a, term));
        sums[1] = add(sums[1], term);
        sums[2] = add(sums[2], mul(a, once));
        sums[3] = add(sums[3], once);
        sums[4] = add(sums[4], square);
      }
    }
  }
  for (int m = 0; m < count; m++) moments[m] = sum_lanes(sums[m]);
}

// With c = zeta(z_2) - zeta(z_1), beta = c + s Delta_1 and P = beta^2 - Delta_2^2, the value of D_2 where
// u = 0, the terms of 1/u are
//
//     1/(D_1 D_2) -> 1/(u delta P)         1/(D_1^2 D_2) -> (1/u - 2/delta - 2 beta/P)/(u delta^2 P)
//     1/(D_1 D_2^2) -> 1/(u delta P^2)     1/D_1^2 -> (1/u - 2/delta)/(u delta^2)
INLINE void site_terms(const ZoneBand *s, Complex hopping, Complex square, ZoneBandPair x,
                       Complex terms[4]) {
  SiteStar star = site_star(s, hopping, square, x.own1, x.other1);
  ZoneComplex c = {x.own2.re - x.own1.re, x.own2.im - x.own1.im};
  ZoneComplex minus = {x.other1.re - x.other2.re, x.other1.im - x.other2.im};
  ZoneComplex plus = {x.other1.re + x.other2.re, x.other1.im + x.other2.im};
  Complex shift = {(Real)0.0 + c.re, (Real)0.0 + c.im};
  // c (c + 2 s Delta_1) + j_1^2 - j_2^2.
  Complex p = mul(shift, add(shift, star.delta));
  p.re = p.re + (minus.re * plus.re - minus.im * plus.im);
  p.im = p.im + (minus.re * plus.im + minus.im * plus.re);
  Complex inverse_p = inverse(p), once = mul(star.inverse_u, star.inverse_delta);
  Complex two_beta = add(scale(shift, 2.0), star.delta);
  terms[0] = mul(once, inverse_p);
  terms[1] = mul(terms[0], inverse_p);
  Complex bracket = sub(star.inverse_u, scale(star.inverse_delta, 2.0));
  terms[3] = mul(mul(once, star.inverse_delta), bracket);
  terms[2] = mul(mul(terms[0], star.inverse_delta), sub(bracket, mul(two_beta, inverse_p)));
}

CLONES void zone_band_squares(const ZoneBand *s, ZoneComplex zeta, ZoneComplex j,
                              double squares[3]) {
  Real sums[3] = {0.0, 0.0, 0.0};
  ZoneBandPair x = {zeta, j, {zeta.re, -zeta.im}, {j.re, -j.im}};
  for (long half = 0; half < 2 * s->blocks; half++) {
    long start = half / 2 * 2 * ZONE_BLOCK + half % 2 * HALF;
    for (int n = 0; n < VECTORS; n++) {
      Complex hopping = pair_at(s->first + start, n), square = pair_at(s->second + start, n);
      Complex terms[4];
      site_terms(s, hopping, square, x, terms);
      Complex term = mul(pair_at(s->weight + start, n), terms[0]);
      Complex a = {zeta.re - hopping.re, zeta.im - hopping.im},
              b = {zeta.re - hopping.re, -zeta.im - hopping.im};
      Complex first = mul((Complex){a.re - j.re, a.im - j.im}, (Complex){b.re - j.re, b.im + j.im});
      Complex second =
          mul((Complex){a.re + j.re, a.im + j.im}, (Complex){b.re + j.re, b.im - j.im});
      // The advanced terms are the complex conjugates.
      sums[0] += 2 * mul(term, first).re;
      sums[1] += 2 * mul(term, second).re;
      sums[2] += 2 * mul(term, square).re;
    }
  }
  for (int m = 0; m < 3; m++) squares[m] = total(sums[m]);
}

// With u = zeta_s(z_1) - E_s, v_c = zeta_c(z_2) - E_c and w = zeta_o(z_1) - E_o the term of 1/u is
//
//     (s|c) = 1/(u d_c), d_c = v_c - u        (ss|c) = 1/(u d_c) (1/u - 1/d_c)
//     (so|c) = 1/(u d_c (w - u))              (s|cc') = 1/(u d_c d_c')
INLINE void band_terms(const ZoneBand *s, const double *energy, const double *difference,
                       ZoneBandPair x, Block terms[ZONE_TERM_COUNT]) {
  if (s->kind == ZONE_SITE) {
    for (int n = 0; n < VECTORS; n++) {
      Complex own[4];
      site_terms(s, pair_at(energy, n), pair_at(difference, n), x, own);
      for (int m = 0; m < 4; m++) terms[m].of[n] = own[m];
    }
    return;
  }
  Complex same = inverse((Complex){(Real)0.0 + (x.own2.re - x.own1.re),
                                   (Real)0.0 + (x.own2.im - x.own1.im)});
  for (int n = 0; n < VECTORS; n++) {
    Complex e = pair_at(energy, n), d = pair_at(difference, n);
    Complex g = inverse((Complex){x.own1.re - e.re, x.own1.im - e.im});
    Complex other = inverse(
        (Complex){d.re + (x.other2.re - x.own1.re), d.im + (x.other2.im - x.own1.im)});
    Complex apart = inverse(
        (Complex){d.re + (x.other1.re - x.own1.re), d.im + (x.other1.im - x.own1.im)});
    Complex gs = mul(g, same), go = mul(g, other);
    terms[0].of[n] = gs;
    terms[1].of[n] = go;
    terms[2].of[n] = mul(gs, sub(g, same));
    terms[3].of[n] = mul(go, sub(g, other));
    terms[4].of[n] = mul(gs, apart);
    terms[5].of[n] = mul(go, apart);
    terms[6].of[n] = mul(gs, same);
    terms[7].of[n] = mul(gs, other);
    terms[8].of[n] = mul(go, other);
  }
}

INLINE ZoneComplex conjugate(ZoneComplex z) { return (ZoneComplex){z.re, -z.im}; }

CLONES void zone_band_sums(const ZoneBand *s, const ZoneBandPair *pairs, int pair_count,
                           const int *retarded, const int *advanced, int product_count,
                           const int *plan, int plan_count, ZoneComplex *values, double *norms) {
  size_t sum_count = (size_t)plan_count * (size_t)pair_count;
  size_t norm_count = (size_t)product_count * (size_t)pair_count;
  // Of each product r + a* and i (r - a*), which the real and the imaginary part of a slot multiply.
  Block *products = aligned_alloc(64, (size_t)(2 * product_count + 1) * sizeof(Block));
  Complex *sums = aligned_alloc(64, (sum_count + 1) * sizeof(Complex));
  Real *squares = aligned_alloc(64, (norm_count + 1) * sizeof(Real));
  if (!products || !sums || !squares) abort();
  memset(sums, 0, sum_count * sizeof(Complex));
  memset(squares, 0, norm_count * sizeof(Real));
  for (long half = 0; half < 2 * s->blocks; half++) {
    long start = half / 2 * 2 * ZONE_BLOCK + half % 2 * HALF;
    const double *e = s->first + start, *d = s->second + start, *w = s->weight + start;
    for (int pair = 0; pair < pair_count; pair++) {
      ZoneBandPair x = pairs[pair];
      ZoneBandPair y = {conjugate(x.own2), conjugate(x.other2), conjugate(x.own1),
                        conjugate(x.other1)};
      Block r[ZONE_TERM_COUNT], a[ZONE_TERM_COUNT];
      band_terms(s, e, d, x, r);
      band_terms(s, e, d, y, a);
      for (int p = 0; p < product_count; p++) {
        if (retarded[p] < 0 && advanced[p] < 0) continue;
        Block *plus = products + 2 * p, *minus = plus + 1;
        for (int n = 0; n < VECTORS; n++) {
          Complex first = retarded[p] < 0 ? real(0) : r[retarded[p]].of[n];
          Complex second = advanced[p] < 0 ? real(0) : a[advanced[p]].of[n];
          plus->of[n] = (Complex){first.re + second.re, first.im - second.im};
          minus->of[n] = (Complex){-first.im - second.im, first.re - second.re};
          if (!norms) continue;
          Complex weight = pair_at(w, n);
          squares[pair * product_count + p] +=
              modulus(weight) * (norm(plus->of[n]) + norm(minus->of[n]));
        }
      }
      Complex *own = sums + (size_t)pair * (size_t)plan_count;
      for (int k = 0; k < plan_count; k++) {
        const double *slot = s->slots + (half / 2 * s->slot_count + plan[2 * k]) * 2 * ZONE_BLOCK +
                             half % 2 * HALF;
        const Block *product = products + 2 * plan[2 * k + 1];
        own[k] = weighted(slot, product, own[k]);
        own[k] = weighted(slot + ZONE_BLOCK, product + 1, own[k]);
      }
    }
  }
  for (size_t k = 0; k < sum_count; k++) values[k] = sum_lanes(sums[k]);
  for (size_t p = 0; norms && p < norm_count; p++) norms[p] = total(squares[p]);
  free(products);
  free(sums);
  free(squares);
}

CLONES double zone_strip(ZoneSamples s, ZoneComplex lower, ZoneComplex upper, ZoneComplex j,
                         const double far[2]) {
  ZoneComplex square = {j.re * j.re - j.im * j.im, 2 * j.re * j.im};
  ZoneComplex zeta[2] = {lower, upper};
  Real nearest = (Real)0.0 + __builtin_inf();
  for (long block = 0; block < s.blocks; block++) {
    const double *row = s.rows + block * ZONE_SAMPLE_ROWS * LANES;
    Complex delta = root((Complex){load(row + LANES) + square.re, (Real)0.0 + square.im});
    for (int band = 0; band < 2; band++) {
      const double *own = row + (2 + 3 * band) * LANES;
      Complex from = {zeta[band].re - load(row), (Real)0.0 + zeta[band].im};
      Complex u = band ? sub(from, delta) : add(from, delta);
      Real v = load(own), m = load(own + LANES);
      u.re = __builtin_elementwise_max(__builtin_elementwise_abs(u.re) - load(own + 2 * LANES),
                                       (Real)0.0 + far[band]);
      Real distance = modulus(u);
      Real width = 2 * distance / (__builtin_elementwise_sqrt(v * v + 2 * m * distance) + v);
      nearest = choose(width < nearest, width, nearest);
    }
  }
  double least = nearest[0];
  for (int n = 1; n < LANES; n++) least = nearest[n] < least ? nearest[n] : least;
  return least;
}
