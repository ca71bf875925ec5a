// SPDX-License-Identifier: GPL-3.0-or-later
#include "zone_contour.h"

#include <math.h>

#include "lanes.h"

enum { SUBBLOCKS = ZONE_BLOCK / LANES };

// l and its differences at p, p - omega (m) and p + omega (p):
//
//     mu = [l(p - omega) - l]/omega      mu1 = [l'(p - omega) - l']/omega
//     m2 = (-mu - l')/omega              mu2 = (mu1 + l'')/omega
//     m3 = (m2 + l''/2)/omega
//     pi = [l(p + omega) - l]/omega      pi1 = [l'(p + omega) - l']/omega
//     p2 = (l' - pi)/omega               pi2 = (pi1 - l'')/omega
//     p3 = (p2 + l''/2)/omega
//
// without cancellation at small omega.
typedef struct {
  Complex mu, m2, m3, mu1, mu2, pi, p2, p3, pi1, pi2;
} Differences;

typedef struct {
  Complex l, l1, l2;
} Derivatives;

// [log(1 + u) - (Taylor to u^(n-1))]/u^n for n = 1, 2, 3, where 1/u is known; 0 or +-2 pi i is added to
// the logarithm.
typedef struct {
  Complex first, second, third;
} Quotients;

INLINE Quotients quotients(Complex u, Complex inverse_u, Real turn) {
  Quotients q;
  Bits small = u.re * u.re + u.im * u.im < 1.0 / 64;
  Complex log = logarithm_one_plus(u);
  log.im = log.im + turn;
  q.first = mul(log, inverse_u);
  Complex one = q.first;
  one.re = one.re - 1.0;
  q.second = mul(one, inverse_u);
  Complex half = q.second;
  half.re = half.re + 0.5;
  q.third = mul(half, inverse_u);
  long anywhere = 0;
  for (int l = 0; l < LANES; l++) anywhere |= small[l];
  if (anywhere) {
    // 1/3 - u/4 + u^2/5 - ...
    Complex third = real(1.0 / 20), minus = neg(u);
    for (int n = 19; n >= 3; n--) {
      third = mul(third, minus);
      third.re = third.re + 1.0 / n;
    }
    Complex second = mul(u, third);
    second.re = second.re - 0.5;
    Complex first = mul(u, second);
    first.re = first.re + 1.0;
    q.first = (Complex){choose(small, first.re, q.first.re), choose(small, first.im, q.first.im)};
    q.second =
        (Complex){choose(small, second.re, q.second.re), choose(small, second.im, q.second.im)};
    q.third = (Complex){choose(small, third.re, q.third.re), choose(small, third.im, q.third.im)};
  }
  return q;
}

// 1/(p - p_n) of the simple poles.
INLINE void pole_inverses(const ZoneLogarithm *l, Complex p, Complex *inverses) {
  for (int n = 0; n < l->count; n++)
    inverses[n] = inverse((Complex){p.re + l->offset_re[n], p.im + l->offset_im[n]});
}

INLINE Derivatives derivatives(const ZoneLogarithm *l, Complex p, const Complex *inverses) {
  Complex q = {p.re + l->shift_re, p.im + l->shift_im};
  Complex r = inverse(q);
  Derivatives d = {logarithm_of(q), r, neg(square(r))};
  for (int n = 0; n < l->count; n++) {
    r = inverses[n];
    Complex weight = {l->weight_re[n] + (Real)0.0, l->weight_im[n] + (Real)0.0};
    Complex term = mul(weight, r);
    d.l = sub(d.l, term);
    term = mul(term, r);
    d.l1 = add(d.l1, term);
    d.l2 = sub(d.l2, scale(mul(term, r), 2.0));
  }
  return d;
}

// sum of w r a, w r^2 a, w r^3 a, w r a^2, w r^2 a^2 over the simple poles, r at p, a at p -+ omega.
typedef struct {
  Complex ra, rra, rrra, raa, rraa;
} PoleSums;

