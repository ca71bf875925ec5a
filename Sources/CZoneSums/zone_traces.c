// SPDX-License-Identifier: GPL-3.0-or-later
#include "zone_traces.h"

#include <math.h>
#include <stdlib.h>

#include "crystal.h"

// w V v for a row w and a column v.
INLINE Complex element(const Complex w[2], const Complex m[4], const Complex v[2]) {
  Complex top = add(mul(m[0], v[0]), mul(m[1], v[1]));
  Complex bottom = add(mul(m[2], v[0]), mul(m[3], v[1]));
  return add(mul(w[0], top), mul(w[1], bottom));
}

// P = column times row, row times column = 1: projectors on one state. x_u . rho has the entries
// u cos(theta), etabar/Delta, eta/Delta, -u cos(theta); the column of P with the larger
// diagonal element, (1 + cos(theta))/2, is never small.
typedef struct {
  Complex column[2], row[2];
} State;

// Adds the traces at one image to the slots of eight stars.
INLINE void add_image(const ZoneTraces *t, const Jet *jet, Complex inverse_delta, Complex w,
                      double *slots) {
  Jet eta = jet[1], etabar = jet[2];
  Complex cosine = scale(inverse_delta, 0.5 * t->exchange);
  Complex high = cosine;
  high.re = high.re + 0.5;
  Complex inverse_high = inverse(high);
  State states[2][2];
  // The lengths of column and row, multiplied, of the states with first = 0, 1 below.
  Real state_sizes[2];
  for (int spin = 0; spin < 2; spin++)
    for (int band = 0; band < 2; band++) {
      Complex half = scale(inverse_delta, band ? -0.5 : 0.5);
      Complex ab = mul(half, etabar.value), ba = mul(half, eta.value);
      State *s = &states[spin][band];
      int first = spin == band;  // u s = +1: the larger element is that of A
      s->column[0] = first ? high : ab;
      s->column[1] = first ? ba : high;
      s->row[0] = first ? real(1) : mul(ba, inverse_high);
      s->row[1] = first ? mul(ab, inverse_high) : real(1);
      if (!spin)
        state_sizes[first] = __builtin_elementwise_sqrt((norm(s->column[0]) + norm(s->column[1])) *
                                                        (norm(s->row[0]) + norm(s->row[1])));
    }

  Complex elements[ZONE_LARGEST_VERTEX][2][2][2];
  Real matrix_sizes[ZONE_LARGEST_VERTEX];
  for (int v = 0; v < t->vertex_count; v++) {
    int kind = t->vertex_matrix[v];
    Complex m[4], velocity[2];
    vertex(kind, jet, inverse_delta, m, velocity);
    matrix_sizes[v] = fabs(t->vertex_factor[v]) *
                      __builtin_elementwise_sqrt(norm(m[0]) + norm(m[1]) + norm(m[2]) + norm(m[3]));
    for (int left = 0; left < 2; left++) {
      int right = t->vertex_flips[v] ? 1 - left : left;
      for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) {
          const State *l = &states[left][a], *r = &states[right][b];
          Complex e;
          if (kind == ZONE_ANOMALOUS) {
            // Only the part within one band, (d_iH - d_iE_s) between its two spin states.
            Complex own[4] = {sub(m[0], velocity[a]), m[1], m[2], sub(m[3], velocity[a])};
            e = a == b ? element(l->row, own, r->column) : real(0);
          } else {
            e = element(l->row, m, r->column);
          }
          elements[v][left][a][b] = scale(e, t->vertex_factor[v]);
        }
    }
  }

  Complex over_gap = mul(w, scale(inverse_delta, 0.5));
  Real half_gap = 0.5 * modulus(inverse_delta), weight_size = modulus(w);
  for (int n = 0; n < t->loop_count; n++) {
    int size = t->loop_size[n];
    const int *vertices = t->loop_vertices + 3 * n;
    for (int start = 0; start < 2; start++)
      for (int bands = 0; bands < 1 << size; bands++) {
        const int *range = t->entry_start + (2 * n + start) * 8 + bands;
        if (range[0] == range[1]) continue;
        Complex forward = real(1), backward = forward;
        int left = start, a = bands >> (size - 1) & 1;
        // A bound on the terms of the trace, which may cancel within each factor.
        Real terms = weight_size;
        for (int m = 0; m < size; m++) {
          int v = vertices[m], b = bands >> m & 1;
          int right = t->vertex_flips[v] ? 1 - left : left;
          forward = m ? mul(forward, elements[v][left][a][b]) : elements[v][left][a][b];
          backward = m ? mul(backward, elements[v][right][b][a]) : elements[v][right][b][a];
          terms *= matrix_sizes[v] * state_sizes[right == b];
          left = right;
          a = b;
        }
        // The trace at -k is the parity times that of the transposed matrices in the same order,
        // which is the trace in reverse.
        Complex pair;
        if (t->loop_parity[n] > 0) {
          pair = scale(add(forward, backward), 0.5);
        } else {
          Complex d = sub(forward, backward);
          pair = (Complex){0.5 * d.im, -0.5 * d.re};
        }
        Complex plain = mul(pair, w), divided = mul(pair, over_gap);
        // The modulus, but no less than rounding of the terms calls for.
        Real size = __builtin_elementwise_max(modulus(plain), terms * (1.0 / 64));
        Real divided_size = size * half_gap;
        for (int e = range[0]; e < range[1]; e++) {
          Complex value = scale(t->entry_over_gap[e] ? divided : plain, t->entry_factor[e]);
          Real own_size = (t->entry_over_gap[e] ? divided_size : size) * fabs(t->entry_factor[e]);
          double *slot = slots + t->entry_slot[e] * 3 * ZONE_BLOCK;
          store(slot, load(slot) + value.re);
          store(slot + ZONE_BLOCK, load(slot + ZONE_BLOCK) + value.im);
          store(slot + 2 * ZONE_BLOCK, load(slot + 2 * ZONE_BLOCK) + own_size);
        }
      }
  }
}

