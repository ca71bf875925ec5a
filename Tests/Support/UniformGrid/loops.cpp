// SPDX-License-Identifier: GPL-3.0-or-later
// Loops on uniform grids of wave vectors, for constant lifetimes; shares no code with the program.
#include "bloch.h"

using namespace ug;

extern "C" void ug_sums(const double *levels, double temperature, double gamma, double omega_re,
                        double omega_im, double *out) {
  const Logarithm f(temperature);
  Poles here;
  fill(f, levels, {0, -gamma}, here);
  sums(f, levels, here, gamma, {omega_re, omega_im}, reinterpret_cast<complex *>(out));
}

extern "C" void ug_loops(const ug_state *state, const int *counts, int frequency_count,
                         const double *frequencies, int output_count, const ug_output *outputs,
                         double *values, double *scales) {
  const Bloch bloch(*state, counts);
  const Logarithm f(state->temperature);
  std::vector<Weights> weights;
  for (int o = 0; o < output_count; o++) weights.emplace_back(outputs[o]);
  const int size = frequency_count * output_count;
  std::vector<long double> totals(2 * size), moduli(size);
  std::vector<complex> partial(size);
  std::vector<double> w(16 * output_count), sizes(16 * output_count);
  Jet eta[block], hopping[block];
  Traces t;
  for (int n2 = 0; n2 < bloch.count[2]; n2++) {
    for (int n1 = 0; n1 < bloch.count[1]; n1++) {
      const double f1 = (n1 + 0.5) / bloch.count[1], f2 = (n2 + 0.5) / bloch.count[2];
      for (int first = 0; first < bloch.count[0]; first += block) {
        bloch.jets(first, f1, f2, eta, hopping);
        std::fill(partial.begin(), partial.end(), complex{0, 0});
        const int length = std::min(block, bloch.count[0] - first);
        for (int m = 0; m < length; m++) {
          const double j = state->exchange;
          const double delta = std::sqrt(square(eta[m].value) + j * j), base = hopping[m].value.re - state->mu;
          const double x[2] = {base - delta, base + delta};
          traces(eta[m], hopping[m], j, delta, t);
          for (int o = 0; o < output_count; o++) weights[o].fill(t, &w[16 * o], &sizes[16 * o]);
          Poles here;
          fill(f, x, {0, -state->gamma}, here);
          for (int q = 0; q < frequency_count; q++) {
            complex z[16];
            sums(f, x, here, state->gamma, {frequencies[2 * q], frequencies[2 * q + 1]}, z);
            for (int o = 0; o < output_count; o++) {
              complex sum = {0, 0};
              const double *own = &w[16 * o];
              for (int n = 0; n < 16; n++)
                if (weights[o].isUsed[n]) sum = sum + own[n] * z[n];
              complex &p = partial[q * output_count + o];
              p = p + sum;
              if (m % 8 == 0) {
                double modulus = 0;
                for (int n = 0; n < 16; n++) modulus += sizes[16 * o + n] * std::sqrt(square(z[n]));
                moduli[q * output_count + o] += modulus * std::min(8, length - m);
              }
            }
          }
        }
        for (int n = 0; n < size; n++) {
          totals[2 * n] += partial[n].re;
          totals[2 * n + 1] += partial[n].im;
        }
      }
    }
  }
  const long double norm = 1 / ((long double)volume(*state) * bloch.count[0] * bloch.count[1] * bloch.count[2]);
  for (int n = 0; n < 2 * size; n++) values[n] = (double)(totals[n] * norm);
  for (int n = 0; n < size; n++) scales[n] = (double)(moduli[n] * norm);
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