INLINE void add_pole(PoleSums *s, Complex base, Complex r, Complex a) {
  Complex ra = mul(base, a), rra = mul(ra, r);
  s->ra = add(s->ra, ra);
  s->rra = add(s->rra, rra);
  s->rrra = add(s->rrra, mul(rra, r));
  s->raa = add(s->raa, mul(ra, a));
  s->rraa = add(s->rraa, mul(rra, a));
}

INLINE Differences differences(const ZoneLogarithm *l, Complex p, const Complex *inverses,
                               double omega) {
  Differences d;
  double over = omega == 0 ? 0 : 1 / omega;
  Complex q = {p.re + l->shift_re, p.im + l->shift_im};
  Complex r = inverse(q), r2 = square(r), r3 = mul(r2, r);
  Complex a = inverse((Complex){q.re - omega, q.im}), b = inverse((Complex){q.re + omega, q.im});
  Quotients m = quotients(scale(r, -omega), scale(q, -over), (Real)0.0);
  Quotients n = quotients(scale(r, omega), scale(q, over), (Real)0.0);
  d.mu = neg(mul(m.first, r));
  d.m2 = neg(mul(m.second, r2));
  d.m3 = mul(m.third, r3);
  d.mu1 = mul(r, a);
  d.mu2 = mul(r2, a);
  d.pi = mul(n.first, r);
  d.p2 = neg(mul(n.second, r2));
  d.p3 = neg(mul(n.third, r3));
  d.pi1 = neg(mul(r, b));
  d.pi2 = mul(r2, b);
  if (l->count == 0) return d;
  PoleSums lower = {0}, upper = {0};
  for (int k = 0; k < l->count; k++) {
    q = (Complex){p.re + l->offset_re[k], p.im + l->offset_im[k]};
    // 1/(q - omega) and 1/(q + omega) by one division.
    Real re_a = q.re - omega, re_b = q.re + omega, im2 = q.im * q.im;
    Real size_a = re_a * re_a + im2, size_b = re_b * re_b + im2, both = 1.0 / (size_a * size_b);
    Real over_a = both * size_b, over_b = both * size_a;
    a = (Complex){re_a * over_a, -q.im * over_a};
    b = (Complex){re_b * over_b, -q.im * over_b};
    Complex weight = {l->weight_re[k] + (Real)0.0, l->weight_im[k] + (Real)0.0};
    Complex base = mul(weight, inverses[k]);
    add_pole(&lower, base, inverses[k], a);
    add_pole(&upper, base, inverses[k], b);
  }
  d.mu = sub(d.mu, lower.ra);
  d.m2 = add(d.m2, lower.rra);
  d.m3 = add(d.m3, lower.rrra);
  d.mu1 = add(d.mu1, add(lower.raa, lower.rra));
  d.mu2 = add(d.mu2, add(lower.rraa, scale(lower.rrra, 2.0)));
  d.pi = add(d.pi, upper.ra);
  d.p2 = add(d.p2, upper.rra);
  d.p3 = sub(d.p3, upper.rrra);
  d.pi1 = sub(d.pi1, add(upper.raa, upper.rra));
  d.pi2 = add(d.pi2, add(upper.rraa, scale(upper.rrra, 2.0)));
  return d;
}

// Two factors of one trace w: w retarded + (w advanced)*.
typedef struct {
  Complex retarded, advanced;
} Factor;

// The factors of K(0): l[a, c] less its conjugate, and with a propagator twice.
INLINE void static_factors(Derivatives d, Complex inverse_gap, Factor *f) {
  Complex g = inverse_gap, minus = neg(g);
  f[0].retarded = d.l1;
  f[1].retarded = f[2].retarded = scale(d.l2, 0.5);
  Complex lg = mul(d.l, g), lgg = mul(lg, g), slope = mul(d.l1, g);
  // (s|o): the terms of l_a in (l_a - l_c)/G, G = x_a - x_c.
  f[3].retarded = lg;
  f[4].retarded = lgg;
  f[5].retarded = sub(slope, lgg);
  // (o|s): those of l_c, with -G.
  Complex lm = mul(d.l, minus);
  f[6].retarded = neg(lm);
  f[7].retarded = neg(add(lgg, mul(d.l1, minus)));
  f[8].retarded = lgg;
  for (int n = 0; n < ZONE_FUNCTION_COUNT; n++) f[n].advanced = neg(f[n].retarded);
}

