// SPDX-License-Identifier: GPL-3.0-or-later
// Loops on uniform grids of wave vectors, for constant lifetimes; shares no code with the program.
#include "bloch.h"

#ifndef UG_NAME
#define UG_NAME(name) name
#endif

using namespace UG_SPACE;

namespace UG_SPACE {
namespace {

/// All outputs at all frequencies at one wave vector.
class Integrand {
 public:
  Integrand(const ug_state &s, int frequency_count, const double *frequencies, int output_count,
            const ug_output *outputs)
      : state(s), f(s.temperature), frequencyCount(frequency_count), frequencies(frequencies),
        w(16 * output_count), sizes(16 * output_count) {
    for (int o = 0; o < output_count; o++) {
      weights.emplace_back(outputs[o]);
      for (int n = 0; n < 16; n++) isUsed[n] = isUsed[n] || weights[o].isUsed[n];
    }
  }

  /// Adds `part` times the values to `sums` and their moduli to `moduli`, [frequency][output].
  void add(const Jet &eta, const Jet &hopping, real part, complex *sums, long double *moduli) {
    const real j = state.exchange, delta = std::sqrt(square(eta.value) + j * j);
    const real base = hopping.value.re - state.mu, x[2] = {base - delta, base + delta};
    const int count = (int)weights.size();
    traces(eta, hopping, j, delta, t);
    for (int o = 0; o < count; o++) weights[o].fill(t, &w[16 * o], &sizes[16 * o]);
    Poles here;
    fill(f, x, {0, -(real)state.gamma}, here);
    for (int q = 0; q < frequencyCount; q++) {
      complex z[16];
      UG_SPACE::sums(f, x, here, state.gamma, {frequencies[2 * q], frequencies[2 * q + 1]}, isUsed,
                     z);
      for (int o = 0; o < count; o++) {
        complex sum = {0, 0};
        const real *own = &w[16 * o];
        for (int n = 0; n < 16; n++)
          if (weights[o].isUsed[n]) sum = sum + own[n] * z[n];
        complex &p = sums[q * count + o];
        p = p + part * sum;
        if (!moduli) continue;
        real modulus = 0;
        for (int n = 0; n < 16; n++)
          if (weights[o].isUsed[n]) modulus += sizes[16 * o + n] * std::sqrt(square(z[n]));
        moduli[q * count + o] += part * modulus;
      }
    }
  }

 private:
  const ug_state &state;
  const Logarithm f;
  const int frequencyCount;
  const double *frequencies;
  std::vector<Weights> weights;
  bool isUsed[16] = {};
  std::vector<real> w, sizes;
  Traces t;
};

}  // namespace
}  // namespace UG_SPACE

extern "C" void UG_NAME(ug_points)(const ug_state *state, int point_count, const double *points, int frequency_count,
                                   const double *frequencies, int output_count, const ug_output *outputs,
                                   double *values) {
  const int one[3] = {1, 1, 1}, size = frequency_count * output_count;
  const Bloch bloch(*state, one);
  Integrand integrand(*state, frequency_count, frequencies, output_count, outputs);
  const long double norm = 1 / volume(*state);
  std::vector<complex> sums(size);
  for (int n = 0; n < point_count; n++) {
    const long double f[3] = {points[3 * n], points[3 * n + 1], points[3 * n + 2]};
    Jet eta, hopping;
    bloch.jets(f, eta, hopping);
    std::fill(sums.begin(), sums.end(), complex{0, 0});
    integrand.add(eta, hopping, 1, sums.data(), nullptr);
    for (int q = 0; q < size; q++, values += 2) {
      const complex still = q < output_count ? complex{0, 0} : sums[q % output_count];
      values[0] = (double)((sums[q].re - still.re) * norm);
      values[1] = (double)((sums[q].im - still.im) * norm);
    }
  }
}

namespace UG_SPACE {
namespace {

/// Gauss's rule on (0, 1).
struct GaussRule {
  static const int order = 16;
  long double x[order], w[order];

  GaussRule() {
    for (int n = 0; n < order; n++) {
      long double z = std::cos(3.14159265358979323846L * (n + 0.75L) / (order + 0.5L)), slope = 1;
      for (int step = 0; step < 20; step++) {
        // Legendre's polynomials by recurrence.
        long double p = 1, last = 0;
        for (int l = 0; l < order; l++) {
          const long double next = ((2 * l + 1) * z * p - l * last) / (l + 1);
          last = p;
          p = next;
        }
        slope = order * (z * p - last) / (z * z - 1);
        z -= p / slope;
      }
      x[n] = (1 - z) / 2;
      w[n] = 1 / ((1 - z * z) * slope * slope);
    }
  }
};

}  // namespace
}  // namespace UG_SPACE

