// SPDX-License-Identifier: GPL-3.0-or-later
// H and its derivatives on lines of a uniform grid, traces by eigenvectors, and what an output keeps of them.
#pragma once
#include <algorithm>
#include <vector>

#include "include/uniform_grid.h"
#include "matsubara.h"

namespace UG_SPACE {

/// A value with its derivatives d_i, d_j, d_i d_j.
struct Jet {
  complex value, i, j, ij;
};

/// One hop: exp(-i k.r) = exp(-2 pi i sum_m f_m rho_m) by tables of its last coordinate.
struct Term {
  real rho[3], ri, rj, amplitude;
  bool isIntra;
  std::vector<complex> fine;
};

const int block = 64;

/// H, and its derivatives, at all points of a line of the grid.
class Bloch {
 public:
  Bloch(const ug_state &s, const int *counts) : state(s) {
    const int d = s.dimension;
    real inverse[9];
    invert(s.cell, d, inverse);
    for (int n = 0; n < 3; n++) count[n] = n < d ? counts[n] : 1;
    for (int kind = 0; kind < 2; kind++) {
      const int number = kind ? s.intra_count : s.inter_count;
      const double *r = kind ? s.intra_vectors : s.inter_vectors;
      const double *amplitudes = kind ? s.intra_amplitudes : s.inter_amplitudes;
      for (int h = 0; h < number; h++, r += d) {
        Term t = {};
        for (int m = 0; m < d; m++) {
          for (int c = 0; c < d; c++) t.rho[m] += inverse[m * d + c] * r[c];
          // Whole cells, but for the offset of the sublattices.
          const real offset = kind || !h ? 0 : terms[0].rho[m];
          if (kind || h) t.rho[m] = offset + std::round(t.rho[m] - offset);
        }
        t.ri = r[s.i];
        t.rj = r[s.j];
        t.amplitude = amplitudes[h];
        t.isIntra = kind;
        // The inner loop runs along coordinate 0, n = block b + m.
        for (int m = 0; m < block; m++) t.fine.push_back(phase((long double)m * t.rho[0] / count[0]));
        terms.push_back(t);
      }
    }
  }

  /// eta and T with their derivatives at any point, in reduced coordinates.
  void jets(const long double *f, Jet &eta, Jet &hopping) const {
    eta = hopping = Jet{};
    for (const Term &t : terms)
      add(t, t.amplitude * phase(f[0] * t.rho[0] + f[1] * t.rho[1] + f[2] * t.rho[2]), eta, hopping);
  }

  /// eta and T with their derivatives at the points first ... first + block - 1 of a line.
  void jets(int first, real f1, real f2, Jet *eta, Jet *hopping) const {
    for (int m = 0; m < block; m++) eta[m] = hopping[m] = Jet{};
    for (const Term &t : terms) {
      // A quarter off: with the points at -k these are a grid of twice the points.
      const complex start = phase(((long double)first + 0.25L) * t.rho[0] / count[0] +
                                  (long double)f1 * t.rho[1] + (long double)f2 * t.rho[2]);
      for (int m = 0; m < block; m++) add(t, t.amplitude * (start * t.fine[m]), eta[m], hopping[m]);
    }
  }

  const ug_state &state;
  int count[3];
  std::vector<Term> terms;

 private:
  static void add(const Term &t, complex z, Jet &e, Jet &h) {
    const real ij = t.ri * t.rj;
    if (t.isIntra) {
      // -2 a cos(k.r)
      h.value.re -= 2 * z.re;
      h.i.re -= 2 * t.ri * z.im;
      h.j.re -= 2 * t.rj * z.im;
      h.ij.re += 2 * ij * z.re;
    } else {
      e.value = e.value + z;
      e.i = e.i + complex{t.ri * z.im, -t.ri * z.re};
      e.j = e.j + complex{t.rj * z.im, -t.rj * z.re};
      e.ij = e.ij - ij * z;
    }
  }

  static complex phase(long double turns) {
    const long double a = -2 * 3.14159265358979323846264338328L * (turns - std::round(turns));
    return {(real)std::cos(a), (real)std::sin(a)};
  }

