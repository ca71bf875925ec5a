// SPDX-License-Identifier: GPL-3.0-or-later
#include "zone_contour.h"

#include <math.h>

#include "lanes.h"

INLINE Complex conjugate(Complex a) { return (Complex){a.re, -a.im}; }

enum { SUBBLOCKS = ZONE_BLOCK / LANES };

// The differences of l at p and p - omega,
//
//     x = [l(p - omega) - l]/omega       x1 = [l'(p - omega) - l']/omega
//     x2 = (-x - l')/omega               x12 = (x1 + l'')/omega
//     x3 = (x2 + l''/2)/omega
//
// without cancellation at small omega. Those at p + omega are the same with -omega in place of omega.
typedef struct {
  Complex x, x1, x2, x12, x3;
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

// Of log q, with r = 1/q, a = 1/(q - omega) and the quotients for u = -omega r.
INLINE Differences of_logarithm(Complex r, Complex r2, Complex r3, Complex a, Quotients q) {
  return (Differences){neg(mul(q.first, r)), mul(r, a), neg(mul(q.second, r2)), mul(r2, a),
                       mul(q.third, r3)};
}

INLINE Differences with_poles(Differences d, PoleSums s) {
  return (Differences){sub(d.x, s.ra), add(d.x1, add(s.raa, s.rra)), add(d.x2, s.rra),
                       add(d.x12, add(s.rraa, scale(s.rrra, 2.0))), add(d.x3, s.rrra)};
}

// Those with omega, then those with -omega.
INLINE void differences(const ZoneLogarithm *l, Complex p, const Complex *inverses, double omega,
                        Differences d[2]) {
  double over = omega == 0 ? 0 : 1 / omega;
  Complex q = {p.re + l->shift_re, p.im + l->shift_im};
  Complex r = inverse(q), r2 = square(r), r3 = mul(r2, r);
  Complex a = inverse((Complex){q.re - omega, q.im}), b = inverse((Complex){q.re + omega, q.im});
  Quotients m = quotients(scale(r, -omega), scale(q, -over), (Real)0.0);
  Quotients n = quotients(scale(r, omega), scale(q, over), (Real)0.0);
  d[0] = of_logarithm(r, r2, r3, a, m);
  d[1] = of_logarithm(r, r2, r3, b, n);
  if (l->count == 0) return;
  PoleSums lower = {0}, upper = {0};
  for (int k = 0; k < l->count; k++) {
    q = (Complex){p.re + l->offset_re[k], p.im + l->offset_im[k]};
    two_inverses((Complex){q.re - omega, q.im}, (Complex){q.re + omega, q.im}, &a, &b);
    Complex weight = {l->weight_re[k] + (Real)0.0, l->weight_im[k] + (Real)0.0};
    Complex base = mul(weight, inverses[k]);
    add_pole(&lower, base, inverses[k], a);
    add_pole(&upper, base, inverses[k], b);
  }
  d[0] = with_poles(d[0], lower);
  d[1] = with_poles(d[1], upper);
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
  f[6].retarded = f[3].retarded;
  f[7].retarded = f[5].retarded;
  f[8].retarded = f[4].retarded;
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

// The retarded-advanced terms of (a|c), (a|cc), (aa|c), j = 1/(x_a - x_c - omega - 2 i Gamma).
INLINE void add_mixed(Differences x, Complex j, Complex *first, Complex *inner, Complex *plus) {
  Complex xj = mul(x.x, j), xjj = mul(xj, j);
  *first = sub(*first, xj);
  *inner = sub(*inner, xjj);
  *plus = add(*plus, sub(xjj, mul(x.x1, j)));
}

// Where half of the factors go: own sides of (s|s), (s|ss), (ss|s), and both sides of (s|o), (s|oo), (ss|o).
typedef struct {
  Complex *own[3], *pair[3], *other[3];
} Half;

// The retarded half of the factors; the advanced one is its mirror image, with retarded and advanced, the two
// frequencies and the sign of omega exchanged. The derivation stands in docs/zone-integrals.md.
INLINE void half_factors(Derivatives d, Differences x, Complex gap, Complex inverse_gap,
                         double omega, double twice, Complex v, Complex w, Complex e,
                         ZoneSplit split, const Factor *statics, Half f) {
  Complex xw = mul(x.x, w);
  *f.own[0] = sub(mul(e, x.x2), mul(d.l1, v));
  *f.own[1] = neg(add(x.x3, xw));
  *f.own[2] = add(sub(x.x3, x.x12), add(xw, mul(x.x1, v)));

  // D = x_s - x_o - omega.
  Complex distance = {gap.re - omega, gap.im};
  if (split.kind == ZONE_LEAVES_NOTHING) {
    Complex i = inverse(distance), j = inverse((Complex){distance.re, distance.im - twice});
    Complex gi = mul(inverse_gap, i), h = mul(gi, add(inverse_gap, i));
    Complex ij = mul(i, j), pole = {twice * ij.im, -twice * ij.re};
    Complex lg = mul(d.l, gi), lh = mul(d.l, h), slope = mul(d.l1, gi);
    Complex xe = mul(x.x, pole), xes = mul(xe, add(i, j));
    *f.pair[0] = add(lg, xe);
    *f.other[0] = neg(lg);
    *f.pair[1] = add(lh, xes);
    *f.other[1] = neg(lh);
    *f.pair[2] = add(sub(slope, lh), sub(mul(x.x1, pole), xes));
    *f.other[2] = sub(lh, slope);
    return;
  }
  double over = 1 / omega;
  for (int n = 0; n < 3; n++) {
    *f.pair[n] = scale(statics[n].retarded, -over);
    *f.other[n] = scale(statics[n].retarded, over);
  }
  if (split.kind == ZONE_LEAVES_EVERYTHING) return;
  Complex j = inverse((Complex){distance.re, distance.im - twice});
  add_mixed(x, j, f.pair[0], f.pair[1], f.pair[2]);
  if (split.kind == ZONE_LEAVES_ONE_SIDED) return;
  Outside o = outside(distance, split.width);
  Complex l = scale(d.l, over), l1 = scale(d.l1, over);
  Complex m = add(l, x.x), m1 = add(l1, x.x1);
  Complex moo = mul(m, o.second), loo = mul(l, o.second);
  *f.pair[0] = add(*f.pair[0], mul(m, o.first));
  *f.other[0] = sub(*f.other[0], mul(l, o.first));
  *f.pair[1] = add(*f.pair[1], moo);
  *f.other[1] = sub(*f.other[1], loo);
  *f.pair[2] = add(*f.pair[2], sub(mul(m1, o.first), moo));
  *f.other[2] = add(*f.other[2], sub(loo, mul(l1, o.first)));
}

INLINE void factors(const ZoneLogarithm *l, Complex p, const Complex *inverses, Derivatives d,
                    Complex gap, Complex inverse_gap, double omega, double broadening,
                    ZoneSplit split, int is_upper, const Factor *statics, Factor *f) {
  Differences x[2];
  differences(l, p, inverses, omega, x);
  // Of the pairs only (upper|lower) can be in resonance.
  ZoneSplit nothing = {ZONE_LEAVES_NOTHING, 0};
  Half retarded = {{&f[0].retarded, &f[1].retarded, &f[2].retarded},
                   {&f[3].retarded, &f[4].retarded, &f[5].retarded},
                   {&f[3].advanced, &f[4].advanced, &f[5].advanced}};
  Half advanced = {{&f[0].advanced, &f[2].advanced, &f[1].advanced},
                   {&f[6].advanced, &f[8].advanced, &f[7].advanced},
                   {&f[6].retarded, &f[8].retarded, &f[7].retarded}};
  // v = 1/(omega + 2 i Gamma), v^2 and 2 i Gamma v; in the mirror -v*, and the conjugates of the others.
  double twice = 2 * broadening, size = 1 / (omega * omega + twice * twice);
  double re = omega * size, im = -twice * size;
  Complex v = {re + (Real)0.0, im + (Real)0.0}, w = {re * re - im * im + (Real)0.0, 2 * re * im + (Real)0.0};
  Complex e = {-twice * im + (Real)0.0, twice * re + (Real)0.0};
  half_factors(d, x[0], gap, inverse_gap, omega, twice, v, w, e, is_upper ? split : nothing,
               statics + 3, retarded);
  half_factors(d, x[1], gap, inverse_gap, -omega, twice, neg(conjugate(v)), conjugate(w),
               conjugate(e), is_upper ? nothing : split, statics + 3, advanced);
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
                         double broadening, ZoneSplit split) {
  Real own = cut_distance(l, p, omega).re;
  Real d = __builtin_elementwise_abs(gap.re) - omega;
  Real im = __builtin_elementwise_abs(gap.im) - 2 * broadening;
  Real both = __builtin_elementwise_min(own, gap.re * gap.re + gap.im * gap.im);
  both = __builtin_elementwise_min(both, d * d + im * im);
  if (split.kind == ZONE_LEAVES_NOTHING)
    both = __builtin_elementwise_min(both, d * d + gap.im * gap.im);
  if (split.kind == ZONE_LEAVES_STRIP)
    both = __builtin_elementwise_min(both, split.width * split.width + (Real)0.0);
  return (Nearness){1.0 / __builtin_elementwise_sqrt(own), 1.0 / __builtin_elementwise_sqrt(both)};
}

// sum over the block of w retarded + (w advanced)*, for the slots of each channel; with `stride`, for each star
// apart, to `sums` as [channel][re, im][stride]. `sizes` and `roundings` are both given or both not.
INLINE void accumulate(const ZoneContour *c, const double *slots,
                       const Factor (*values)[ZONE_FUNCTION_COUNT], const Nearness *near,
                       long stride, double *sums, double *sizes, double *roundings) {
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
        Real own_re = weight.re * sum - weight.im * (f->retarded.im + f->advanced.im);
        Real own_im = weight.re * change + weight.im * (f->retarded.re - f->advanced.re);
        if (stride) {
          double *to = sums + 2 * channel * stride + b * LANES;
          store(to, load(to) + own_re);
          store(to + stride, load(to + stride) + own_im);
          continue;
        }
        re += own_re;
        im += own_im;
        if (sizes) {
          Real own = load(w + 2 * ZONE_BLOCK + b * LANES) *
                     (modulus(f->retarded) + modulus(f->advanced));
          size += own;
          rounding += own * (function < 3 ? near[b].own : near[b].both);
        }
      }
    }
    if (stride) continue;
    sums[2 * channel] += total(re);
    sums[2 * channel + 1] += total(im);
    if (sizes) {
      sizes[channel] += total(size);
      roundings[channel] += total(rounding);
    }
  }
}

