// SPDX-License-Identifier: GPL-3.0-or-later
// Loops and ladders with impurities on uniform grids: self-energies, averages at two energies, then the
// sum over energies.
#include "bloch.h"

namespace ug {
namespace {

/// What a wave vector brings along, its image -k included as an entry of its own.
struct Point {
  Jet eta, hopping;
  double delta;
};

/// Self-energies: of the lower and the upper band, or Sigma_0 and Sigma_3.
struct SelfEnergy {
  complex z, first, second;
};

class Crystal {
 public:
  Crystal(const ug_state &s, bool isSite, double strength, const int *counts, int outputCount,
          const ug_output *outputs, const int *isDressed)
      : state(s), site(isSite), gamma(strength), dressed(isDressed, isDressed + outputCount) {
    const Bloch bloch(s, counts);
    Jet eta[block], hopping[block];
    for (int n2 = 0; n2 < bloch.count[2]; n2++)
      for (int n1 = 0; n1 < bloch.count[1]; n1++)
        for (int first = 0; first < bloch.count[0]; first += block) {
          bloch.jets(first, (n1 + 0.5) / bloch.count[1], (n2 + 0.5) / bloch.count[2], eta, hopping);
          for (int m = 0; m < std::min(block, bloch.count[0] - first); m++) {
            const Jet &e = eta[m], &t = hopping[m];
            const double delta = std::sqrt(square(e.value) + s.exchange * s.exchange);
            points.push_back({e, t, delta});
            if (!site) continue;
            const complex minus = {-1, 0};
            points.push_back({{conj(e.value), minus * conj(e.i), minus * conj(e.j), conj(e.ij)},
                              {t.value, minus * t.i, minus * t.j, t.ij},
                              delta});
          }
        }
    for (int o = 0; o < outputCount; o++) weights.emplace_back(outputs[o]);
    if (site) return;
    Traces t;
    for (const Point &p : points) {
      traces(p.eta, p.hopping, s.exchange, p.delta, t);
      for (const Weights &own : weights)
        for (const Weights::Entry &e : own.entries) {
          double up, down;
          own.weigh(t, e, up, down);
          table.push_back(up + down);
        }
    }
  }

  /// The self-energies at z, measured from mu; above or below the real axis by the sign of `side` where z
  /// is real.
  SelfEnergy solve(complex z, double side, const SelfEnergy *guess) const {
    const complex base = z + complex{state.mu, 0};
    SelfEnergy s = {z, {0, -side}, {0, 0}};
    if (!site) s.second = s.first;
    if (guess) s = {z, guess->first, guess->second};
    const complex one = {1, 0};
    auto allows = [&](const SelfEnergy &t) {
      // Of the bands or, of the sites, their sum and difference.
      const complex a = site ? t.first + t.second : t.first, b = site ? t.first - t.second : t.second;
      return a.im * side <= 0 && b.im * side <= 0;
    };
    auto rest = [](const SelfEnergy &a, const SelfEnergy &b) {
      return square(a.first - b.first) + square(a.second - b.second);
    };
    for (int step = 0; step < 4000; step++) {
      // d(next)/d(s), of rows next.first and next.second.
      complex slopes[2][2];
      auto next = average(base, s, slopes);
      if (step >= 8 && step % 4 == 0) {
        // Iteration creeps where impurities are weak: Newton's step for S = gamma <G(S)>, where it stays on its side
        // and leaves less.
        const complex a = one - slopes[0][0], b = -1 * slopes[0][1], c = -1 * slopes[1][0], d = one - slopes[1][1];
        const complex det = inverse(a * d - b * c), x = next.first - s.first, y = next.second - s.second;
        const SelfEnergy t = {s.z, s.first + (d * x - b * y) * det, s.second + (a * y - c * x) * det};
        if (allows(t)) {
          const auto after = average(base, t, slopes);
          if (rest(after, t) < 0.5 * rest(next, s)) {
            s = t;
            next = after;
          }
        }
      }
      const double change = rest(next, s);
      // Half steps where the iteration turns around.
      const double part = step < 30 ? 1 : 0.5;
      s.first = (1 - part) * s.first + part * next.first;
      s.second = (1 - part) * s.second + part * next.second;
      if (change < 1e-28) break;
    }
    return s;
  }