  static void invert(const double *doubles, int d, real *out) {
    // Rows m: the coordinate m of r is sum_c out[m d + c] r_c; a holds lattice vectors as rows.
    real a[9];
    std::copy(doubles, doubles + d * d, a);
    if (d == 1) {
      out[0] = 1 / a[0];
    } else if (d == 2) {
      const real det = a[0] * a[3] - a[1] * a[2];
      out[0] = a[3] / det, out[1] = -a[2] / det, out[2] = -a[1] / det, out[3] = a[0] / det;
    } else {
      for (int m = 0; m < 3; m++) {
        const real *b = a + 3 * ((m + 1) % 3), *c = a + 3 * ((m + 2) % 3), *own = a + 3 * m;
        real cross[3], det = 0;
        for (int x = 0; x < 3; x++) {
          cross[x] = b[(x + 1) % 3] * c[(x + 2) % 3] - b[(x + 2) % 3] * c[(x + 1) % 3];
          det += cross[x] * own[x];
        }
        for (int x = 0; x < 3; x++) out[3 * m + x] = cross[x] / det;
      }
    }
  }
};

struct Matrix {
  complex m[2][2];
};

inline Matrix operator*(const Matrix &a, const Matrix &b) {
  Matrix c;
  for (int x = 0; x < 2; x++)
    for (int y = 0; y < 2; y++) c.m[x][y] = a.m[x][0] * b.m[0][y] + a.m[x][1] * b.m[1][y];
  return c;
}

inline Matrix dagger(const Matrix &a) {
  Matrix c;
  for (int x = 0; x < 2; x++)
    for (int y = 0; y < 2; y++) c.m[x][y] = conj(a.m[y][x]);
  return c;
}

/// The traces of all band labels, in the order of the sums; bands 0 lower, 1 upper.
struct Traces {
  real spin[2][2][20], canting[2], current[4];
};

/// Eigenvectors as columns, lower band first, of -(Re eta, Im eta, u J).rho.
inline Matrix eigenvectors(complex eta, real exchange, real delta, bool isUp) {
  const real n = 1 / std::sqrt(2 * delta * (delta + exchange)), a = (delta + exchange) * n;
  const complex e = n * eta, ec = conj(e);
  if (isUp) return {{{{a, 0}, {-ec.re, -ec.im}}, {e, {a, 0}}}};
  return {{{ec, {a, 0}}, {{a, 0}, {-e.re, -e.im}}}};
}

inline Matrix vertex(complex hopping, complex eta) {
  return {{{hopping, complex{-eta.re, eta.im}}, {complex{-eta.re, -eta.im}, hopping}}};
}

/// Real parts: those of k and -k are complex conjugates.
inline void traces(const Jet &eta, const Jet &hopping, real exchange, real delta, Traces &out) {
  const Matrix vi = vertex(hopping.i, eta.i), vj = vertex(hopping.j, eta.j), vij = vertex(hopping.ij, eta.ij);
  const Matrix frame[2] = {eigenvectors(eta.value, exchange, delta, true),
                           eigenvectors(eta.value, exchange, delta, false)};
  for (int n = 0; n < 4; n++) out.current[n] = 0;
  for (int u = 0; u < 2; u++) {
    const Matrix &own = frame[u], &other = frame[1 - u];
    const Matrix bra = dagger(own), otherBra = dagger(other);
    const Matrix jOwn = bra * vj * own, iOwn = bra * vi * own, jOther = otherBra * vj * other;
    // Between the spins: other on the left.
    const Matrix i = otherBra * vi * own, ij = otherBra * vij * own;
    Matrix staggered = other;
    for (int y = 0; y < 2; y++) staggered.m[1][y] = {-other.m[1][y].re, -other.m[1][y].im};
    const Matrix measured[2] = {bra * other, bra * staggered};
    for (int o = 0; o < 2; o++) {
      real *t = out.spin[o][u];
      for (int c = 0; c < 2; c++) {
        for (int a = 0; a < 2; a++) {
          const complex m = measured[o].m[c][a];
          t[2 * a + c] = (m * ij.m[a][c]).re;
          for (int b = 0; b < 2; b++) {
            t[4 + 4 * a + 2 * b + c] = (m * jOther.m[a][b] * i.m[b][c]).re;
            t[12 + 4 * a + 2 * b + c] = (m * i.m[a][b] * jOwn.m[b][c]).re;
          }
        }
      }
    }
    for (int a = 0; a < 2; a++)
      for (int c = 0; c < 2; c++) out.current[2 * a + c] += (iOwn.m[c][a] * jOwn.m[a][c]).re;
  }
  // 2 J^2 s d_i d_j (J/Delta), from Delta^2 = |eta|^2 + J^2.
  const real di = (conj(eta.value) * eta.i).re, dj = (conj(eta.value) * eta.j).re;
  const real dij = (conj(eta.i) * eta.j + conj(eta.value) * eta.ij).re, d2 = delta * delta;
  const real cosine = exchange * (3 * di * dj / d2 - dij) / (d2 * delta);
  out.canting[0] = 2 * exchange * exchange * cosine;
  out.canting[1] = -out.canting[0];
}

/// Whether an output keeps the loop with labels a, b, c; kind 0 has no b, 1 the electric vertex first.
inline bool keeps(const ug_output &o, int kind, int a, int b, int c) {
  const bool isLower = !a && !c && (!kind || !b), isUpper = a && c && (!kind || b);
  switch (o.share) {
    case UG_ALL: break;
    case UG_BONDING:
      if (!isLower) return false;
      break;
    case UG_ANTIBONDING:
      if (!isUpper) return false;
      break;
    case UG_INTERBAND:
      if (isLower || isUpper) return false;
  }
  switch (o.projection) {
    case UG_FULL: return true;
    case UG_ADIABATIC: return a == c && (!kind || b == a);
    case UG_O_ADIABATIC: return a == c;
    case UG_O_NONADIABATIC: return a != c;
    case UG_MAIN: return a != c && kind && (kind == 1 ? a == b : b == c);
  }
  return false;
}

/// An output's weights of the 16 sums: those of its traces that are kept.
struct Weights {
  ug_output output;
  struct Entry {
    /// Where its trace and its sum are, and 2 a + c.
    int trace, sum, ends;
  };
  std::vector<Entry> entries;
  bool isUsed[16] = {};

