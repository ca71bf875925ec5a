// SPDX-License-Identifier: GPL-3.0-or-later
// Matsubara sums of two levels with a constant width: divided differences of
//     l(p) = int f(eps) / (eps - p) d eps
// over the poles p, which is all that partial fractions leave.
#pragma once
#include <cmath>
#include <limits>

// Another type and namespace tell what rounding does.
#ifndef UG_REAL
#define UG_REAL double
#define UG_SPACE ug
#endif

namespace UG_SPACE {

using real = UG_REAL;

struct complex {
  real re, im;
};

inline complex operator+(complex a, complex b) { return {a.re + b.re, a.im + b.im}; }
inline complex operator-(complex a, complex b) { return {a.re - b.re, a.im - b.im}; }
inline complex operator*(complex a, complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
inline complex operator*(real a, complex b) { return {a * b.re, a * b.im}; }
inline real square(complex a) { return a.re * a.re + a.im * a.im; }
inline complex conj(complex a) { return {a.re, -a.im}; }
inline complex inverse(complex a) {
  const real n = 1 / square(a);
  return {a.re * n, -a.im * n};
}
inline complex log(complex a) { return {0.5 * std::log(square(a)), std::atan2(a.im, a.re)}; }

const real pi = 3.14159265358979323846264338328L;

/// B_2k / 2k of the digamma function's asymptotic series.
const real bernoulli[] = {1.L / 12,     -1.L / 120,         1.L / 252, -1.L / 240,    1.L / 132,
                            -691.L / 32760, 1.L / 12, -3617.L / 8160, 43867.L / 14364, -174611.L / 6600};

/// log[p, q] of nodes near to each other, from a Taylor series about their mean.
inline complex log_pair(complex p, complex q) {
  const complex c = inverse(0.5 * (p + q));
  const complex d = 0.5 * (p - q) * c, d2 = d * d;
  complex sum = {0, 0};
  for (int j = 9; j >= 0; j--) sum = sum * d2 + complex{1 / (real)(2 * j + 1), 0};
  return c * sum;
}

/// log[p, q, r] of nodes near to each other, in the same way: sum over m of c_m h_(m-2), with the complete
/// homogeneous polynomials h of the three distances, whose sum is 0.
inline complex log_triple(complex p, complex q, complex r) {
  const complex c = inverse((1 / (real)3) * (p + q + r));
  const complex one = {1, 0}, u = p * c - one, v = q * c - one, w = r * c - one;
  const complex e2 = u * v + v * w + w * u, e3 = u * v * w;
  complex a = one, b = {0, 0}, d = {0, 0}, sum = {-0.5, 0};
  for (int m = 3; m < 24; m++) {
    // a, b, d: h_(m-3), h_(m-4), h_(m-5).
    const complex h = e3 * d - e2 * b;
    d = b;
    b = a;
    a = h;
    sum = sum + ((m & 1 ? 1 : -1) / (real)m) * h;
    const real left = std::numeric_limits<real>::epsilon() / 100;
    if (square(a) + square(b) + square(d) < left * left) break;
  }
  return c * c * sum;
}

/// The function l in the lower half plane, with stable divided differences.
struct Logarithm {
  real temperature, kappa, shift;

  explicit Logarithm(real t)
      : temperature(t), kappa(t > 0 ? 1 / (2 * pi * t) : 0), shift(t > 0 ? std::log(2 * pi * t) : 0) {}

  /// 1/2 + i p / 2 pi T, or i p at T = 0.
  complex variable(complex p) const {
    return temperature > 0 ? complex{0.5 - kappa * p.im, kappa * p.re} : p;
  }

  static int steps(complex z) { return square(z) < 100 ? 10 : 0; }

  /// l and its derivative.
  void value(complex p, complex &l, complex &slope) const {
    if (!(temperature > 0)) {
      l = log(p);
      slope = inverse(p);
      return;
    }
    complex z = variable(p), sum = {0, 0}, derivative = {0, 0};
    for (int m = steps(z); m > 0; m--) {
      const complex r = inverse(z);
      sum = sum - r;
      derivative = derivative + r * r;
      z.re += 1;
    }
    const complex u = inverse(z), u2 = u * u;
    complex series = {0, 0}, slopes = {0, 0};
    for (int k = 9; k >= 0; k--) {
      series = (series + complex{bernoulli[k], 0}) * u2;
      slopes = (slopes + complex{2 * (k + 1) * bernoulli[k], 0}) * u2;
    }
    l = sum + log(z) - 0.5 * u - series + complex{shift, -pi / 2};
    derivative = derivative + u + 0.5 * u2 + u * slopes;
    slope = complex{0, kappa} * derivative;
  }

  /// Whether the nodes are so near to each other that differences lose digits.
  bool isNear(complex p, complex q) const {
    const complex d = p - q;
    if (!(temperature > 0)) return square(d) < 0.01 * square(p);
    return kappa * kappa * square(d) < 0.01 * square(variable(p));
  }

  /// l[p, q] of near nodes.
  complex pair(complex p, complex q) const {
    if (!(temperature > 0)) return log_pair(p, q);
    complex y = variable(p), z = variable(q), sum = {0, 0};
    for (int m = steps(y); m > 0; m--) {
      sum = sum + inverse(y * z);
      y.re += 1;
      z.re += 1;
    }
    const complex u = inverse(y), v = inverse(z);
    // h_n(u, v), n = 2k - 1 and so on, upwards.
    complex power = u, h = u + v;
    sum = sum + log_pair(y, z) + 0.5 * (u * v);
    for (int k = 0; k < 10; k++) {
      sum = sum + bernoulli[k] * (u * v * h);
      for (int twice = 0; twice < 2; twice++) {
        power = power * u;
        h = power + v * h;
      }
    }
    return complex{0, kappa} * sum;
  }

  /// l[p, q, r] of near nodes.
  complex triple(complex p, complex q, complex r) const {
    if (!(temperature > 0)) return log_triple(p, q, r);
    complex x = variable(p), y = variable(q), z = variable(r), sum = {0, 0};
    for (int m = steps(x); m > 0; m--) {
      sum = sum - inverse(x * y * z);
      x.re += 1;
      y.re += 1;
      z.re += 1;
    }
    const complex u = inverse(x), v = inverse(y), w = inverse(z), uvw = u * v * w;
    complex one = u, two = u + v, h = u + v + w;
    sum = sum + log_triple(x, y, z) - 0.5 * uvw;
    for (int k = 0; k < 10; k++) {
      sum = sum - bernoulli[k] * (uvw * h);
      for (int twice = 0; twice < 2; twice++) {
        one = one * u;
        two = one + v * two;
        h = two + w * h;
      }
    }
    return -(kappa * kappa) * sum;
  }
};

/// Two poles x_a + z of both bands with l and its derivative there.
struct Poles {
  complex p[2], l[2], slope[2];
  /// l[p_0, p_1].
  complex difference;
};

inline void fill(const Logarithm &f, const real *x, complex z, Poles &out) {
  for (int s = 0; s < 2; s++) {
    out.p[s] = complex{x[s], 0} + z;
    f.value(out.p[s], out.l[s], out.slope[s]);
  }
  out.difference = f.isNear(out.p[0], out.p[1]) ? f.pair(out.p[0], out.p[1])
                                                : (out.l[1] - out.l[0]) * inverse(out.p[1] - out.p[0]);
}

inline Poles conj(const Poles &a) {
  Poles b;
  for (int s = 0; s < 2; s++) {
    b.p[s] = conj(a.p[s]);
    b.l[s] = conj(a.l[s]);
    b.slope[s] = conj(a.slope[s]);
  }
  b.difference = conj(a.difference);
  return b;
}

/// The divided differences l[a, c], l[a, b, c] with b of the second and of the first kind; both kinds below
/// the real axis; what is not used is left out.
inline void retarded(const Logarithm &f, const Poles &a, const Poles &c, const bool *isUsed, complex *out) {
  const real split = square(a.p[1] - a.p[0]);
  complex d[4];
  bool near[4];
  for (int n = 0; n < 4; n++) {
    const int s = n >> 1, t = n & 1;
    near[n] = f.isNear(a.p[s], c.p[t]);
    const complex gap = a.p[s] - c.p[t];
    d[n] = square(gap) > 0 ? inverse(gap) : complex{0, 0};
    out[n] = near[n] ? f.pair(a.p[s], c.p[t]) : (a.l[s] - c.l[t]) * d[n];
    if (isUsed[4 + 3 * s + 2 * t])
      out[4 + 3 * s + 2 * t] =
          near[n] ? f.triple(a.p[s], c.p[t], c.p[t]) : (out[n] - c.slope[t]) * d[n];
    if (isUsed[10 + 4 * s + t])
      out[10 + 4 * s + t] =
          near[n] ? f.triple(a.p[s], a.p[s], c.p[t]) : (a.slope[s] - out[n]) * d[n];
  }
  // The widest of the three distances divides.
  for (int s = 0; s < 2; s++) {
    if (!isUsed[4 + 3 * s + 1]) continue;
    complex *mixed = out + 4 + 3 * s + 1;
    const real g0 = square(a.p[s] - c.p[0]), g1 = square(a.p[s] - c.p[1]);
    if (near[2 * s] && near[2 * s + 1]) {
      *mixed = f.triple(a.p[s], c.p[0], c.p[1]);
    } else if (split >= g0 && split >= g1) {
      *mixed = (out[2 * s + 1] - out[2 * s]) * inverse(c.p[1] - c.p[0]);
    } else {
      *mixed = g0 > g1 ? (out[2 * s + 1] - c.difference) * d[2 * s]
                       : (out[2 * s] - c.difference) * d[2 * s + 1];
    }
  }
  for (int t = 0; t < 2; t++) {
    if (!isUsed[10 + 2 + t]) continue;
    complex *mixed = out + 10 + 2 + t;
    const real g0 = square(a.p[0] - c.p[t]), g1 = square(a.p[1] - c.p[t]);
    if (near[t] && near[2 + t]) {
      *mixed = f.triple(a.p[0], a.p[1], c.p[t]);
    } else if (split >= g0 && split >= g1) {
      *mixed = (out[2 + t] - out[t]) * inverse(a.p[1] - a.p[0]);
    } else {
      *mixed = g0 > g1 ? (a.difference - out[2 + t]) * d[t] : (a.difference - out[t]) * d[2 + t];
    }
  }
}

/// Where Re p is far from mu, on the scale of T, l above the real axis is l below it, continued, plus 2 pi i if
/// the level is occupied.
inline bool isFar(const Logarithm &f, complex p) { return std::abs(p.re) > 40 * f.temperature; }

/// The same with the second kind above the real axis: `out` without the jumps 2 pi i of occupied levels, whose
/// number `steps` is 0 or 1, where they can be told apart.
///
/// Levels that are empty, or full, on both sides otherwise leave differences of large numbers.
inline void mixed(const Logarithm &f, const Poles &a, const Poles &c, const complex *d, const bool *isUsed,
                  complex *out, int *steps) {
  complex continued[2];
  for (int t = 0; t < 2; t++) {
    complex slope;
    continued[t] = c.l[t];
    if (!isFar(f, c.p[t])) continue;
    if (f.temperature > 0)
      f.value(c.p[t], continued[t], slope);
    else if (c.p[t].re < 0)
      continued[t].im -= 2 * pi;
  }
  auto isApart = [&](complex p, complex q) {
    return isFar(f, p) && isFar(f, q) && (p.re < 0) == (q.re < 0);
  };
  complex whole[4];
  for (int n = 0; n < 4; n++) {
    const int s = n >> 1, t = n & 1;
    const complex p = a.p[s], q = c.p[t];
    const bool apart = isApart(p, q), near = apart && f.isNear(p, q);
    const complex l = apart ? continued[t] : c.l[t];
    steps[n] = steps[4 + 3 * s + 2 * t] = steps[10 + 4 * s + t] = apart && q.re < 0;
    out[n] = near ? f.pair(p, q) : (a.l[s] - l) * d[n];
    if (isUsed[4 + 3 * s + 2 * t])
      out[4 + 3 * s + 2 * t] = near ? f.triple(p, q, q) : (out[n] - c.slope[t]) * d[n];
    if (isUsed[10 + 4 * s + t])
      out[10 + 4 * s + t] = near ? f.triple(p, p, q) : (a.slope[s] - out[n]) * d[n];
    whole[n] = steps[n] ? out[n] - complex{0, 2 * pi} * d[n] : out[n];
  }
  for (int s = 0; s < 2; s++) {
    const int n = 4 + 3 * s + 1, x = 2 * s;
    if (!isUsed[n]) continue;
    const bool apart = isApart(a.p[s], c.p[0]) && isApart(a.p[s], c.p[1]);
    const complex *pair = apart ? out : whole;
    steps[n] = apart && c.p[0].re < 0;
    if (apart && f.isNear(a.p[s], c.p[0]) && f.isNear(a.p[s], c.p[1]))
      out[n] = f.triple(a.p[s], c.p[0], c.p[1]);
    else
      out[n] = square(d[x]) < square(d[x + 1]) ? (pair[x + 1] - c.difference) * d[x]
                                               : (pair[x] - c.difference) * d[x + 1];
  }
  for (int t = 0; t < 2; t++) {
    const int n = 10 + 2 + t;
    if (!isUsed[n]) continue;
    const bool apart = isApart(a.p[0], c.p[t]) && isApart(a.p[1], c.p[t]);
    const complex *pair = apart ? out : whole;
    steps[n] = apart && c.p[t].re < 0;
    if (apart && f.isNear(a.p[0], c.p[t]) && f.isNear(a.p[1], c.p[t]))
      out[n] = f.triple(a.p[0], a.p[1], c.p[t]);
    else
      out[n] = square(d[t]) < square(d[2 + t]) ? (a.difference - pair[2 + t]) * d[t]
                                               : (a.difference - pair[t]) * d[2 + t];
  }
}

/// Of the 16 sums those with two propagators, and of the others what is used; `here` holds the poles x - i Gamma.
inline void sums(const Logarithm &f, const real *x, const Poles &here, real gamma, complex omega,
                 const bool *isUsed, complex *out) {
  const complex width = {0, -gamma};
  Poles minus, plus;
  fill(f, x, width - omega, minus);
  // The poles x + omega + i Gamma are their complex conjugates.
  fill(f, x, width + conj(omega), plus);
  complex rr[16], aa[16], ra[16], rb[16], d[4];
  int first[16], second[16];
  retarded(f, minus, here, isUsed, rr);
  retarded(f, here, plus, isUsed, aa);
  for (int n = 0; n < 4; n++)
    d[n] = inverse(complex{x[n >> 1] - x[n & 1] - omega.re, -omega.im - 2 * gamma});
  mixed(f, here, conj(plus), d, isUsed, ra, first);
  mixed(f, minus, conj(here), d, isUsed, rb, second);
  for (int n = 0; n < 16; n++) {
    if (n >= 4 && !isUsed[n]) continue;
    complex z = rr[n] - conj(aa[n]) + ra[n] - rb[n];
    if (first[n] != second[n]) {
      const int s = (n - 4) / 3, b = (n - 4) % 3, t = n & 1, ab = (n - 10) / 2;
      complex product = d[n & 3];
      if (n >= 10)
        product = complex{-1, 0} * d[ab == 2 ? 2 + t : t] * d[ab == 0 ? t : 2 + t];
      else if (n >= 4)
        product = d[2 * s + (b == 2)] * d[2 * s + (b != 0)];
      z = z - complex{0, 2 * pi * (first[n] - second[n])} * product;
    }
    out[n] = {-z.im / (2 * pi), z.re / (2 * pi)};
  }
}

}  // namespace UG_SPACE