  /// F of each output at z1 of g+ and z2 of g.
  void loops(const SelfEnergy &one, const SelfEnergy &two, complex *out) {
    work += points.size();
    site ? siteLoops(one, two, out) : bandLoops(one, two, out);
  }

  const ug_state &state;
  /// Wave vectors times pairs of energies.
  double work = 0;

 private:
  const bool site;
  const double gamma;
  std::vector<int> dressed;
  std::vector<Point> points;
  std::vector<Weights> weights;
  /// Weights of the products, [point][output][entry].
  std::vector<double> table;

  /// gamma <G> and its derivatives by the self-energies.
  SelfEnergy average(complex base, const SelfEnergy &s, complex slopes[2][2]) const {
    return site ? averageSite(base, s, slopes) : averageBands(base, s, slopes);
  }

  SelfEnergy averageBands(complex base, const SelfEnergy &s, complex slopes[2][2]) const {
    complex sums[2] = {}, squares[2] = {};
    for (const Point &p : points) {
      const double t = p.hopping.value.re;
      const complex g[2] = {inverse(base - s.first - complex{t - p.delta, 0}),
                            inverse(base - s.second - complex{t + p.delta, 0})};
      for (int b = 0; b < 2; b++) {
        sums[b] = sums[b] + g[b];
        squares[b] = squares[b] + g[b] * g[b];
      }
    }
    const double n = gamma / points.size();
    for (int b = 0; b < 2; b++) {
      slopes[b][b] = n * squares[b];
      slopes[b][1 - b] = {0, 0};
    }
    return {s.z, n * sums[0], n * sums[1]};
  }

  /// G^u = [[a, b], [c, d]] with the diagonal parts exchanged for the other spin.
  static Matrix green(complex base, const SelfEnergy &s, const Point &p, double exchange, bool isUp) {
    const complex zeta = base - s.first - complex{p.hopping.value.re, 0};
    const complex j = complex{exchange, 0} - s.second, e = p.eta.value;
    const complex det = inverse(zeta * zeta - j * j - complex{square(e), 0});
    const complex a = (zeta - j) * det, d = (zeta + j) * det;
    const complex off = {-e.re, -e.im};
    return {{{isUp ? a : d, conj(off) * det}, {off * det, isUp ? d : a}}};
  }

  SelfEnergy averageSite(complex base, const SelfEnergy &s, complex slopes[2][2]) const {
    // Of G_AA + G_BB = 2 zeta D and G_AA - G_BB = -2 j D with D = 1/(zeta^2 - j^2 - |eta|^2): dD = 2 D^2 (zeta dS_0 - j dS_3).
    complex sum = {0, 0}, difference = {0, 0}, d00 = {0, 0}, d03 = {0, 0}, d33 = {0, 0};
    const complex j = complex{state.exchange, 0} - s.second;
    for (const Point &p : points) {
      const complex zeta = base - s.first - complex{p.hopping.value.re, 0};
      const complex det = inverse(zeta * zeta - j * j - complex{square(p.eta.value), 0});
      const complex a = zeta * det, b = j * det;
      sum = sum + a;
      difference = difference - b;
      d00 = d00 + 2 * a * a - det;
      d03 = d03 - 2 * a * b;
      d33 = d33 + 2 * b * b + det;
    }
    const double n = gamma / points.size();
    slopes[0][0] = n * d00;
    slopes[0][1] = slopes[1][0] = n * d03;
    slopes[1][1] = n * d33;
    return {s.z, n * sum, n * difference};
  }

