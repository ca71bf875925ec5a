// SPDX-License-Identifier: GPL-3.0-or-later
// Loops of a collinear magnet with orbitals on uniform grids: hops summed one by one, every triple of bands summed,
// frequencies real or complex, energy integrals by divided differences in numbers of 80 bits.
#include <complex>
#include <lapacke.h>

#include <cstdlib>
#include <vector>

#define UG_REAL long double
#define UG_SPACE ug_magnets
#include "include/uniform_grid.h"
#include "matsubara.h"

namespace {

using namespace UG_SPACE;
using number = std::complex<double>;
using Numbers = std::vector<number>;

complex wide(number z) { return {z.real(), z.imag()}; }

/// Poles in one half-plane with l at their images below the real axis.
struct Line {
  bool isAbove;
  std::vector<complex> below, p, l;

  /// Levels + `shift`, below or above the axis by gamma.
  Line(const Logarithm &f, const std::vector<double> &levels, real mu, real gamma, complex shift, bool above)
      : isAbove(above) {
    for (double level : levels) {
      const real x = level - mu;
      const complex q = {x + shift.re, (above ? -shift.im : shift.im) - gamma};
      complex value, slope;
      f.value(q, value, slope);
      below.push_back(q);
      p.push_back(above ? conj(q) : q);
      l.push_back(above ? conj(value) : value);
    }
  }

  /// The poles on the other side.
  Line conjugate() const {
    Line other = *this;
    other.isAbove = !isAbove;
    for (complex &z : other.p) z = conj(z);
    for (complex &z : other.l) z = conj(z);
    return other;
  }
};

/// l[p_a, q_b] of all.
struct Pairs {
  int n;
  std::vector<complex> values;
  std::vector<bool> near;

  Pairs(const Logarithm &f, const Line &p, const Line &q)
      : n(p.p.size()), values(n * n), near(n * n) {
    for (int a = 0; a < n; a++)
      for (int b = 0; b < n; b++) {
        const bool isNear = p.isAbove == q.isAbove && f.isNear(p.below[a], q.below[b]);
        near[a + n * b] = isNear;
        if (isNear) {
          const complex z = f.pair(p.below[a], q.below[b]);
          values[a + n * b] = p.isAbove ? conj(z) : z;
        } else {
          values[a + n * b] = (p.l[a] - q.l[b]) * inverse(p.p[a] - q.p[b]);
        }
      }
  }
};

/// l[p_a, q_b, r_c], divided by the widest of the three distances.
struct Triples {
  const Logarithm &f;
  const Line &p, &q, &r;
  Pairs pq, qr, pr;

  Triples(const Logarithm &f, const Line &p, const Line &q, const Line &r)
      : f(f), p(p), q(q), r(r), pq(f, p, q), qr(f, q, r), pr(f, p, r) {}

  complex operator()(int a, int b, int c) const {
    const int n = pq.n, x = a + n * b, y = b + n * c, z = a + n * c;
    if (pq.near[x] && qr.near[y] && pr.near[z]) {
      const complex t = f.triple(p.below[a], q.below[b], r.below[c]);
      return p.isAbove ? conj(t) : t;
    }
    const complex dx = p.p[a] - q.p[b], dy = q.p[b] - r.p[c], dz = p.p[a] - r.p[c];
    const real sx = square(dx), sy = square(dy), sz = square(dz);
    if (sz >= sx && sz >= sy) return (pq.values[x] - qr.values[y]) * inverse(dz);
    if (sx >= sy) return (pr.values[z] - qr.values[y]) * inverse(dx);
    return (pq.values[x] - pr.values[z]) * inverse(dy);
  }
};

complex normed(complex z) { return {-z.im / (2 * pi), z.re / (2 * pi)}; }

/// Both spins at one k.
struct Point {
  int n;
  /// H, d_i H, d_j H, d_i d_j H of each spin, and states and levels.
  Numbers parts[2][4], states[2];
  std::vector<double> levels[2];