// (1 - chi)/D and (1 - chi)/D^2 with chi = exp(-(D/strip)^2), which are entire in D.
typedef struct {
  Complex first, second;
} Outside;

INLINE Outside outside(Complex d, double strip) {
  Complex u = scale(d, 1 / strip), u2 = square(u);
  Complex chi = exponential(neg(u2));
  Real size = u2.re * u2.re + u2.im * u2.im;
  Bits small = size < 1e-4;
  // (1 - exp(-v))/v = 1 - v/2 + v^2/6 - ..., v = u^2, |v| < 0.01: to v^6.
  Complex series = real(1.0);
  for (int k = 7; k >= 2; k--) {
    series = scale(mul(series, u2), -1.0 / k);
    series.re = series.re + 1.0;
  }
  Complex exact = mul((Complex){1.0 - chi.re, -chi.im},
                      inverse((Complex){choose(small, (Real)1.0, u2.re), u2.im}));
  Complex ratio = {choose(small, series.re, exact.re), choose(small, series.im, exact.im)};
  return (Outside){scale(mul(ratio, u), 1 / strip), scale(ratio, 1 / (strip * strip))};
}

// Takes K(0)/omega off three factors, or sets the parts named to minus that.
INLINE void less_statics(const Factor *statics, double omega, Factor *f, int first,
                         int sets_retarded, int sets_advanced) {
  for (int n = first; n < first + 3; n++) {
    Complex r = scale(statics[n].retarded, -1 / omega), a = scale(statics[n].advanced, -1 / omega);
    f[n].retarded = sets_retarded ? r : add(f[n].retarded, r);
    f[n].advanced = sets_advanced ? a : add(f[n].advanced, a);
  }
}