  void bandLoops(const SelfEnergy &one, const SelfEnergy &two, complex *out) const {
    const complex b1 = one.z + complex{state.mu, 0}, b2 = two.z + complex{state.mu, 0};
    const int count = weights.size();
    std::vector<complex> plain(count * 4), flat(count * 4);
    complex bubble[4] = {}, cosine[4] = {};
    const double *w = table.data();
    for (const Point &p : points) {
      const double t = p.hopping.value.re, ratio = state.exchange / p.delta;
      complex g1[2], g2[2], z[16];
      for (int s = 0; s < 2; s++) {
        const complex e = {t + (s ? p.delta : -p.delta), 0};
        g1[s] = inverse(b1 - (s ? one.second : one.first) - e);
        g2[s] = inverse(b2 - (s ? two.second : two.first) - e);
      }
      for (int a = 0; a < 2; a++)
        for (int c = 0; c < 2; c++) {
          const complex pair = g1[a] * g2[c];
          z[2 * a + c] = pair;
          for (int b = 0; b < 2; b++) {
            z[4 + 3 * a + b + c] = pair * g2[b];
            z[10 + 2 * (a + b) + c] = pair * g1[b];
          }
          bubble[2 * a + c] = bubble[2 * a + c] + pair;
          cosine[2 * a + c] = cosine[2 * a + c] + ratio * pair;
        }
      for (int o = 0; o < count; o++)
        for (const Weights::Entry &e : weights[o].entries) {
          const complex x = *w++ * z[e.sum];
          plain[4 * o + e.ends] = plain[4 * o + e.ends] + x;
          flat[4 * o + e.ends] = flat[4 * o + e.ends] + (1 / ratio) * x;
        }
    }
    const double n = 1. / points.size();
    for (int o = 0; o < count; o++) {
      complex sum = {0, 0};
      for (int ac = 0; ac < 4; ac++) {
        const complex ladder = inverse(complex{1, 0} - (gamma * n) * bubble[ac]);
        if (!dressed[o])
          sum = sum + plain[4 * o + ac];
        else if (weights[o].output.measured == UG_STAGGERED)
          sum = sum + plain[4 * o + ac] * ladder;
        else
          sum = sum + plain[4 * o + ac] + (gamma * n) * cosine[ac] * ladder * flat[4 * o + ac];
      }
      out[o] = (n / volume(state)) * sum;
    }
  }

  struct Pair {
    complex v[2];
  };

  /// (1 - gamma avg[A_XY B_YX])^-1 source.
  static Pair dress(const complex m[2][2], double gamma, Pair source) {
    const complex a = complex{1, 0} - gamma * m[0][0], d = complex{1, 0} - gamma * m[1][1];
    const complex b = -gamma * m[0][1], c = -gamma * m[1][0];
    const complex det = inverse(a * d - b * c);
    return {{(d * source.v[0] - b * source.v[1]) * det, (a * source.v[1] - c * source.v[0]) * det}};
  }