  Point(const ug_magnet &m, const double (*inverseCell)[3], const real *f) : n(m.orbital_count) {
    const int d = m.dimension;
    for (auto &spin : parts)
      for (auto &part : spin) part.assign(n * n, 0);
    for (int u = 0; u < 2; u++)
      for (int a = 0; a < n; a++) parts[u][0][a + n * a] = m.levels[n * u + a];
    for (int h = 0; h < m.hop_count; h++) {
      const int a = m.from[h], b = m.to[h];
      real turn = 0, r[3] = {0, 0, 0};
      for (int x = 0; x < d; x++) {
        r[x] = (real)m.positions[d * b + x] - m.positions[d * a + x];
        for (int c = 0; c < d; c++) r[x] += (real)m.cells[d * h + c] * m.cell[d * c + x];
      }
      for (int c = 0; c < d; c++)
        for (int x = 0; x < d; x++) turn += f[c] * inverseCell[c][x] * r[x];
      const number phase((double)std::cos(2 * pi * turn), (double)std::sin(2 * pi * turn)), i(0, 1);
      const double ri = (double)r[m.i], rj = (double)r[m.j];
      for (int u = 0; u < 2; u++) {
        const number z = phase * number(m.amplitudes[4 * h + 2 * u], m.amplitudes[4 * h + 2 * u + 1]);
        const number terms[4] = {z, i * ri * z, i * rj * z, -ri * rj * z};
        for (int t = 0; t < 4; t++) {
          parts[u][t][a + n * b] += terms[t];
          parts[u][t][b + n * a] += std::conj(terms[t]);
        }
      }
    }
    for (int u = 0; u < 2; u++) {
      states[u] = parts[u][0];
      levels[u].resize(n);
      auto *matrix = reinterpret_cast<lapack_complex_double *>(states[u].data());
      if (LAPACKE_zheev(LAPACK_COL_MAJOR, 'V', 'U', n, matrix, n, levels[u].data())) std::abort();
    }
  }

  /// U_u^dagger m U_v.
  Numbers between(int u, const Numbers &m, int v) const {
    Numbers half(n * n, 0), out(n * n, 0);
    for (int c = 0; c < n; c++)
      for (int b = 0; b < n; b++)
        for (int a = 0; a < n; a++) half[a + n * c] += m[a + n * b] * states[v][b + n * c];
    for (int c = 0; c < n; c++)
      for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++) out[a + n * c] += std::conj(states[u][b + n * a]) * half[b + n * c];
    return out;
  }

  Numbers mean(int part, double sign) const {
    Numbers out(n * n);
    for (int x = 0; x < n * n; x++) out[x] = 0.5 * (parts[0][part][x] + sign * parts[1][part][x]);
    return out;
  }
};

Numbers anticommuted(Numbers m, const double *p, int n) {
  for (int x = 0; x < n * n; x++) m[x] *= 0.5 * (p[x % n] + p[x / n]);
  return m;
}

Numbers commuted(Numbers m, const double *p, int n) {
  for (int x = 0; x < n * n; x++) m[x] *= number(0, p[x % n] - p[x / n]);
  return m;
}

/// sum_ac o_ca m_ac, added with a factor to a value; absolute terms to its scale.
void trace(const Numbers &o, const std::vector<complex> &m, int n, complex factor, complex &value, real &scale) {
  for (int a = 0; a < n; a++)
    for (int c = 0; c < n; c++) {
      const complex z = factor * wide(o[c + n * a]) * m[a + n * c];
      value = value + z;
      scale += std::sqrt(square(z));
    }
}

/// The poles of one spin at one frequency: retarded and advanced, still and moved.
struct Poles4 {
  Line still, stillAbove, moved, movedAbove;

  Poles4(const Logarithm &f, const std::vector<double> &e, real mu, real gamma, complex omega)
      : still(f, e, mu, gamma, {0, 0}, false),
        stillAbove(still.conjugate()),
        moved(f, e, mu, gamma, {-omega.re, -omega.im}, false),
        movedAbove(f, e, mu, gamma, omega, true) {}
};

/// <g+_a g_c> of levels y and x.
std::vector<complex> pairs(const Logarithm &f, const Poles4 &y, const Poles4 &x, bool isStatic) {
  const int n = x.still.p.size();
  std::vector<complex> out(n * n);
  const Pairs rr(f, y.moved, x.still), aa(f, y.stillAbove, x.movedAbove);
  for (int t = 0; t < n * n; t++) out[t] = rr.values[t] - aa.values[t];
  if (!isStatic) {
    const Pairs one(f, y.still, x.movedAbove), two(f, y.moved, x.stillAbove);
    for (int t = 0; t < n * n; t++) out[t] = out[t] + one.values[t] - two.values[t];
  }
  for (auto &z : out) z = normed(z);
  return out;
}