// The derivation stands in docs/zone-integrals.md; D = x_a - x_c - omega.
INLINE void factors(Derivatives d, Differences x, Complex gap, Complex inverse_gap, double omega,
                    double broadening, double strip, int is_upper, const Factor *statics,
                    Factor *f) {
  double twice = 2 * broadening, norm = 1 / (omega * omega + twice * twice);
  // 1/v, 1/v^2 and 2 i Gamma/v with v = omega + 2 i Gamma; the advanced side has the conjugates.
  double v_re = omega * norm, v_im = -twice * norm;
  double w_re = v_re * v_re - v_im * v_im, w_im = 2 * v_re * v_im;
  Complex v = {v_re + (Real)0.0, v_im + (Real)0.0}, w = {w_re + (Real)0.0, w_im + (Real)0.0};
  Complex e = {-twice * v_im + (Real)0.0, twice * v_re + (Real)0.0};
  Complex vc = {v.re, -v.im}, wc = {w.re, -w.im}, ec = {e.re, -e.im};
  Complex mw = mul(x.mu, w), pw = mul(x.pi, wc);
  f[0].retarded = sub(mul(e, x.m2), mul(d.l1, v));
  f[0].advanced = add(mul(ec, x.p2), mul(d.l1, vc));
  f[1].retarded = neg(add(x.m3, mw));
  f[1].advanced = sub(mul(x.pi1, vc), add(add(x.p3, x.pi2), pw));
  f[2].retarded = add(sub(x.m3, x.mu2), add(mw, mul(x.mu1, v)));
  f[2].advanced = add(x.p3, pw);

  // (s|o), a = s.
  if (strip < 0 && is_upper) {
    less_statics(statics, omega, f, 3, 1, 1);
  } else if (strip > 0 && is_upper) {
    Complex inv = inverse((Complex){gap.re - omega, gap.im - twice});
    Complex mi = mul(x.mu, inv), mii = mul(mi, inv);
    f[3].retarded = neg(mi);
    f[4].retarded = neg(mii);
    f[5].retarded = sub(mii, mul(x.mu1, inv));
    less_statics(statics, omega, f, 3, 0, 1);
    if (strip < INFINITY) {
      Outside o = outside((Complex){gap.re - omega, gap.im}, strip);
      Complex l = scale(d.l, 1 / omega), l1 = scale(d.l1, 1 / omega);
      Complex m = add(l, x.mu), m1 = add(l1, x.mu1);
      Complex mo = mul(m, o.first), moo = mul(m, o.second);
      Complex lo = mul(l, o.first), loo = mul(l, o.second);
      f[3].retarded = add(f[3].retarded, mo);
      f[3].advanced = sub(f[3].advanced, lo);
      f[4].retarded = add(f[4].retarded, moo);
      f[4].advanced = sub(f[4].advanced, loo);
      f[5].retarded = add(f[5].retarded, sub(mul(m1, o.first), moo));
      f[5].advanced = add(f[5].advanced, sub(loo, mul(l1, o.first)));
    }
  } else {
    Complex i = inverse((Complex){gap.re - omega, gap.im});
    Complex j = inverse((Complex){gap.re - omega, gap.im - twice});
    Complex gi = mul(inverse_gap, i), h = mul(gi, add(inverse_gap, i));
    Complex ij = mul(i, j), pole = {twice * ij.im, -twice * ij.re};
    Complex lg = mul(d.l, gi), lh = mul(d.l, h), slope = mul(d.l1, gi);
    Complex me = mul(x.mu, pole), mes = mul(me, add(i, j));
    f[3].retarded = add(lg, me);
    f[3].advanced = neg(lg);
    f[4].retarded = add(lh, mes);
    f[4].advanced = neg(lh);
    f[5].retarded = add(sub(slope, lh), sub(mul(x.mu1, pole), mes));
    f[5].advanced = sub(lh, slope);
  }

  // (o|s), c = s; x_a - x_c = -gap.
  if (strip < 0 && !is_upper) {
    less_statics(statics, omega, f, 6, 1, 1);
  } else if (strip > 0 && !is_upper) {
    Complex inv = inverse((Complex){-gap.re - omega, -gap.im + twice});
    Complex pi = mul(x.pi, inv), pii = mul(pi, inv);
    f[6].advanced = neg(pi);
    f[7].advanced = neg(add(mul(x.pi1, inv), pii));
    f[8].advanced = pii;
    less_statics(statics, omega, f, 6, 1, 0);
    if (strip < INFINITY) {
      Outside o = outside((Complex){-gap.re - omega, -gap.im}, strip);
      Complex l = scale(d.l, 1 / omega), l1 = scale(d.l1, 1 / omega);
      Complex p = add(l, x.pi), p1 = add(l1, x.pi1);
      Complex po = mul(p, o.first), poo = mul(p, o.second);
      Complex lo = mul(l, o.first), loo = mul(l, o.second);
      f[6].retarded = sub(f[6].retarded, lo);
      f[6].advanced = add(f[6].advanced, po);
      f[7].retarded = sub(f[7].retarded, add(loo, mul(l1, o.first)));
      f[7].advanced = add(f[7].advanced, add(poo, mul(p1, o.first)));
      f[8].retarded = add(f[8].retarded, loo);
      f[8].advanced = sub(f[8].advanced, poo);
    }
  } else {
    Complex g = neg(inverse_gap);
    Complex i = inverse((Complex){-gap.re - omega, -gap.im});
    Complex j = inverse((Complex){-gap.re - omega, -gap.im + twice});
    Complex gi = mul(g, i), h = mul(gi, add(g, i));
    Complex ij = mul(i, j), pole = {-twice * ij.im, twice * ij.re};
    Complex lg = mul(d.l, gi), lh = mul(d.l, h), slope = mul(d.l1, gi);
    Complex pe = mul(x.pi, pole), pes = mul(pe, add(i, j));
    f[6].retarded = neg(lg);
    f[6].advanced = add(lg, pe);
    f[7].retarded = neg(add(slope, lh));
    f[7].advanced = add(add(slope, lh), add(mul(x.pi1, pole), pes));
    f[8].retarded = lh;
    f[8].advanced = neg(add(lh, pes));
  }
}

