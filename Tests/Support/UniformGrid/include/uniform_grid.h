// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UNIFORM_GRID_H
#define UNIFORM_GRID_H

#ifdef __cplusplus
extern "C" {
#endif

/// A model with its state; hops as vectors of `dimension` Cartesian components with an amplitude each.
typedef struct {
  int dimension;
  /// The lattice vectors, one after the other.
  const double *cell;
  int inter_count, intra_count;
  const double *inter_vectors, *inter_amplitudes, *intra_vectors, *intra_amplitudes;
  double exchange, mu, temperature, gamma;
  /// The directions of the texture gradient and of the electric field.
  int i, j;
} ug_state;

typedef enum { UG_SPIN, UG_STAGGERED, UG_CANTING, UG_CONDUCTIVITY } ug_operator;
typedef enum { UG_FULL, UG_ADIABATIC, UG_O_ADIABATIC, UG_O_NONADIABATIC, UG_MAIN } ug_projection;
typedef enum { UG_ALL, UG_BONDING, UG_ANTIBONDING, UG_INTERBAND } ug_share;

/// What is summed: which loop, which band labels, and (K_up + K_down)/2 or (K_up - K_down)/2.
typedef struct {
  ug_operator measured;
  ug_projection projection;
  ug_share share;
  int is_difference;
} ug_output;

/// K of each output at the first of the complex frequencies, and how much more it is at each of the others,
/// [frequency][output], as real and imaginary parts; and sums of moduli of the contributions to K of bands and
/// points, `scales`. `ug_loops_long`: by numbers of 64 bits.
///
/// The sum over 2 counts[0] x counts[1] x counts[2] points without a symmetry; half of them by H(-k) = H(k)*.
/// With `part_count`, in one dimension, by Gauss's rule of 16 points on parts of 0 ... 1/2 of the reduced
/// coordinate with these `ends`, for what varies too fast somewhere.
void ug_loops(const ug_state *state, const int *counts, int part_count, const double *ends, int frequency_count,
              const double *frequencies, int output_count, const ug_output *outputs, double *values,
              double *scales);
void ug_loops_long(const ug_state *state, const int *counts, int part_count, const double *ends,
                   int frequency_count, const double *frequencies, int output_count, const ug_output *outputs,
                   double *values, double *scales);

/// The same of the integrand at single points, three reduced coordinates each, [point][frequency][output].
void ug_points(const ug_state *state, int point_count, const double *points, int frequency_count,
               const double *frequencies, int output_count, const ug_output *outputs, double *values);
void ug_points_long(const ug_state *state, int point_count, const double *points, int frequency_count,
                    const double *frequencies, int output_count, const ug_output *outputs, double *values);

/// Real K(omega) of each output with impurities of `strength`, one self-energy for each band or, `is_site`, on
/// the sites; [frequency][output] as real and imaginary parts. `is_dressed`: with the ladder, exact form.
///
/// Self-energies of the grid's own; sums over Matsubara frequencies where both energies are on one side of the
/// real axis, Gauss's rule on `panels` parts at T = 0 and for the tail, and where they are not, on parts
/// halved until they are good to 10^-(3 + panels) of K. Returns wave vectors times pairs of energies.
double ug_impurities(const ug_state *state, int is_site, double strength, const int *counts, int panels,
                   int frequency_count, const double *frequencies, int output_count,
                   const ug_output *outputs, const int *is_dressed, double *values);

/// The 16 Matsubara sums of two levels x[0], x[1] measured from mu: <g+_a g_c> at 2 a + c, <g+_a g_b g_c> at
/// 4 + 3 a + b + c, <g+_a g+_b g_c> at 10 + 2 (a + b) + c; real and imaginary parts.
void ug_sums(const double *levels, double temperature, double gamma, double omega_re, double omega_im,
             double *sums);

/// The slopes max |dE/d theta_m| of the bands along each reduced coordinate, theta_m from 0 to 2 pi, and
/// `extrema`: smallest and largest lower level, upper level and 2 Delta, found on `counts` points.
void ug_survey(const ug_state *state, const int *counts, double *slopes, double *extrema);

/// A collinear magnet with orbitals and its state; each hop stands once, its Hermitian partner is implied.
typedef struct {
  int dimension, orbital_count, hop_count;
  /// The lattice vectors and the Cartesian positions, one after the other, and the levels up, then down.
  const double *cell, *positions, *levels;
  /// Of each hop: its orbitals, its cell, and real and imaginary part up, then down.
  const int *from, *to, *cells;
  const double *amplitudes;
  double mu, temperature, gamma;
  /// The directions of the texture gradient and of the electric field.
  int i, j;
} ug_magnet;

typedef enum { UG_MAGNET_SPIN, UG_MAGNET_TORQUE, UG_MAGNET_MOMENT, UG_MAGNET_SIGMA } ug_magnet_operator;

/// What is summed; `component`: 0 for xx or up, 1 for xy or down; `weights` of orbitals.
typedef struct {
  ug_magnet_operator measured;
  int component;
  const double *weights;
} ug_magnet_output;

/// K(0), then [K(omega) - K(0)]/omega of each frequency, [row][output], as real and imaginary parts, and sums of
/// moduli of the contributions of bands and points.
///
/// The mean over counts[0] x counts[1] x counts[2] points displaced by `offsets` of their distances, over the volume
/// of the cell; of sigma, Pi stands for K.
void ug_magnet_loops(const ug_magnet *magnet, const int *counts, const double *offsets, int omega_count,
                     const double *omegas, int output_count, const ug_magnet_output *outputs, double *values,
                     double *scales);

#ifdef __cplusplus
}
#endif
#endif