CLONES void zone_traces(const ZoneTraces *t, long blocks, const double *f, const double *weight,
                        double *slots, double *hopping_out, double *gap_out) {
  if (t->largest_exponent > ZONE_LARGEST_EXPONENT || t->vertex_count > ZONE_LARGEST_VERTEX) abort();
  long count = blocks * ZONE_BLOCK;
  int hops = t->inter_count + t->intra_count;
  for (long p = 0; p < count; p += LANES) {
    Complex at[3];
    for (int a = 0; a < t->dimension; a++)
      at[a] = loadc(f + 2 * a * count + p, f + (2 * a + 1) * count + p);
    Powers own;
    powers(t, at, &own);
    Complex w = loadc(weight + p, weight + count + p);
    // Stars that fill up a block need energies only.
    int is_used = 0;
    for (int lane = 0; lane < LANES; lane++) is_used |= w.re[lane] != 0 || w.im[lane] != 0;
    double *target = slots + p / ZONE_BLOCK * t->slot_count * 3 * ZONE_BLOCK + p % ZONE_BLOCK;
    for (int m = 0; m < t->operation_count; m++) {
      Jet jet[3];
      jets(t, &own, t->exponents + 3 * hops * m, &jet[0], &jet[1], &jet[2]);
      // Of each image its own: projectors with another's rounding would not add up to 1 where |eta| is of the
      // order of rounding, by as much over J.
      Complex gap2 = mul(jet[1].value, jet[2].value);
      gap2.re = gap2.re + t->exchange * t->exchange;
      Complex delta = root(gap2), inverse_delta = inverse(delta);
      if (m == 0) {
        store(hopping_out + p, jet[0].value.re);
        store(hopping_out + count + p, jet[0].value.im);
        store(gap_out + p, delta.re);
        store(gap_out + count + p, delta.im);
        if (!is_used) break;
      }
      add_image(t, jet, inverse_delta, scale(w, t->operation_weight[m]), target);
    }
  }
}

