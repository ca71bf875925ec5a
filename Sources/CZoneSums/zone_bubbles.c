// SPDX-License-Identifier: GPL-3.0-or-later
#include "zone_bubbles.h"

#include <math.h>
#include <stdlib.h>

#include "lanes.h"

// With l(p) = -sum_j w_j/(p + o_j) a divided difference of l over n + 1 points is a sum of products,
//
//     l[p_0, ..., p_n] = -(-1)^n sum_j w_j g_0 ... g_n,   g_i = 1/(p_i + o_j)
//
// and so is its change with omega: with A, M, P the g of one band at p, p - omega, p + omega,
//
//     (M - A)/omega = D = M A,   (P - A)/omega = E = -P A
//
// and for two propagators that carry omega M_a M_b - A_a A_b = omega (D_a M_b + A_a D_b). With
// K = i z/2 pi, d_ac = x_a - x_c - omega - 2 i Gamma and a bar for the complex conjugate,
// [z(omega) - z(0)]/omega is the sum over the retarded-retarded, advanced-advanced and
// retarded-advanced parts of
//
//     (a|c)     w D_a A_c           - (w A_a E_c)bar          [w D_a + (w E_c)bar]/d_ac = t_ac
//     (a|bc)    - w D_a A_b A_c     + [w A_a (E_b P_c + A_b E_c)]bar
//                                             [t_ab - (w (E_b P_c + A_b E_c))bar]/d_ac
//     (ab|c)    - w (D_a M_b + A_a D_b) A_c   + (w A_a A_b E_c)bar
//                                             - [t_ac + w (D_a M_b + A_a D_b)]/d_bc
//
// each w ... summed over j.
typedef struct {
  Complex a, m, p;
} Propagators;

// Sums over the poles, pairs of bands (bc) being ++, +-, --: of the numbers, with `minus` -1 in what follows;
// or, with 1, of their moduli, which bound what rounding may do.
typedef struct {
  Complex d[2], e[2], rr[2][2], aa[2][2];
  // w (D_a M_b + A_a D_b) and w (E_b P_c + A_b E_c), alone and times one more.
  Complex plus[3], inner[3], rr_plus[3][2], aa_plus[3][2], rr_inner[2][3], aa_inner[2][3];
} PoleProducts;

INLINE Complex plus(Complex a, double sign, Complex b) {
  return (Complex){a.re + sign * b.re, a.im + sign * b.im};
}
INLINE Complex conjugate(Complex a) { return (Complex){a.re, -a.im}; }
INLINE Complex size_of(Complex a) { return (Complex){modulus(a), (Real)0.0}; }
INLINE Complex times_i(Complex a) { return (Complex){-a.im, a.re}; }
INLINE void gather(Complex *sum, Complex a, Complex b) { *sum = add(*sum, mul(a, b)); }

// Adds the products of one pole to the sums.
INLINE void add_products(PoleProducts *s, Complex w, const Propagators g[2], int has_triples,
                         double minus) {
  Complex d[2], e[2];
  for (int b = 0; b < 2; b++) {
    Complex wa = mul(w, g[b].a);
    d[b] = mul(wa, g[b].m);
    e[b] = scale(mul(wa, g[b].p), minus);
    s->d[b] = add(s->d[b], d[b]);
    s->e[b] = add(s->e[b], e[b]);
  }
  for (int a = 0; a < 2; a++)
    for (int c = 0; c < 2; c++) {
      gather(&s->rr[a][c], d[a], g[c].a);
      gather(&s->aa[a][c], e[c], g[a].a);
    }
  if (!has_triples) return;
  for (int n = 0; n < 3; n++) {
    int b = n / 2, c = (n + 1) / 2;
    Complex x = add(mul(d[b], g[c].m), mul(d[c], g[b].a));
    Complex y = add(mul(e[b], g[c].p), mul(e[c], g[b].a));
    Complex both = mul(g[b].a, g[c].a);
    s->plus[n] = add(s->plus[n], x);
    s->inner[n] = add(s->inner[n], y);
    for (int o = 0; o < 2; o++) {
      gather(&s->rr_plus[n][o], x, g[o].a);
      gather(&s->aa_plus[n][o], both, e[o]);
      gather(&s->rr_inner[o][n], both, d[o]);
      gather(&s->aa_inner[o][n], y, g[o].a);
    }
  }
}

// Energies of eight stars, and g at each pole.
typedef struct {
  Real x[2];
  Complex of[2][ZONE_LARGEST_RATIONAL];
} Level;