/// M_ac of the transverse loop.
std::vector<complex> transverse(const Logarithm &f, const Poles4 &y, const Poles4 &x, const Numbers &other,
                                const Numbers &w, const Numbers &mine, const Numbers &anomalous, bool isStatic) {
  std::vector<complex> out = pairs(f, y, x, isStatic);
  const int n = x.still.p.size();
  for (int t = 0; t < n * n; t++) out[t] = out[t] * wide(anomalous[t]);
  auto add = [&](const Numbers &v, const Numbers &w, const Triples &s, real sign) {
    for (int a = 0; a < n; a++)
      for (int c = 0; c < n; c++) {
        complex sum = {0, 0};
        for (int b = 0; b < n; b++) sum = sum + wide(v[a + n * b]) * wide(w[b + n * c]) * s(a, b, c);
        out[a + n * c] = out[a + n * c] + sign * normed(sum);
      }
  };
  add(other, w, Triples(f, y.moved, y.still, x.still), 1);
  add(other, w, Triples(f, y.stillAbove, y.movedAbove, x.movedAbove), -1);
  add(w, mine, Triples(f, y.moved, x.moved, x.still), 1);
  add(w, mine, Triples(f, y.stillAbove, x.stillAbove, x.movedAbove), -1);
  if (!isStatic) {
    add(other, w, Triples(f, y.still, y.movedAbove, x.movedAbove), 1);
    add(other, w, Triples(f, y.moved, y.stillAbove, x.stillAbove), -1);
    add(w, mine, Triples(f, y.still, x.still, x.movedAbove), 1);
    add(w, mine, Triples(f, y.moved, x.moved, x.stillAbove), -1);
  }
  return out;
}

}  // namespace