// In reduced coordinates, with M the metric of the lattice vectors and G = sum_s h_s dE_s/df,
//
//     f -> f - i (c/4 pi^2) M G,   det[1 - i (c/4 pi^2) M dG/df]
CLONES void zone_displacements(const ZoneTraces *t, long blocks, const double *metric,
                               const ZoneDisplacement *shift, double *f, double *jacobian) {
  long count = blocks * ZONE_BLOCK;
  int d = t->dimension;
  double step = shift->step;
  for (long p = 0; p < count; p += LANES) {
    Complex at[3];
    for (int a = 0; a < d; a++) at[a] = (Complex){load(f + 2 * a * count + p), (Real)0.0};
    Powers own;
    powers(t, at, &own);
    // eta and T with derivatives over 2 pi: value, d_a, d_a d_b.
    Complex eta = real(0), slope[3], curve[3][3];
    Real hopping = 0.0, t_slope[3], t_curve[3][3];
    for (int a = 0; a < d; a++) {
      slope[a] = real(0);
      t_slope[a] = 0.0;
      for (int b = 0; b < d; b++) {
        curve[a][b] = real(0);
        t_curve[a][b] = 0.0;
      }
    }
    for (int h = 0; h < t->inter_count + t->intra_count; h++) {
      const int *m = t->exponents + 3 * h;
      Complex e = scale(phase(t, &own, m).forward, t->hops[3 * h]);
      if (h < t->inter_count) {
        eta = add(eta, e);
        for (int a = 0; a < d; a++) {
          slope[a] = sub(slope[a], scale(times_i(e), m[a]));
          for (int b = 0; b < d; b++) curve[a][b] = sub(curve[a][b], scale(e, m[a] * m[b]));
        }
      } else {
        // -2 amplitude cos(2 pi m.f).
        hopping = hopping - 2 * e.re;
        for (int a = 0; a < d; a++) {
          t_slope[a] = t_slope[a] - 2 * m[a] * e.im;
          for (int b = 0; b < d; b++) t_curve[a][b] = t_curve[a][b] + 2 * m[a] * m[b] * e.re;
        }
      }
    }
    Real delta = __builtin_elementwise_sqrt(eta.re * eta.re + eta.im * eta.im +
                                            t->exchange * t->exchange);
    Real over = 1 / delta, gap_slope[3], gap_curve[3][3];
    for (int a = 0; a < d; a++) gap_slope[a] = (eta.re * slope[a].re + eta.im * slope[a].im) * over;
    for (int a = 0; a < d; a++)
      for (int b = 0; b < d; b++)
        gap_curve[a][b] =
            over * (slope[a].re * slope[b].re + slope[a].im * slope[b].im +
                    eta.re * curve[a][b].re + eta.im * curve[a][b].im - gap_slope[a] * gap_slope[b]);
    // G and its derivatives.
    Real gradient[3], moved[3], hessian[3][3];
    for (int a = 0; a < d; a++) {
      gradient[a] = 0.0;
      for (int b = 0; b < d; b++) hessian[a][b] = 0.0;
    }
    for (int n = 0; n < shift->count; n++) {
      ZoneWindow w = shift->windows[n];
      double sign = w.band ? 1 : -1;
      Real u = (hopping + sign * delta - w.center) * w.inverse_width;
      Real h = w.weight * exponential((Complex){-(u * u), (Real)0.0}).re;
      Real change = -2 * w.inverse_width * u * h, own[3];
      for (int a = 0; a < d; a++) {
        own[a] = t_slope[a] + sign * gap_slope[a];
        gradient[a] = gradient[a] + h * own[a];
      }
      for (int a = 0; a < d; a++)
        for (int b = 0; b < d; b++)
          hessian[a][b] = hessian[a][b] + h * (t_curve[a][b] + sign * gap_curve[a][b]) +
                          change * own[a] * own[b];
    }
    Complex j[3][3];
    for (int a = 0; a < d; a++) {
      moved[a] = 0.0;
      for (int b = 0; b < d; b++) {
        moved[a] = moved[a] + metric[3 * a + b] * gradient[b];
        Real row = 0.0;
        for (int c = 0; c < d; c++) row = row + metric[3 * a + c] * hessian[c][b];
        j[a][b] = (Complex){a == b ? 1.0 + (Real)0.0 : (Real)0.0, -step * row};
      }
      store(f + (2 * a + 1) * count + p, moved[a] * (-step / (2 * M_PI)));
    }
    Complex whole;
    if (d == 1) {
      whole = j[0][0];
    } else if (d == 2) {
      whole = sub(mul(j[0][0], j[1][1]), mul(j[0][1], j[1][0]));
    } else {
      whole = real(0);
      for (int a = 0; a < 3; a++) {
        int b = (a + 1) % 3, c = (a + 2) % 3;
        Complex minor = sub(mul(j[1][b], j[2][c]), mul(j[1][c], j[2][b]));
        whole = add(whole, mul(j[0][a], minor));
      }
    }
    store(jacobian + p, whole.re);
    store(jacobian + count + p, whole.im);
  }
}