INLINE void read_level(const ZoneContour *c, const ZoneLogarithm *l, double broadening, long at,
                       Level *level) {
  level->x[0] = load(c->energy + at);
  level->x[1] = level->x[0] + load(c->difference + at);
  for (int j = 0; j < l->count; j++)
    for (int b = 0; b < 2; b++)
      level->of[b][j] = inverse((Complex){level->x[b] + l->offset_re[j],
                                          l->offset_im[j] - broadening + (Real)0.0});
}

INLINE Complex pole_weight(const ZoneLogarithm *l, int j) {
  return (Complex){l->weight_re[j] + (Real)0.0, l->weight_im[j] + (Real)0.0};
}

// K(0) = -(1/pi) Im l of the levels of each bubble, or a bound on the sum of the moduli of its terms.
INLINE void static_bubbles(const Level *level, const ZoneLogarithm *l, int has_triples,
                           int is_bound, Complex values[ZONE_BUBBLE_COUNT]) {
  // By the number of upper bands.
  Complex two[3] = {{0}}, three[4] = {{0}};
  for (int j = 0; j < l->count; j++) {
    Complex a = level->of[0][j], b = level->of[1][j], w = pole_weight(l, j);
    if (is_bound) {
      // Moduli as imaginary parts.
      a = size_of(a);
      b = size_of(b);
      w = times_i(size_of(w));
    }
    Complex wa = mul(w, a), aa = mul(wa, a), ab = mul(wa, b), bb = mul(mul(w, b), b);
    two[0] = add(two[0], aa);
    two[1] = add(two[1], ab);
    two[2] = add(two[2], bb);
    if (!has_triples) continue;
    gather(&three[0], aa, a);
    gather(&three[1], aa, b);
    gather(&three[2], bb, a);
    gather(&three[3], bb, b);
  }
  double sign = is_bound ? 1 / M_PI : -1 / M_PI;
  for (int a = 0; a < 2; a++) {
    for (int c = 0; c < 2; c++) values[2 * a + c] = (Complex){two[a + c].im * sign, (Real)0.0};
    for (int n = 0; n < 3; n++)
      values[4 + 3 * a + n] = values[10 + 3 * a + n] =
          (Complex){three[a + n].im * (1 / M_PI), (Real)0.0};
  }
}

INLINE void combine(const PoleProducts *s, const Real x[2], double broadening, double omega,
                    int has_triples, double minus, Complex z[ZONE_BUBBLE_COUNT]) {
  Complex over[2][2], mixed[2][2];
  for (int a = 0; a < 2; a++)
    for (int c = 0; c < 2; c++) {
      Complex i = inverse((Complex){x[a] - x[c] - omega, -2 * broadening + (Real)0.0});
      over[a][c] = minus > 0 ? size_of(i) : i;
      mixed[a][c] = mul(add(s->d[a], conjugate(s->e[c])), over[a][c]);
      z[2 * a + c] = add(plus(s->rr[a][c], minus, conjugate(s->aa[a][c])), mixed[a][c]);
    }
  if (!has_triples) return;
  for (int n = 0; n < 3; n++) {
    int b = n / 2, c = (n + 1) / 2;
    for (int o = 0; o < 2; o++) {
      Complex inner = mul(plus(mixed[o][b], minus, conjugate(s->inner[n])), over[o][c]);
      Complex outer = mul(add(mixed[b][o], s->plus[n]), over[c][o]);
      z[4 + 3 * o + n] = add(plus(conjugate(s->aa_inner[o][n]), minus, s->rr_inner[o][n]), inner);
      z[10 + 3 * o + n] =
          plus(plus(conjugate(s->aa_plus[n][o]), minus, s->rr_plus[n][o]), minus, outer);
    }
  }
}