  void siteLoops(const SelfEnergy &one, const SelfEnergy &two, complex *out) const {
    const complex b1 = one.z + complex{state.mu, 0}, b2 = two.z + complex{state.mu, 0};
    const double n = 1. / points.size(), j = state.exchange;
    const int count = weights.size();
    auto trace = [](const Matrix &a) { return a.m[0][0] + a.m[1][1]; };
    auto product = [](const Matrix &a, const Matrix &b, complex m[2][2]) {
      for (int x = 0; x < 2; x++)
        for (int y = 0; y < 2; y++) m[x][y] = m[x][y] + a.m[x][y] * b.m[y][x];
    };
    auto plus = [](Matrix a, const Pair &v) {
      for (int x = 0; x < 2; x++) a.m[x][x] = a.m[x][x] + v.v[x];
      return a;
    };
    auto scaled = [&](complex m[2][2]) {
      for (int x = 0; x < 4; x++) m[x >> 1][x & 1] = n * m[x >> 1][x & 1];
    };
    for (int o = 0; o < count; o++) out[o] = {0, 0};
    for (int u = 0; u < 2; u++) {
      const bool isUp = u == 0;
      // Dressings: of the measured vertex between G^u(z2) and G^u'(z1), of the electric one at equal spins,
      // of the gauge vertex at equal energies.
      complex measured[2][2] = {}, electric[2][2][2] = {}, gauge[2][2][2] = {};
      Pair e[2] = {}, g[2] = {};
      for (const Point &p : points) {
        const Matrix vi = vertex(p.hopping.i, p.eta.i), vj = vertex(p.hopping.j, p.eta.j);
        const Matrix own[2] = {green(b1, one, p, j, isUp), green(b2, two, p, j, isUp)};
        const Matrix other[2] = {green(b1, one, p, j, !isUp), green(b2, two, p, j, !isUp)};
        product(own[1], other[0], measured);
        product(other[0], other[1], electric[0]);
        product(own[0], own[1], electric[1]);
        const Matrix x0 = other[0] * vj * other[1], x1 = own[0] * vj * own[1];
        for (int s = 0; s < 2; s++) {
          product(other[s], own[s], gauge[s]);
          const Matrix y = other[s] * vi * own[s];
          for (int x = 0; x < 2; x++) g[s].v[x] = g[s].v[x] + (gamma * n) * y.m[x][x];
        }
        for (int x = 0; x < 2; x++) {
          e[0].v[x] = e[0].v[x] + (gamma * n) * x0.m[x][x];
          e[1].v[x] = e[1].v[x] + (gamma * n) * x1.m[x][x];
        }
      }
      scaled(measured);
      for (int s = 0; s < 2; s++) {
        scaled(electric[s]);
        scaled(gauge[s]);
        e[s] = dress(electric[s], gamma, e[s]);
        g[s] = dress(gauge[s], gamma, g[s]);
      }
      const Pair none = {};
      const Pair ones = {{{1, 0}, {1, 0}}}, signs = {{{1, 0}, {-1, 0}}};
      // Bare and dressed.
      std::vector<Matrix> operators;
      for (int o = 0; o < count; o++) {
        Pair m = weights[o].output.measured == UG_STAGGERED ? signs : ones;
        operators.push_back(plus(Matrix{}, dressed[o] ? dress(measured, gamma, m) : m));
      }
      std::vector<complex> sums(count, complex{0, 0});
      for (const Point &p : points) {
        const Matrix vi = vertex(p.hopping.i, p.eta.i), vij = vertex(p.hopping.ij, p.eta.ij);
        const Matrix vj = vertex(p.hopping.j, p.eta.j);
        const Matrix own1 = green(b1, one, p, j, isUp), own2 = green(b2, two, p, j, isUp);
        const Matrix other1 = green(b1, one, p, j, !isUp), other2 = green(b2, two, p, j, !isUp);
        complex conductivity[2];
        Matrix loop[2];
        for (int d = 0; d < 2; d++) {
          conductivity[d] = trace(vi * own1 * plus(vj, d ? e[1] : none) * own2);
          const Matrix first = plus(vj, d ? e[0] : none) * other2 * plus(vi, d ? g[1] : none);
          const Matrix second = plus(vi, d ? g[0] : none) * own1 * plus(vj, d ? e[1] : none);
          Matrix all;
          for (int x = 0; x < 4; x++)
            all.m[x >> 1][x & 1] = first.m[x >> 1][x & 1] + second.m[x >> 1][x & 1] + vij.m[x >> 1][x & 1];
          loop[d] = other1 * all * own2;
        }
        for (int o = 0; o < count; o++)
          sums[o] = sums[o] + (weights[o].output.measured == UG_CONDUCTIVITY
                                   ? conductivity[dressed[o]]
                                   : trace(operators[o] * loop[dressed[o]]));
      }
      for (int o = 0; o < count; o++) {
        double factor = n / volume(state);
        if (weights[o].output.measured != UG_CONDUCTIVITY)
          factor *= weights[o].output.is_difference && u ? -0.5 : 0.5;
        out[o] = out[o] + factor * sums[o];
      }
    }
  }
};

/// Gauss's rule of 12 points.
const double nodes[6] = {0.1252334085114689, 0.3678314989981802, 0.5873179542866175,
                         0.7699026741943047, 0.9041172563704749, 0.9815606342467193};
const double factors[6] = {0.2491470458134028, 0.2334925365383548, 0.2031674267230659,
                           0.1600783285433462, 0.1069393259953184, 0.0471753363865118};

template <class F>
void integrate(double a, double b, int panels, F f) {
  for (int p = 0; p < panels; p++) {
    const double h = (b - a) / panels, middle = a + (p + 0.5) * h;
    for (int n = 0; n < 12; n++) {
      const double x = n < 6 ? -nodes[5 - n] : nodes[n - 6], w = factors[n < 6 ? 5 - n : n - 6];
      f(middle + 0.5 * h * x, 0.5 * h * w);
    }
  }
}

}  // namespace
}  // namespace ug

using namespace ug;