CLONES void zone_contour(const ZoneContour *c, const ZoneLogarithm *l, double broadening,
                         int is_upper, int omega_count, const double *omega, const ZoneSplit *split,
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
      if (sizes) near[b] = nearness(l, p[b], gap[b], 0, broadening, (ZoneSplit){ZONE_LEAVES_NOTHING, 0});
    }
    accumulate(c, slots, own, near, 0, statics, sizes ? static_sizes : 0, static_roundings);
    for (int n = 0; n < omega_count; n++) {
      for (int b = 0; b < SUBBLOCKS; b++) {
        factors(l, p[b], inverses[b], d[b], gap[b], inverse_gap[b], omega[n], broadening, split[n],
                is_upper, own[b], values[b]);
        if (sizes) near[b] = nearness(l, p[b], gap[b], omega[n], broadening, split[n]);
      }
      accumulate(c, slots, values, near, 0, sums + (long)n * 2 * c->channel_count,
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
                              double omega, ZoneSplit split, Factor *f) {
  Complex x = levels->lower, y = levels->upper;
  Real gap = y.re - x.re - omega, chi = 1.0;
  long anywhere = split.kind != ZONE_LEAVES_NOTHING;
  if (split.kind == ZONE_LEAVES_STRIP) {
    // chi is below 2e-18 beyond.
    Real u = gap / split.width;
    Bits inside = u * u < 41.0;
    anywhere = 0;
    for (int lane = 0; lane < LANES; lane++) anywhere |= inside[lane];
    if (anywhere) chi = exponential((Complex){-(u * u), (Real)0.0}).re;
  }
  if (!anywhere) {
    for (int n = 0; n < 3; n++) f[n] = (Factor){{0}, {0}};
    return;
  }
  Complex below = {y.re - omega, y.im}, above = {x.re + omega, x.im};
  Complex below_inverses[ZONE_LARGEST_POLES], above_inverses[ZONE_LARGEST_POLES];
  for (int n = 0; n < l->count; n++) {
    Complex b = {below.re + l->offset_re[n], below.im + l->offset_im[n]};
    Complex a = {above.re + l->offset_re[n], above.im + l->offset_im[n]};
    two_inverses(b, a, &below_inverses[n], &above_inverses[n]);
  }
  PairDifferences r = pair_differences(l, below, x, below_inverses, levels->lower_inverses);
  PairDifferences a = pair_differences(l, y, above, levels->upper_inverses, above_inverses);
  chi = chi / omega;
  f[0] = (Factor){scale(r.first, chi), scale(a.first, -chi)};
  f[1] = (Factor){scale(r.inner, chi), scale(a.inner, -chi)};
  f[2] = (Factor){scale(r.plus, chi), scale(a.plus, -chi)};
  if (split.kind != ZONE_LEAVES_EVERYTHING) return;
  Complex j = inverse((Complex){gap, -2 * broadening + (Real)0.0});
  Differences d[2];
  differences(l, y, levels->upper_inverses, omega, d);
  add_mixed(d[0], j, &f[0].retarded, &f[1].retarded, &f[2].retarded);
  // The mirror image.
  differences(l, x, levels->lower_inverses, omega, d);
  add_mixed(d[1], neg(conjugate(j)), &f[0].advanced, &f[2].advanced, &f[1].advanced);
}

// Of these functions: there is no pole at 2 Delta = omega, and one at +- 2 i Gamma only where everything is left.
INLINE Nearness resonance_nearness(const Levels *levels, const ZoneLogarithm *l, double broadening,
                                   double omega, ZoneSplit split) {
  Real least = __builtin_elementwise_min(cut_distance(l, levels->lower, omega).re,
                                         cut_distance(l, levels->upper, omega).re);
  Real d = levels->upper.re - levels->lower.re - omega;
  if (split.kind == ZONE_LEAVES_EVERYTHING)
    least = __builtin_elementwise_min(least, d * d + 4 * broadening * broadening);
  if (split.kind == ZONE_LEAVES_STRIP)
    least = __builtin_elementwise_min(least, split.width * split.width + (Real)0.0);
  Real over = 1.0 / __builtin_elementwise_sqrt(least);
  return (Nearness){over, over};
}

// With `stride`, for each star apart.
INLINE void sum_resonance(const ZoneContour *c, const ZoneLogarithm *l, double broadening,
                          int omega_count, const double *omega, const ZoneSplit *split,
                          ZoneParts parts, long stride, double *sums, double *sizes,
                          double *roundings) {
  for (long block = 0; block < c->blocks; block++) {
    Factor values[SUBBLOCKS][ZONE_FUNCTION_COUNT];
    Levels levels[SUBBLOCKS];
    Nearness near[SUBBLOCKS];
    const double *slots = c->slots + block * c->slot_count * 3 * ZONE_BLOCK;
    for (int b = 0; b < SUBBLOCKS; b++)
      read_levels(c, l, block * ZONE_BLOCK + b * LANES, broadening, &levels[b]);
    for (int n = 0; n < omega_count; n++) {
      for (int b = 0; b < SUBBLOCKS; b++) {
        resonance_factors(&levels[b], l, broadening, omega[n], split[n], values[b]);
        if (sizes) near[b] = resonance_nearness(&levels[b], l, broadening, omega[n], split[n]);
        for (int k = 0; k < 3; k++) {
          if (parts == ZONE_ADVANCED) values[b][k].retarded = real(0);
          if (parts == ZONE_RETARDED) values[b][k].advanced = real(0);
        }
      }
      accumulate(c, slots, values, near, stride,
                 sums + (stride ? block * ZONE_BLOCK : (long)n * 2 * c->channel_count),
                 sizes ? sizes + (long)n * c->channel_count : 0,
                 sizes ? roundings + (long)n * c->channel_count : 0);
    }
  }
}

CLONES void zone_resonance(const ZoneContour *c, const ZoneLogarithm *l, double broadening,
                           int omega_count, const double *omega, const ZoneSplit *split,
                           ZoneParts parts, double *sums, double *sizes, double *roundings) {
  sum_resonance(c, l, broadening, omega_count, omega, split, parts, 0, sums, sizes, roundings);
}

CLONES void zone_resonance_values(const ZoneContour *c, const ZoneLogarithm *l, double broadening,
                                  double omega, ZoneSplit split, double *values) {
  sum_resonance(c, l, broadening, 1, &omega, &split, ZONE_BOTH, c->blocks * ZONE_BLOCK, values, 0,
                0);
}