// row . n, brought into 0 ... divisions - 1, for many n along the last axis.
INLINE void image(int dimension, int divisions, const int *row, const int *at, int count, int *out) {
  int base = 0, last = row[dimension - 1];
  for (int b = 0; b < dimension; b++) base += row[b] * at[b];
  base %= divisions;
  base += base < 0 ? divisions : 0;
  int turns = (last < 0 ? -last : last) * (count - 1) / divisions + 1;
  for (int p = 0; p < count; p++) out[p] = base + last * p;
  for (int k = 0; k < turns; k++)
    for (int p = 0; p < count; p++) {
      int v = out[p] + (out[p] < 0 ? divisions : 0);
      out[p] = v - (v >= divisions ? divisions : 0);
    }
}

CLONES int zone_first_points(int dimension, int divisions, int operation_count,
                             const int *operations, long first, int count, int *offsets,
                             int *sizes) {
  int at[3] = {0, 0, 0}, found = 0, square = dimension * dimension;
  long rest = first;
  for (int a = dimension - 1; a >= 0; a--) {
    at[a] = (int)(rest % divisions);
    rest /= divisions;
  }
  // The first coordinate of the images decides for most points; where it is the same along the row, for all.
  enum { MOST = 48 };
  const int *leading[MOST];
  int leading_count = 0;
  for (int m = 0; m < operation_count && leading_count < MOST; m++) {
    const int *row = operations + m * square;
    int v, is_known = 0;
    for (int n = 0; n < leading_count && !is_known; n++) {
      is_known = 1;
      for (int b = 0; b < dimension; b++) is_known &= leading[n][b] == row[b];
    }
    if (is_known) continue;
    if (row[dimension - 1] || dimension == 1) {
      leading[leading_count++] = row;
      continue;
    }
    image(dimension, divisions, row, at, 1, &v);
    if (v < at[0]) return 0;
  }
  int start = at[dimension - 1];
  for (int done = 0; done < count; done += ZONE_BLOCK) {
    int is_first[ZONE_BLOCK], same[ZONE_BLOCK] = {0}, alive = 1;
    at[dimension - 1] = start + done;
    for (int p = 0; p < ZONE_BLOCK; p++) is_first[p] = done + p < count;
    for (int n = 0; n < leading_count && alive; n++) {
      int v[ZONE_BLOCK];
      image(dimension, divisions, leading[n], at, ZONE_BLOCK, v);
      alive = 0;
      for (int p = 0; p < ZONE_BLOCK; p++) {
        is_first[p] &= v[p] >= at[0] + (dimension == 1 ? p : 0);
        alive |= is_first[p];
      }
    }
    for (int m = 0; m < operation_count && alive; m++) {
      // Negative where the image has the lower index, 0 where it is the point itself.
      int order[ZONE_BLOCK] = {0}, is_open = 1;
      for (int a = 0; a < dimension && is_open; a++) {
        int v[ZONE_BLOCK], step = a == dimension - 1;
        image(dimension, divisions, operations + m * square + a * dimension, at, ZONE_BLOCK, v);
        is_open = 0;
        for (int p = 0; p < ZONE_BLOCK; p++) {
          order[p] = order[p] ? order[p] : v[p] - (at[a] + step * p);
          is_open |= is_first[p] & (order[p] == 0);
        }
      }
      alive = 0;
      for (int p = 0; p < ZONE_BLOCK; p++) {
        is_first[p] &= order[p] >= 0;
        same[p] += order[p] == 0;
        alive |= is_first[p];
      }
    }
    for (int p = 0; p < ZONE_BLOCK; p++) {
      if (!is_first[p]) continue;
      offsets[found] = done + p;
      sizes[found++] = operation_count ? operation_count / same[p] : 1;
    }
  }
  return found;
}