// 1/distance in energy of the nearest singularity of the functions of one band, and of both.
typedef struct {
  Real own, both;
} Nearness;

// The smallest |p|^2, |p - omega|^2 and |p + omega|^2 from the cut of l, which begins at i pi T.
INLINE Complex cut_distance(const ZoneLogarithm *l, Complex p, double omega) {
  Real im = p.im + (l->count > 0 ? l->offset_im[0] : 0.0);
  im = choose(im < 0.0, im, (Real)0.0);
  Real re = __builtin_elementwise_abs(p.re);
  re = __builtin_elementwise_min(re, __builtin_elementwise_abs(re - omega));
  return (Complex){re * re + im * im, 0.0};
}

// With poles of both bands where |gap| - omega is 0, +- 2 i Gamma, and 1 - chi, on the scale of the strip.
INLINE Nearness nearness(const ZoneLogarithm *l, Complex p, Complex gap, double omega,
                         double broadening, double strip) {
  Real own = cut_distance(l, p, omega).re;
  Real d = __builtin_elementwise_abs(gap.re) - omega;
  Real im = __builtin_elementwise_abs(gap.im) - 2 * broadening;
  Real both = __builtin_elementwise_min(own, gap.re * gap.re + gap.im * gap.im);
  both = __builtin_elementwise_min(both, d * d + im * im);
  if (strip == 0) both = __builtin_elementwise_min(both, d * d + gap.im * gap.im);
  if (strip > 0) both = __builtin_elementwise_min(both, strip * strip + (Real)0.0);
  return (Nearness){1.0 / __builtin_elementwise_sqrt(own), 1.0 / __builtin_elementwise_sqrt(both)};
}

// sum over the block of w retarded + (w advanced)*, for the slots of each channel. `sizes` and `roundings` are
// both given or both not.
INLINE void accumulate(const ZoneContour *c, const double *slots,
                       const Factor (*values)[ZONE_FUNCTION_COUNT], const Nearness *near,
                       double *sums, double *sizes, double *roundings) {
  int n = 0;
  while (n < c->slot_count) {
    int channel = c->slot_channel[n];
    Real re = 0.0, im = 0.0, size = 0.0, rounding = 0.0;
    for (; n < c->slot_count && c->slot_channel[n] == channel; n++) {
      const double *w = slots + (long)n * 3 * ZONE_BLOCK;
      int function = c->slot_function[n];
      for (int b = 0; b < SUBBLOCKS; b++) {
        Complex weight = loadc(w + b * LANES, w + ZONE_BLOCK + b * LANES);
        const Factor *f = &values[b][function];
        Real sum = f->retarded.re + f->advanced.re, change = f->retarded.im - f->advanced.im;
        re += weight.re * sum - weight.im * (f->retarded.im + f->advanced.im);
        im += weight.re * change + weight.im * (f->retarded.re - f->advanced.re);
        if (sizes) {
          Real own = load(w + 2 * ZONE_BLOCK + b * LANES) *
                     (modulus(f->retarded) + modulus(f->advanced));
          size += own;
          rounding += own * (function < 3 ? near[b].own : near[b].both);
        }
      }
    }
    sums[2 * channel] += total(re);
    sums[2 * channel + 1] += total(im);
    if (sizes) {
      sizes[channel] += total(size);
      roundings[channel] += total(rounding);
    }
  }
}