void ug_magnet_loops(const ug_magnet *magnet, const int *counts, const double *offsets, int omega_count,
                     const double *omegas, int output_count, const ug_magnet_output *outputs, double *values,
                     double *scales) {
  const ug_magnet &m = *magnet;
  const int n = m.orbital_count, d = m.dimension, rows = omega_count + 1;
  double cell[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, inverseCell[3][3];
  for (int a = 0; a < d; a++)
    for (int x = 0; x < d; x++) cell[a][x] = m.cell[d * a + x];
  double volume = 0;
  for (int a = 0; a < 3; a++) {
    const int b = (a + 1) % 3, c = (a + 2) % 3;
    for (int x = 0; x < 3; x++) {
      const int y = (x + 1) % 3, z = (x + 2) % 3;
      inverseCell[a][x] = cell[b][y] * cell[c][z] - cell[b][z] * cell[c][y];
    }
    volume = cell[a][0] * inverseCell[a][0] + cell[a][1] * inverseCell[a][1] + cell[a][2] * inverseCell[a][2];
  }
  for (auto &row : inverseCell)
    for (double &x : row) x /= volume;
  const Logarithm f(m.temperature);
  std::vector<complex> sums(rows * output_count, complex{0, 0});
  std::vector<real> sizes(rows * output_count, 0);
  // d/d omega by Cauchy's formula on a circle, off by (radius/Gamma)^circle; K is analytic for |omega| < Gamma.
  const int circle = 10;
  const real radius = m.gamma / 64;
  long total = 1;
  for (int a = 0; a < d; a++) total *= counts[a];
  for (long code = 0; code < total; code++) {
    real reduced[3] = {0, 0, 0};
    long rest = code;
    for (int a = 0; a < d; a++) {
      reduced[a] = ((real)(rest % counts[a]) + offsets[a]) / counts[a];
      rest /= counts[a];
    }
    const Point k(m, inverseCell, reduced);
    // Of K(0), and of each frequency or of those on the circle.
    std::vector<std::vector<complex>> frequencies = {{{0, 0}}};
    for (int r = 0; r < omega_count; r++) {
      frequencies.push_back({});
      for (int s = 0; s < (omegas[r] == 0 ? circle : 1); s++) {
        const real angle = 2 * pi * (s + 0.5L) / circle;
        frequencies.back().push_back(omegas[r] == 0 ? complex{radius * std::cos(angle), radius * std::sin(angle)}
                                                    : complex{omegas[r], 0});
      }
    }
    std::vector<std::vector<Poles4>> poles[2];
    for (int u = 0; u < 2; u++)
      for (const auto &list : frequencies) {
        poles[u].push_back({});
        for (complex omega : list) poles[u].back().emplace_back(f, k.levels[u], m.mu, m.gamma, omega);
      }
    for (int u = 0; u < 2; u++) {
      const int v = 1 - u;
      const double sign = u ? -1 : 1;
      struct Part {
        int output;
        complex factor;
        Numbers o;
      };
      std::vector<Part> across, along, gradients, densities;
      for (int o = 0; o < output_count; o++) {
        const ug_magnet_output &out = outputs[o];
        if (out.measured == UG_MAGNET_SIGMA) {
          if (out.component != u) continue;
          along.push_back({o, {1, 0}, k.between(u, k.parts[u][1], u)});
          densities.push_back({o, {1, 0}, k.between(u, k.parts[u][3], u)});
          continue;
        }
        const complex factor = out.component ? complex{0, sign / 2} : complex{0.5, 0};
        if (out.measured == UG_MAGNET_SPIN) {
          Numbers p(n * n, 0);
          for (int a = 0; a < n; a++) p[a + n * a] = out.weights[a];
          across.push_back({o, factor, k.between(u, p, v)});
          continue;
        }
        across.push_back({o, factor, k.between(u, anticommuted(k.mean(0, -1), out.weights, n), v)});
        gradients.push_back({o, factor, k.between(u, anticommuted(k.mean(2, -1), out.weights, n), v)});
        if (out.measured == UG_MAGNET_MOMENT) {
          auto vertex = [&](int part) {
            const Numbers delta = k.mean(part, -1);
            return k.between(u, out.component ? commuted(delta, out.weights, n) : anticommuted(delta, out.weights, n), u);
          };
          const complex own = out.component ? complex{sign / 4, 0} : complex{0.5, 0};
          along.push_back({o, own, vertex(1)});
          densities.push_back({o, own, vertex(3)});
        }
      }
      const Numbers w = k.between(v, k.mean(1, 1), u), anomalous = k.between(v, k.mean(3, 1), u);
      const Numbers mine = k.between(u, k.parts[u][2], u), other = k.between(v, k.parts[v][2], v);
      auto both = [&](int row, int step, bool isStatic) {
        const Poles4 &x = poles[u][row][step], &y = poles[v][row][step];
        std::pair<std::vector<complex>, std::vector<complex>> out;
        if (!across.empty()) out.first = transverse(f, y, x, other, w, mine, anomalous, isStatic);
        if (!along.empty()) {
          out.second = pairs(f, x, x, isStatic);
          for (int t = 0; t < n * n; t++) out.second[t] = out.second[t] * wide(mine[t]);
        }
        return out;
      };
      auto add = [&](const std::vector<Part> &list, const std::vector<complex> &matrix, int row) {
        for (const Part &part : list) {
          const int at = row * output_count + part.output;
          trace(part.o, matrix, n, part.factor, sums[at], sizes[at]);
        }
      };
      const auto still = both(0, 0, true);
      add(across, still.first, 0);
      add(along, still.second, 0);
      if (!gradients.empty()) {
        std::vector<complex> p = pairs(f, poles[v][0][0], poles[u][0][0], true);
        for (int t = 0; t < n * n; t++) p[t] = p[t] * wide(w[t]);
        add(gradients, p, 0);
      }
      if (!densities.empty()) {
        std::vector<complex> p(n * n, complex{0, 0});
        for (int a = 0; a < n; a++) p[a + n * a] = {-poles[u][0][0].still.l[a].im / pi, 0};
        add(densities, p, 0);
      }
      for (int r = 0; r < omega_count; r++) {
        auto quotient = [&](std::vector<complex> &into, const std::vector<complex> &at, const std::vector<complex> &zero,
                            complex factor) {
          into.resize(at.size(), complex{0, 0});
          for (size_t t = 0; t < at.size(); t++) into[t] = into[t] + factor * (at[t] - zero[t]);
        };
        std::vector<complex> first, second;
        const std::vector<complex> &list = frequencies[r + 1];
        for (size_t step = 0; step < list.size(); step++) {
          const auto found = both(r + 1, step, false);
          const complex factor = ((real)1 / list.size()) * inverse(list[step]);
          quotient(first, found.first, still.first, factor);
          quotient(second, found.second, still.second, factor);
        }
        add(across, first, r + 1);
        add(along, second, r + 1);
      }
    }
  }
  const real norm = 1 / (std::abs((real)volume) * total);
  for (int t = 0; t < rows * output_count; t++) {
    values[2 * t] = (double)(sums[t].re * norm);
    values[2 * t + 1] = (double)(sums[t].im * norm);
    scales[t] = (double)(sizes[t] * norm);
  }
}
