// SPDX-License-Identifier: GPL-3.0-or-later
// Eight real or complex numbers side by side. Every instruction set does the same operations in
// the same order, without fused multiply-add, so that the results are the same bits.
#ifndef LANES_H
#define LANES_H

#include "clones.h"

typedef double Real __attribute__((ext_vector_type(8)));
typedef long Bits __attribute__((ext_vector_type(8)));
typedef struct {
  Real re, im;
} Complex;

// Vectors are not passed by value, which would tie callers and callees to one instruction set;
// structures are.
typedef Real Unaligned __attribute__((aligned(8)));
#define load(p) (*(const Unaligned *)(p))
#define store(p, v) (*(Unaligned *)(p) = (v))
#define modulus(a) __builtin_elementwise_sqrt((a).re *(a).re + (a).im * (a).im)
#define norm(a) ((a).re * (a).re + (a).im * (a).im)
#define choose(mask, yes, no) \
  ((Real)(((Bits)(Real)(yes) & (Bits)(mask)) | ((Bits)(Real)(no) & ~(Bits)(mask))))
#define total(s) \
  ((((s)[0] + (s)[1]) + ((s)[2] + (s)[3])) + (((s)[4] + (s)[5]) + ((s)[6] + (s)[7])))
#define scale(a, x) ((Complex){(a).re * (x), (a).im * (x)})
INLINE Complex loadc(const double *re, const double *im) { return (Complex){load(re), load(im)}; }
INLINE Complex real(double x) { return (Complex){x, 0.0}; }
INLINE Complex add(Complex a, Complex b) { return (Complex){a.re + b.re, a.im + b.im}; }
INLINE Complex sub(Complex a, Complex b) { return (Complex){a.re - b.re, a.im - b.im}; }
INLINE Complex neg(Complex a) { return (Complex){-a.re, -a.im}; }
INLINE Complex mul(Complex a, Complex b) {
  return (Complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
INLINE Complex square(Complex a) { return (Complex){a.re * a.re - a.im * a.im, 2 * a.re * a.im}; }
// Energies are far from overflow.
INLINE Complex inverse(Complex a) {
  Real s = 1 / (a.re * a.re + a.im * a.im);
  return (Complex){a.re * s, -a.im * s};
}
// 1/a and 1/b by one division.
INLINE void two_inverses(Complex a, Complex b, Complex *over_a, Complex *over_b) {
  Real size_a = norm(a), size_b = norm(b), both = 1.0 / (size_a * size_b);
  *over_a = (Complex){a.re * (both * size_b), -a.im * (both * size_b)};
  *over_b = (Complex){b.re * (both * size_a), -b.im * (both * size_a)};
}
// The square root with positive real part.
INLINE Complex root(Complex a) {
  Real r = modulus(a);
  Real t = __builtin_elementwise_sqrt(0.5 * (r + __builtin_elementwise_abs(a.re)));
  Real u = 0.5 * a.im / t;
  Bits positive = a.re >= 0;
  Real sign = choose(a.im < 0, -t, t);
  return (Complex){choose(positive, t, __builtin_elementwise_abs(u)), choose(positive, u, sign)};
}

// log x for x > 0 and normal, as the real part; the imaginary part of the argument holds x - 1,
// used where x is near 1.
//
// x = 2^e m with m in (1/sqrt 2, sqrt 2], log m = 2 artanh s, s = (m - 1)/(m + 1), |s| < 0.172:
// the series to s^23 leaves less than 1e-18.
INLINE Complex logarithm(Complex x_and_f) {
  Real x = x_and_f.re, f = x_and_f.im;
  Bits i = (Bits)x;
  Real m = (Real)((i & 0x000fffffffffffff) | 0x3ff0000000000000);
  Bits large = m > 1.4142135623730951;
  m = choose(large, 0.5 * m, m);
  // Small integers become doubles by their bits.
  Real e = (Real)((i >> 52) | 0x4330000000000000) - (4503599627370496.0 + 1023.0);
  e = choose(large, e + 1.0, e);
  f = choose(e == 0.0, f, m - 1.0);
  Real s = f / (2.0 + f);
  Real z = s * s;
  Real p = 1.0 / 23;
  p = p * z + 1.0 / 21;
  p = p * z + 1.0 / 19;
  p = p * z + 1.0 / 17;
  p = p * z + 1.0 / 15;
  p = p * z + 1.0 / 13;
  p = p * z + 1.0 / 11;
  p = p * z + 1.0 / 9;
  p = p * z + 1.0 / 7;
  p = p * z + 1.0 / 5;
  p = p * z + 1.0 / 3;
  // log 2 in two parts, the first with trailing zeros.
  Real rest = e * 0x1.a39ef35793c76p-33 + (2.0 * s + 2.0 * s * (z * p));
  return (Complex){e * 0x1.62e42fee00000p-1 + rest, 0.0};
}

// arg z in [-pi, pi], as the real part.
//
// The smaller over the larger of |x|, |y| is tan(phi) with phi in [0, pi/4]; the nearest of
// 0, pi/8, pi/4 is taken off, and tan of the rest is below tan(pi/16) < 0.199: the series to r^23
// leaves less than 1e-17.
INLINE Complex argument(Complex z) {
  Real x = z.re, y = z.im;
  Real ax = __builtin_elementwise_abs(x), ay = __builtin_elementwise_abs(y);
  Bits steep = ay > ax;
  Real low = choose(steep, ax, ay), high = choose(steep, ay, ax);
  Bits middle = low > 0.19891236737965800691 * high, far = low > 0.66817863791929891999 * high;
  Real zero = 0.0;
  Real c = choose(far, zero + 1.0, choose(middle, zero + 0.41421356237309504880, zero));
  Real base = choose(far, zero + 0x1.921fb54442d18p-1,
                     choose(middle, zero + 0x1.921fb54442d18p-2, zero));
  Real r = (low - c * high) / (high + c * low);
  Real q = r * r;
  Real p = -1.0 / 23;
  p = p * q + 1.0 / 21;
  p = p * q - 1.0 / 19;
  p = p * q + 1.0 / 17;
  p = p * q - 1.0 / 15;
  p = p * q + 1.0 / 13;
  p = p * q - 1.0 / 11;
  p = p * q + 1.0 / 9;
  p = p * q - 1.0 / 7;
  p = p * q + 1.0 / 5;
  p = p * q - 1.0 / 3;
  Real phi = base + (r + r * (q * p));
  phi = choose(steep, 0x1.921fb54442d18p0 - phi, phi);
  phi = choose(x < 0.0, 0x1.921fb54442d18p1 - phi, phi);
  return (Complex){choose(y < 0.0, -phi, phi), 0.0};
}

// log z, principal branch.
INLINE Complex logarithm_of(Complex z) {
  Real n = z.re * z.re + z.im * z.im;
  return (Complex){0.5 * logarithm((Complex){n, n - 1.0}).re, argument(z).re};
}

// log(1 + u), principal branch, with the relative accuracy of u where u is small.
INLINE Complex logarithm_one_plus(Complex u) {
  Real x = 1.0 + u.re;
  Real n = x * x + u.im * u.im;
  Real f = u.re * (2.0 + u.re) + u.im * u.im;
  return (Complex){0.5 * logarithm((Complex){n, f}).re, argument((Complex){x, u.im}).re};
}

// exp z for |Im z| below 1e5 and Re z below 700; 0 where Re z < -50.
INLINE Complex exponential(Complex z) {
  Real magic = 6755399441055744.0;  // 1.5 2^52 rounds to an integer
  Bits tiny = z.re < -50.0;
  Real x = choose(tiny, (Real)-50.0, z.re);
  Real shifted = x * 1.4426950408889634 + magic;
  Real n = shifted - magic;
  Real r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
  // |r| < 0.347: the series to r^13 leaves less than 1e-17.
  Real e = 1.0 / 13;
  e = 1.0 + r * e;
  for (int k = 12; k >= 1; k--) e = 1.0 + (r * e) * (1.0 / k);
  e = (Real)((Bits)e + (((Bits)shifted) << 52));
  e = choose(tiny, (Real)0.0, e);
  shifted = z.im * 0.63661977236758134 + magic;
  n = shifted - magic;
  Real y = (z.im - n * 0x1.921fb54400000p0) - n * 0x1.0b4611a626331p-34;
  Real q = y * y;
  // |y| < 0.786: the series to y^17, y^18 leave less than 1e-18.
  Real s = 1.0, c = 1.0 - q * (1.0 / (18 * 17));
  for (int k = 17; k >= 3; k -= 2) s = 1.0 - (q * s) * (1.0 / (k * (k - 1)));
  for (int k = 16; k >= 2; k -= 2) c = 1.0 - (q * c) * (1.0 / (k * (k - 1)));
  s = s * y;
  Bits quadrant = (Bits)shifted & 3;
  Bits odd = (quadrant & 1) != 0;
  Real cosine = choose(odd, s, c), sine = choose(odd, c, s);
  cosine = choose((quadrant == 1) | (quadrant == 2), -cosine, cosine);
  sine = choose(quadrant >= 2, -sine, sine);
  return (Complex){e * cosine, e * sine};
}

#endif