CLONES void zone_contour(const ZoneContour *c, const ZoneLogarithm *l, double broadening,
                         int is_upper, int omega_count, const double *omega, const double *strip,
                         double *sums, double *statics, double *sizes, double *static_sizes,
                         double *roundings, double *static_roundings) {
  long count = c->blocks * ZONE_BLOCK;
  for (long block = 0; block < c->blocks; block++) {
    Complex p[SUBBLOCKS], gap[SUBBLOCKS], inverse_gap[SUBBLOCKS];
    Derivatives d[SUBBLOCKS];
    Complex inverses[SUBBLOCKS][ZONE_LARGEST_POLES];
    Factor own[SUBBLOCKS][ZONE_FUNCTION_COUNT], values[SUBBLOCKS][ZONE_FUNCTION_COUNT];
    Nearness near[SUBBLOCKS];
    const double *slots = c->slots + block * c->slot_count * 3 * ZONE_BLOCK;
    for (int b = 0; b < SUBBLOCKS; b++) {
      long at = block * ZONE_BLOCK + b * LANES;
      p[b] = loadc(c->energy + at, c->energy + count + at);
      p[b].im = p[b].im - broadening;
      gap[b] = loadc(c->difference + at, c->difference + count + at);
      inverse_gap[b] = inverse(gap[b]);
      pole_inverses(l, p[b], inverses[b]);
      d[b] = derivatives(l, p[b], inverses[b]);
      static_factors(d[b], inverse_gap[b], own[b]);
      if (sizes) near[b] = nearness(l, p[b], gap[b], 0, broadening, 0);
    }
    accumulate(c, slots, own, near, statics, sizes ? static_sizes : 0, static_roundings);
    for (int n = 0; n < omega_count; n++) {
      for (int b = 0; b < SUBBLOCKS; b++) {
        factors(d[b], differences(l, p[b], inverses[b], omega[n]), gap[b], inverse_gap[b], omega[n], broadening,
                strip[n], is_upper, own[b], values[b]);
        if (sizes) near[b] = nearness(l, p[b], gap[b], omega[n], broadening, strip[n]);
      }
      accumulate(c, slots, values, near, sums + (long)n * 2 * c->channel_count,
                 sizes ? sizes + (long)n * c->channel_count : 0,
                 sizes ? roundings + (long)n * c->channel_count : 0);
    }
  }
}

// l[a, c], l[a, c, c] and l[a, a, c].
typedef struct {
  Complex first, inner, plus;
} PairDifferences;

INLINE PairDifferences pair_differences(const ZoneLogarithm *l, Complex a, Complex c,
                                        const Complex *inverses_a, const Complex *inverses_c) {
  // log: with u = (a - c)/c, log(1 + u)/(a - c) and so on.
  Complex qa = {a.re + l->shift_re, a.im + l->shift_im};
  Complex qc = {c.re + l->shift_re, c.im + l->shift_im};
  Complex ra = inverse(qa), rc = inverse(qc);
  Complex difference = sub(a, c);
  Bits same = (difference.re == 0.0) & (difference.im == 0.0);
  Complex over = inverse((Complex){choose(same, 1e-300 + (Real)0.0, difference.re), difference.im});
  // The logarithm of a ratio has its cut where the difference of two arguments is pi; those of qa and qc
  // have theirs on the positive imaginary axis.
  Complex u = mul(difference, rc);
  Real turn = choose((qa.re > 0.0) & (qc.re < 0.0) & (u.im < 0.0), 2 * M_PI + (Real)0.0, (Real)0.0);
  turn = choose((qa.re < 0.0) & (qc.re > 0.0) & (u.im > 0.0), -2 * M_PI + (Real)0.0, turn);
  Quotients q = quotients(u, mul(qc, over), turn);
  PairDifferences d;
  d.first = mul(q.first, rc);
  d.inner = mul(q.second, square(rc));
  d.plus = neg(add(d.inner, mul(ra, rc)));
  for (int n = 0; n < l->count; n++) {
    ra = inverses_a[n];
    rc = inverses_c[n];
    Complex weight = {l->weight_re[n] + (Real)0.0, l->weight_im[n] + (Real)0.0};
    Complex both = mul(weight, mul(ra, rc));
    d.first = add(d.first, both);
    d.inner = sub(d.inner, mul(both, rc));
    d.plus = sub(d.plus, mul(both, ra));
  }
  return d;
}