extern "C" double ug_impurities(const ug_state *state, int is_site, double strength, const int *counts,
                              int panels, int frequency_count, const double *frequencies,
                              int output_count, const ug_output *outputs, const int *is_dressed,
                              double *values) {
  Crystal crystal(*state, is_site, strength, counts, output_count, outputs, is_dressed);
  const double t = state->temperature;
  std::vector<complex> f(output_count);
  for (int q = 0; q < frequency_count; q++) {
    const double omega = frequencies[q];
    std::vector<complex> total(output_count, complex{0, 0});
    auto add = [&](complex weight) {
      for (int o = 0; o < output_count; o++) total[o] = total[o] + weight * f[o];
    };
    // Both energies above the real axis, at height y, and both below.
    SelfEnergy s[4];
    bool hasGuess = false;
    auto heights = [&](double y, double weight) {
      const complex z[4] = {{omega, y}, {0, y}, {0, -y}, {-omega, -y}};
      for (int m = 0; m < 4; m++) s[m] = crystal.solve(z[m], m < 2 ? 1 : -1, hasGuess ? &s[m] : nullptr);
      hasGuess = true;
      crystal.loops(s[0], s[1], f.data());
      add({weight, 0});
      crystal.loops(s[2], s[3], f.data());
      add({weight, 0});
    };
    double low = 0;
    if (t > 0) {
      const int explicitly = 40;
      for (int n = explicitly - 1; n >= 0; n--) heights((2 * n + 1) * pi * t, t);
      const double a = 2 * pi * t, step = 1e-3 * a;
      low = a * explicitly;
      hasGuess = false;
      // The midpoint rule's first correction, a^2/24 h'(low).
      heights(low + step, a * a / 24 / (2 * step) / (2 * pi));
      heights(low - step, -a * a / 24 / (2 * step) / (2 * pi));
    }
    // y = low + (x/(1 - x))^2.
    hasGuess = false;
    integrate(0, 1, panels, [&](double x, double w) {
      x = 1 - x;
      const double r = x / (1 - x);
      heights(low + r * r, w * 2 * r / ((1 - x) * (1 - x)) / (2 * pi));
    });
    // One above and one below.
    std::vector<double> cuts = {-omega, 0};
    if (omega < 0) std::swap(cuts[0], cuts[1]);
    if (t > 0) {
      std::vector<double> more;
      for (double c : cuts)
        for (double x : {-38., -12., -4., 4., 12., 38.}) more.push_back(c + x * t);
      cuts = more;
      std::sort(cuts.begin(), cuts.end());
    }
    auto fermi = [&](double x) { return t > 0 ? 0.5 * (1 - std::tanh(0.5 * x / t)) : x < 0 ? 1. : 0.; };
    auto window = [&](double low, double high, std::vector<complex> &sum) {
      std::fill(sum.begin(), sum.end(), complex{0, 0});
      integrate(low, high, 1, [&](double x, double w) {
        const SelfEnergy above = crystal.solve({x + omega, 0}, 1, nullptr);
        const SelfEnergy below = crystal.solve({x, 0}, -1, nullptr);
        crystal.loops(above, below, f.data());
        // -1/(2 pi i)
        const complex weight = {0, w * (fermi(x + omega) - fermi(x)) / (2 * pi)};
        for (int o = 0; o < output_count; o++) sum[o] = sum[o] + weight * f[o];
      });
    };
    // Halved, towards band edges, until halves agree with the whole.
    double largest = 0;
    for (const complex &z : total) largest = std::max(largest, square(z));
    largest = std::sqrt(largest);
    const double allowed = 1e-3 * std::pow(10., -panels);
    struct Part {
      double low, high;
      int depth;
      std::vector<complex> sum;
    };
    std::vector<Part> parts;
    for (size_t c = 0; omega != 0 && c + 1 < cuts.size(); c++) {
      parts.push_back({cuts[c], cuts[c + 1], 0, std::vector<complex>(output_count)});
      window(cuts[c], cuts[c + 1], parts.back().sum);
    }
    while (!parts.empty()) {
      Part whole = parts.back();
      parts.pop_back();
      const double middle = 0.5 * (whole.low + whole.high);
      Part left = {whole.low, middle, whole.depth + 1, std::vector<complex>(output_count)};
      Part right = {middle, whole.high, whole.depth + 1, std::vector<complex>(output_count)};
      window(left.low, left.high, left.sum);
      window(right.low, right.high, right.sum);
      double change = 0;
      for (int o = 0; o < output_count; o++)
        change = std::max(change, std::sqrt(square(left.sum[o] + right.sum[o] - whole.sum[o])));
      if (change <= allowed * largest || whole.depth == 20) {
        for (int o = 0; o < output_count; o++) total[o] = total[o] + left.sum[o] + right.sum[o];
      } else {
        parts.push_back(left);
        parts.push_back(right);
      }
    }
    for (int o = 0; o < output_count; o++) {
      values[2 * (q * output_count + o)] = total[o].re;
      values[2 * (q * output_count + o) + 1] = total[o].im;
    }
  }
  return crystal.work;
}