  explicit Weights(const ug_output &o) : output(o) {
    for (int kind = 0; kind < 3; kind++) {
      if (kind && o.measured >= UG_CANTING) break;
      for (int code = 0; code < (kind ? 8 : 4); code++) {
        const int a = kind ? code >> 2 : code >> 1, b = code >> 1 & 1, c = code & 1;
        if (o.measured == UG_CANTING && a != c) continue;
        if (!keeps(o, kind, a, b, c)) continue;
        const int sum = kind == 0 ? code : kind == 1 ? 4 + 3 * a + b + c : 10 + 2 * (a + b) + c;
        entries.push_back({(kind == 0 ? 0 : kind == 1 ? 4 : 12) + code, sum, 2 * a + c});
        isUsed[sum] = true;
      }
    }
  }

  /// What an entry adds for spin up, and for spin down.
  void weigh(const Traces &t, const Entry &e, real &up, real &down) const {
    down = 0;
    switch (output.measured) {
      case UG_CONDUCTIVITY: up = t.current[e.trace]; break;
      case UG_CANTING: up = t.canting[e.trace >> 1]; break;
      default:
        up = 0.5 * t.spin[output.measured][0][e.trace];
        down = (output.is_difference ? -0.5 : 0.5) * t.spin[output.measured][1][e.trace];
    }
  }

  /// The weights w of the sums, and `moduli`, those of both spins alone.
  void fill(const Traces &t, real *w, real *moduli) const {
    for (int n = 0; n < 16; n++) w[n] = moduli[n] = 0;
    for (const Entry &e : entries) {
      real up, down;
      weigh(t, e, up, down);
      w[e.sum] += up + down;
      moduli[e.sum] += std::abs(up) + std::abs(down);
    }
  }
};

/// The volume of the cell.
inline real volume(const ug_state &s) {
  real a[9];
  std::copy(s.cell, s.cell + s.dimension * s.dimension, a);
  if (s.dimension == 1) return std::abs(a[0]);
  if (s.dimension == 2) return std::abs(a[0] * a[3] - a[1] * a[2]);
  return std::abs(a[0] * (a[4] * a[8] - a[5] * a[7]) - a[1] * (a[3] * a[8] - a[5] * a[6]) +
                  a[2] * (a[3] * a[7] - a[4] * a[6]));
}

}  // namespace UG_SPACE