// The energies of eight stars, and what does not depend on omega: 1/(p - p_n) at the two.
typedef struct {
  Complex lower, upper;
  Complex lower_inverses[ZONE_LARGEST_POLES], upper_inverses[ZONE_LARGEST_POLES];
} Levels;

INLINE void read_levels(const ZoneContour *c, const ZoneLogarithm *l, long at, double broadening,
                        Levels *levels) {
  long count = c->blocks * ZONE_BLOCK;
  Complex x = loadc(c->energy + at, c->energy + count + at);
  Complex gap = loadc(c->difference + at, c->difference + count + at);
  levels->lower = (Complex){x.re, x.im - broadening};
  levels->upper = add(levels->lower, gap);
  pole_inverses(l, levels->lower, levels->lower_inverses);
  pole_inverses(l, levels->upper, levels->upper_inverses);
}

// The functions 0 to 2 of zone_resonance at eight stars.
INLINE void resonance_factors(const Levels *levels, const ZoneLogarithm *l, double broadening,
                              double omega, double strip, Factor *f) {
  Complex x = levels->lower, y = levels->upper;
  Real gap = y.re - x.re - omega, u = gap / strip;
  if (strip >= 0) {
    // chi is below 2e-18 beyond.
    Bits inside = u * u < 41.0;
    long anywhere = 0;
    for (int lane = 0; lane < LANES; lane++) anywhere |= inside[lane];
    if (!anywhere) {
      for (int n = 0; n < 3; n++) f[n] = (Factor){{0}, {0}};
      return;
    }
  }
  Complex below = {y.re - omega, y.im}, above = {x.re + omega, x.im};
  Complex below_inverses[ZONE_LARGEST_POLES], above_inverses[ZONE_LARGEST_POLES];
  for (int n = 0; n < l->count; n++) {
    // Two inverses by one division.
    Complex b = {below.re + l->offset_re[n], below.im + l->offset_im[n]};
    Complex a = {above.re + l->offset_re[n], above.im + l->offset_im[n]};
    Real size_b = b.re * b.re + b.im * b.im, size_a = a.re * a.re + a.im * a.im;
    Real both = 1.0 / (size_b * size_a), over_b = both * size_a, over_a = both * size_b;
    below_inverses[n] = (Complex){b.re * over_b, -b.im * over_b};
    above_inverses[n] = (Complex){a.re * over_a, -a.im * over_a};
  }
  PairDifferences r = pair_differences(l, below, x, below_inverses, levels->lower_inverses);
  PairDifferences a = pair_differences(l, y, above, levels->upper_inverses, above_inverses);
  Real chi = strip < 0 ? 1.0 + (Real)0.0 : exponential((Complex){-(u * u), (Real)0.0}).re;
  chi = chi / omega;
  f[0] = (Factor){scale(r.first, chi), scale(a.first, -chi)};
  f[1] = (Factor){scale(r.inner, chi), scale(a.inner, -chi)};
  f[2] = (Factor){scale(r.plus, chi), scale(a.plus, -chi)};
  if (strip >= 0) return;
  // Retarded-advanced.
  Complex inv = inverse((Complex){gap, -2 * broadening + (Real)0.0}), conjugate = {inv.re, -inv.im};
  Differences m = differences(l, y, levels->upper_inverses, omega);
  Differences p = differences(l, x, levels->lower_inverses, omega);
  Complex mi = mul(m.mu, inv), mii = mul(mi, inv);
  Complex pi = mul(p.pi, conjugate), pii = mul(pi, conjugate);
  f[0].retarded = sub(f[0].retarded, mi);
  f[0].advanced = sub(f[0].advanced, pi);
  f[1].retarded = sub(f[1].retarded, mii);
  f[1].advanced = sub(f[1].advanced, add(mul(p.pi1, conjugate), pii));
  f[2].retarded = add(f[2].retarded, sub(mii, mul(m.mu1, inv)));
  f[2].advanced = add(f[2].advanced, pii);
}