// [K(omega) - K(0)]/omega = i/2 pi times the change of z, or with `minus` = 1 a bound on the sum of the moduli
// of its terms.
INLINE void bubbles(const Level *level, const ZoneLogarithm *l, double broadening, double omega,
                    int has_triples, double minus, Complex values[ZONE_BUBBLE_COUNT]) {
  PoleProducts sums = {0};
  for (int j = 0; j < l->count; j++) {
    Propagators g[2];
    double im = l->offset_im[j] - broadening;
    for (int b = 0; b < 2; b++) {
      Complex q = {level->x[b] + l->offset_re[j], im + (Real)0.0};
      g[b].a = level->of[b][j];
      two_inverses((Complex){q.re - omega, q.im}, (Complex){q.re + omega, q.im}, &g[b].m, &g[b].p);
      if (minus > 0) g[b] = (Propagators){size_of(g[b].a), size_of(g[b].m), size_of(g[b].p)};
    }
    Complex w = pole_weight(l, j);
    add_products(&sums, minus > 0 ? size_of(w) : w, g, has_triples, minus);
  }
  combine(&sums, level->x, broadening, omega, has_triples, minus, values);
  for (int n = 0; n < (has_triples ? ZONE_BUBBLE_COUNT : 4); n++) {
    Complex z = values[n];
    values[n] = minus > 0 ? scale(z, 0.5 / M_PI)
                          : (Complex){z.im * (-0.5 / M_PI), z.re * (0.5 / M_PI)};
  }
}

// Whether bubbles of three propagators occur.
INLINE int triples(const ZoneContour *c) {
  for (int n = 0; n < c->slot_count; n++)
    if (c->slot_function[n] >= 4) return 1;
  return 0;
}

// Adds a value of each star to the sum of all; with `stride`, to the place of each. The imaginary part comes after
// the real one.
INLINE void put(double *to, Complex x, long stride, int has_imaginary) {
  if (stride) {
    store(to, load(to) + x.re);
    if (has_imaginary) store(to + stride, load(to + stride) + x.im);
  } else {
    to[0] += total(x.re);
    if (has_imaginary) to[1] += total(x.im);
  }
}

// sum of weight times value over the slots of each channel; at real k weights are real.
INLINE void accumulate(const ZoneContour *c, const double *slots, const Complex *values,
                       const Complex *limits, long stride, int has_imaginary, double *sums,
                       double *sizes, double *rounding) {
  long each = (has_imaginary ? 2 : 1) * (stride ? stride : 1);
  for (int n = 0; n < c->slot_count; n++, slots += 3 * ZONE_BLOCK) {
    int channel = c->slot_channel[n], function = c->slot_function[n];
    Real weight = load(slots), size = load(slots + 2 * ZONE_BLOCK);
    if (sums) put(sums + channel * each, scale(values[function], weight), stride, has_imaginary);
    if (sizes) sizes[channel] += total(size * modulus(values[function]));
    if (rounding) rounding[channel] += total(size * limits[function].re);
  }
}

// With `stride`, for each star apart.
INLINE void sum_bubbles(const ZoneContour *c, long stars, const ZoneLogarithm *l, double broadening,
                        int omega_count, const double *omega, int has_triples, long stride,
                        const ZoneBubbleSums *sums) {
  int channels = c->channel_count;
  for (long at = 0; at < stars; at += LANES) {
    Level level;
    Complex values[ZONE_BUBBLE_COUNT], limits[ZONE_BUBBLE_COUNT];
    const double *slots =
        c->slots + at / ZONE_BLOCK * c->slot_count * 3 * ZONE_BLOCK + at % ZONE_BLOCK;
    long place = stride ? at : 0;
    read_level(c, l, broadening, at, &level);
    static_bubbles(&level, l, has_triples, 0, values);
    if (sums->static_rounding) static_bubbles(&level, l, has_triples, 1, limits);
    accumulate(c, slots, values, limits, stride, 0, sums->statics + place, sums->static_sizes,
               sums->static_rounding);
    for (int n = 0; n < omega_count; n++) {
      bubbles(&level, l, broadening, omega[n], has_triples, -1, values);
      if (sums->rounding) bubbles(&level, l, broadening, omega[n], has_triples, 1, limits);
      accumulate(c, slots, values, limits, stride, 1,
                 sums->sums + 2 * n * channels * (stride ? stride : 1) + place,
                 sums->sizes ? sums->sizes + n * channels : 0,
                 sums->rounding ? sums->rounding + n * channels : 0);
    }
  }
}

CLONES void zone_bubbles(const ZoneContour *c, long stars, const ZoneLogarithm *l,
                         double broadening, int omega_count, const double *omega, int is_apart,
                         const ZoneBubbleSums *sums) {
  if (l->count > ZONE_LARGEST_RATIONAL) abort();
  long stride = is_apart ? c->blocks * ZONE_BLOCK : 0;
  if (triples(c))
    sum_bubbles(c, stars, l, broadening, omega_count, omega, 1, stride, sums);
  else
    sum_bubbles(c, stars, l, broadening, omega_count, omega, 0, stride, sums);
}
