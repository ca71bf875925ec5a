// SPDX-License-Identifier: GPL-3.0-or-later
// Energies and traces of diagrams at many wave vectors, real or complex.
#ifndef ZONE_TRACES_H
#define ZONE_TRACES_H

// Stars per block of a table; tables are filled up with zeros.
#define ZONE_BLOCK 64

// What zone_traces holds at most.
#define ZONE_LARGEST_EXPONENT 128
#define ZONE_LARGEST_VERTEX 12

// The sublattice matrix of a vertex: 1, rho_3, d_iH, d_jH, d_id_jH, and the matrix of the anomalous
// spin current, sum_s P_s (d_iH - d_iE_s) P_s.
typedef enum {
  ZONE_UNIT = 0,
  ZONE_STAGGERED = 1,
  ZONE_CURRENT_I = 2,
  ZONE_CURRENT_J = 3,
  ZONE_CURVATURE = 4,
  ZONE_ANOMALOUS = 5
} ZoneMatrix;

// A crystal, its vertices, and the loops tr[V_1 P_1 ... V_n P_n] of at most three vertices.
typedef struct {
  int dimension;
  double exchange;
  // Hops between, then within the sublattices: integer exponents of exp(-2 pi i f_a) for the three
  // axes, at the image of f under each operation, the identity first; amplitude, r_i, r_j.
  int inter_count, intra_count, operation_count, largest_exponent;
  const int *exponents;
  const double *hops;
  // How often each operation counts.
  const double *operation_weight;
  // Vertices: matrix, whether the spin flips, factor.
  int vertex_count;
  const int *vertex_matrix, *vertex_flips;
  const double *vertex_factor;
  // Loops: number of vertices, the vertices (three each), parity of the number of derivatives.
  int loop_count;
  const int *loop_size, *loop_vertices, *loop_parity;
  // What becomes of the trace of loop n that starts with spin u (0 up) and has the bands b (bit m is
  // the band of propagator m): entries start[(2 n + u) 8 + b] and on, each adding factor times the
  // trace, over 2 Delta if over_gap, to a slot.
  const int *entry_start, *entry_slot, *entry_over_gap;
  const double *entry_factor;
  int slot_count;
} ZoneTraces;

// For each star of `blocks` blocks, whose first point is at the complex reduced wave vector f, adds
// weight times (trace at k + trace at -k)/2, or over 2 i where that is imaginary at real k, for the
// images of k under all operations, to its slots. f stands as [axis][re, im][star], weight as [re,
// im][star], slots as [block][slot][re, im, size][ZONE_BLOCK], size the sum of the moduli of the
// traces, each at least 1/64 of a bound on its terms, so that it sets the scale of rounding also where
// these cancel; T and Delta as [re, im][star].
void zone_traces(const ZoneTraces *traces, long blocks, const double *f, const double *weight,
                 double *slots, double *hopping, double *gap);

// The most vertices of a loop of zone_polynomials, and its choices of numerators, 3^4.
#define ZONE_LARGEST_LOOP 4
#define ZONE_LOOP_CODES 81

// Loops tr[V_1 N_1 V_2 N_2 ...], of two to four vertices of a ZoneTraces, that start with spin up, with
// the numerators N = zeta - u j rho_3 - h of the propagators of spin u: a polynomial in zeta and j of
// each propagator. The code of a choice of 1 = zeta, -u rho_3 = j or -h for each, a number in base 3
// with the first propagator last, tells the slot, or -1.
typedef struct {
  int loop_count, slot_count;
  // ZONE_LARGEST_LOOP vertices and ZONE_LOOP_CODES slots for each loop.
  const int *size, *vertices, *targets;
  // Whether the coefficients are imaginary, which tells the part to take.
  const int *is_imaginary;
  // Whether all wave vectors are real.
  int is_real;
} ZoneLoops;

// For each star of `blocks` blocks, with the first point and weight as for zone_traces, adds weight
// times the coefficients at all images, their real parts (imaginary ones) at real k continued to complex k,
// to its slots, [block][slot][re, im][star]; T and eta etabar of each star as [re, im][star].
void zone_polynomials(const ZoneTraces *traces, const ZoneLoops *loops, long blocks,
                      const double *f, const double *weight, double *slots, double *hopping,
                      double *square);

// k -> k - i step sum over windows of h grad E_s, h = weight exp(-((E_s - center) inverse_width)^2), each
// of the lower (0) or the upper band s.
typedef struct {
  int band;
  double weight, center, inverse_width;
} ZoneWindow;
#define ZONE_WINDOWS 6
typedef struct {
  double step;
  int count;
  ZoneWindow windows[ZONE_WINDOWS];
} ZoneDisplacement;

// Displaces real points f, laid out as above: fills in the imaginary parts, and the Jacobian
// determinants as [re, im][star]. `metric` is a_a . a_b, rows of three.
void zone_displacements(const ZoneTraces *traces, long blocks, const double *metric,
                        const ZoneDisplacement *displacement, double *f, double *jacobian);

// Which of the `count` grid points from linear index `first` on, all in one row of the last axis, which
// runs fastest, come first in their star, their offsets from it and the sizes of their stars: no
// operation, rows of `dimension` integers, maps one on a point of lower index. Returns how many.
int zone_first_points(int dimension, int divisions, int operation_count, const int *operations,
                      long first, int count, int *offsets, int *sizes);

#endif