// Of these functions: there is no pole at 2 Delta = omega, and one at +- 2 i Gamma only with strip < 0.
INLINE Nearness resonance_nearness(const Levels *levels, const ZoneLogarithm *l, double broadening,
                                   double omega, double strip) {
  Real least = __builtin_elementwise_min(cut_distance(l, levels->lower, omega).re,
                                         cut_distance(l, levels->upper, omega).re);
  Real d = levels->upper.re - levels->lower.re - omega;
  double width = strip < 0 ? 2 * broadening : strip;
  if (strip < 0) least = __builtin_elementwise_min(least, d * d + width * width);
  if (strip > 0) least = __builtin_elementwise_min(least, width * width + (Real)0.0);
  Real over = 1.0 / __builtin_elementwise_sqrt(least);
  return (Nearness){over, over};
}

CLONES void zone_resonance(const ZoneContour *c, const ZoneLogarithm *l, double broadening,
                           int omega_count, const double *omega, const double *strip,
                           ZoneParts parts, double *sums, double *sizes, double *roundings) {
  for (long block = 0; block < c->blocks; block++) {
    Factor values[SUBBLOCKS][ZONE_FUNCTION_COUNT];
    Levels levels[SUBBLOCKS];
    Nearness near[SUBBLOCKS];
    const double *slots = c->slots + block * c->slot_count * 3 * ZONE_BLOCK;
    for (int b = 0; b < SUBBLOCKS; b++)
      read_levels(c, l, block * ZONE_BLOCK + b * LANES, broadening, &levels[b]);
    for (int n = 0; n < omega_count; n++) {
      for (int b = 0; b < SUBBLOCKS; b++) {
        resonance_factors(&levels[b], l, broadening, omega[n], strip[n], values[b]);
        if (sizes) near[b] = resonance_nearness(&levels[b], l, broadening, omega[n], strip[n]);
        for (int k = 0; k < 3; k++) {
          if (parts == ZONE_ADVANCED) values[b][k].retarded = real(0);
          if (parts == ZONE_RETARDED) values[b][k].advanced = real(0);
        }
      }
      accumulate(c, slots, values, near, sums + (long)n * 2 * c->channel_count,
                 sizes ? sizes + (long)n * c->channel_count : 0,
                 sizes ? roundings + (long)n * c->channel_count : 0);
    }
  }
}

CLONES void zone_resonance_values(const ZoneContour *c, const ZoneLogarithm *l, double broadening,
                                  double omega, double strip, double *values) {
  long count = c->blocks * ZONE_BLOCK;
  for (long at = 0; at < count; at += LANES) {
    Factor f[3];
    Levels levels;
    read_levels(c, l, at, broadening, &levels);
    resonance_factors(&levels, l, broadening, omega, strip, f);
    const double *slots =
        c->slots + at / ZONE_BLOCK * c->slot_count * 3 * ZONE_BLOCK + at % ZONE_BLOCK;
    for (int n = 0; n < c->slot_count; n++, slots += 3 * ZONE_BLOCK) {
      Factor own = f[c->slot_function[n]];
      Complex weight = loadc(slots, slots + ZONE_BLOCK);
      Complex value = mul(weight, own.retarded), advanced = mul(weight, own.advanced);
      double *re = values + (long)c->slot_channel[n] * 2 * count + at, *im = re + count;
      for (int lane = 0; lane < LANES; lane++) {
        re[lane] += value.re[lane] + advanced.re[lane];
        im[lane] += value.im[lane] - advanced.im[lane];
      }
    }
  }
}