extern "C" void UG_NAME(ug_loops)(const ug_state *state, const int *counts, int part_count, const double *ends,
                                  int frequency_count, const double *frequencies, int output_count,
                                  const ug_output *outputs, double *values, double *scales) {
  const Bloch bloch(*state, counts);
  Integrand integrand(*state, frequency_count, frequencies, output_count, outputs);
  const int size = frequency_count * output_count;
  std::vector<long double> totals(2 * size), moduli(size);
  std::vector<complex> partial(size);
  auto keep = [&] {
    for (int n = 0; n < size; n++) {
      totals[2 * n] += partial[n].re;
      totals[2 * n + 1] += partial[n].im;
      partial[n] = {0, 0};
    }
  };
  auto finish = [&](long double points) {
    const long double norm = 1 / (points * volume(*state));
    for (int n = 0; n < 2 * size; n++)
      values[n] = (double)(norm * (n < 2 * output_count ? totals[n] : totals[n] - totals[n % (2 * output_count)]));
    for (int n = 0; n < size; n++) scales[n] = (double)(moduli[n] * norm);
  };
  Jet eta[block], hopping[block];
  if (part_count > 0) {
    static const GaussRule rule;
    for (int p = 0; p < part_count; p++) {
      const long double from = ends[p], length = ends[p + 1] - from;
      for (int n = 0; n < rule.order; n++) {
        const long double f[3] = {from + rule.x[n] * length, 0, 0};
        bloch.jets(f, eta[0], hopping[0]);
        integrand.add(eta[0], hopping[0], (real)(2 * rule.w[n] * length), partial.data(), moduli.data());
      }
      keep();
    }
    return finish(1);
  }
  std::vector<long double> own(size);
  for (int n2 = 0; n2 < bloch.count[2]; n2++) {
    for (int n1 = 0; n1 < bloch.count[1]; n1++) {
      const real f1 = (n1 + (real)0.5) / bloch.count[1], f2 = (n2 + (real)0.5) / bloch.count[2];
      for (int first = 0; first < bloch.count[0]; first += block) {
        bloch.jets(first, f1, f2, eta, hopping);
        const int length = std::min(block, bloch.count[0] - first);
        for (int m = 0; m < length; m++) {
          // Moduli at each eighth point.
          std::fill(own.begin(), own.end(), 0);
          integrand.add(eta[m], hopping[m], 1, partial.data(), m % 8 == 0 ? own.data() : nullptr);
          if (m % 8 == 0)
            for (int n = 0; n < size; n++) moduli[n] += own[n] * std::min(8, length - m);
        }
        keep();
      }
    }
  }
  finish((long double)bloch.count[0] * bloch.count[1] * bloch.count[2]);
}

#ifndef UG_IS_LONG
extern "C" void ug_sums(const double *levels, double temperature, double gamma, double omega_re,
                        double omega_im, double *out) {
  const Logarithm f(temperature);
  Poles here;
  fill(f, levels, {0, -gamma}, here);
  bool all[16];
  std::fill(all, all + 16, true);
  sums(f, levels, here, gamma, {omega_re, omega_im}, all, reinterpret_cast<complex *>(out));
}

extern "C" void ug_survey(const ug_state *state, const int *counts, double *slopes, double *extrema) {
  ug_state s = *state;
  // Derivatives along reduced coordinates: the hops in units of 2 pi times the coordinates.
  for (int n = 0; n < 6; n++) extrema[n] = n & 1 ? -INFINITY : INFINITY;
  for (int m = 0; m < 3; m++) slopes[m] = 0;
  Bloch bloch(s, counts);
  Jet eta[block], hopping[block];
  for (int m = 0; m < s.dimension; m++) {
    for (Term &t : bloch.terms) t.ri = t.rj = t.rho[m];
    for (int n2 = 0; n2 < bloch.count[2]; n2++) {
      for (int n1 = 0; n1 < bloch.count[1]; n1++) {
        for (int first = 0; first < bloch.count[0]; first += block) {
          bloch.jets(first, (n1 + 0.5) / bloch.count[1], (n2 + 0.5) / bloch.count[2], eta, hopping);
          for (int p = 0; p < std::min(block, bloch.count[0] - first); p++) {
            const double delta = std::sqrt(square(eta[p].value) + s.exchange * s.exchange);
            const double slope = (conj(eta[p].value) * eta[p].i).re / delta;
            slopes[m] = std::max(slopes[m], std::abs(hopping[p].i.re) + std::abs(slope));
            const double levels[3] = {hopping[p].value.re - delta, hopping[p].value.re + delta, 2 * delta};
            for (int n = 0; n < 3; n++) {
              extrema[2 * n] = std::min(extrema[2 * n], levels[n]);
              extrema[2 * n + 1] = std::max(extrema[2 * n + 1], levels[n]);
            }
          }
        }
      }
    }
  }
}
#endif
