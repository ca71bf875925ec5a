// SPDX-License-Identifier: GPL-3.0-or-later
#include "zone_traces.h"

#include <math.h>
#include <stdlib.h>

#include "lanes.h"

enum { LARGEST_EXPONENT = 16, LARGEST_VERTEX = 12 };

// A function of k with its derivatives along i, j and both.
typedef struct {
  Complex value, i, j, ij;
} Jet;

INLINE Complex times_i(Complex a) { return (Complex){-a.im, a.re}; }

// Adds amplitude exp(-i sign k.r).
INLINE void add_hop(Jet *jet, Complex phase, double amplitude, double ri, double rj, int sign) {
  Complex value = scale(phase, amplitude);
  jet->value = add(jet->value, value);
  Complex d = times_i(scale(value, -sign));
  jet->i = add(jet->i, scale(d, ri));
  jet->j = add(jet->j, scale(d, rj));
  jet->ij = sub(jet->ij, scale(value, ri * rj));
}

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
  // Their lengths.
  Real column_size, row_size;
} State;

INLINE Complex length(const Complex v[2]) {
  return (Complex){__builtin_elementwise_sqrt(v[0].re * v[0].re + v[0].im * v[0].im +
                                              v[1].re * v[1].re + v[1].im * v[1].im),
                   0.0};
}

CLONES void zone_traces(const ZoneTraces *t, long count, const double *f, const double *weight,
                        const int *star, double *slots, double *hopping_out, double *gap_out) {
  int hops = t->inter_count + t->intra_count;
  if (t->largest_exponent > LARGEST_EXPONENT || t->vertex_count > LARGEST_VERTEX) abort();
  for (long p = 0; p < count; p += LANES) {
    // exp(-2 pi i f_a) to all powers that occur, for each axis.
    Complex powers[3][2 * LARGEST_EXPONENT + 1];
    for (int a = 0; a < t->dimension; a++) {
      Complex forward, backward;
      for (int l = 0; l < LANES; l++) {
        double angle = 2 * M_PI * f[2 * a * count + p + l];
        double growth = 2 * M_PI * f[(2 * a + 1) * count + p + l];
        double c = cos(angle), s = sin(angle), e = growth == 0 ? 1 : exp(growth);
        forward.re[l] = c * e;
        forward.im[l] = -s * e;
        backward.re[l] = c / e;
        backward.im[l] = s / e;
      }
      Complex *own = powers[a] + t->largest_exponent;
      own[0] = real(1);
      for (int n = 1; n <= t->largest_exponent; n++) {
        own[n] = mul(own[n - 1], forward);
        own[-n] = mul(own[1 - n], backward);
      }
    }
    Jet eta = {real(0), real(0), real(0), real(0)}, etabar = eta, hopping = eta;
    for (int h = 0; h < hops; h++) {
      Complex forward = real(1), backward = forward;
      for (int a = 0; a < t->dimension; a++) {
        int n = t->exponents[3 * h + a];
        forward = mul(forward, powers[a][t->largest_exponent + n]);
        backward = mul(backward, powers[a][t->largest_exponent - n]);
      }
      const double *hop = t->hops + 3 * h;
      if (h < t->inter_count) {
        add_hop(&eta, forward, hop[0], hop[1], hop[2], 1);
        add_hop(&etabar, backward, hop[0], hop[1], hop[2], -1);
      } else {
        add_hop(&hopping, forward, -hop[0], hop[1], hop[2], 1);
        add_hop(&hopping, backward, -hop[0], hop[1], hop[2], -1);
      }
    }
    Complex gap2 = mul(eta.value, etabar.value);
    gap2.re = gap2.re + t->exchange * t->exchange;
    Complex delta = root(gap2), inverse_delta = inverse(delta);
    store(hopping_out + p, hopping.value.re);
    store(hopping_out + count + p, hopping.value.im);
    store(gap_out + p, delta.re);
    store(gap_out + count + p, delta.im);

    Complex cosine = scale(inverse_delta, 0.5 * t->exchange);
    Complex high = cosine;
    high.re = high.re + 0.5;
    Complex inverse_high = inverse(high);
    State states[2][2];
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
        s->column_size = length(s->column).re;
        s->row_size = length(s->row).re;
      }

    Complex elements[LARGEST_VERTEX][2][2][2];
    Real matrix_sizes[LARGEST_VERTEX];
    for (int v = 0; v < t->vertex_count; v++) {
      int kind = t->vertex_matrix[v];
      Complex m[4] = {real(1), real(0), real(0), real(1)};
      Complex velocity[2];
      if (kind == ZONE_STAGGERED) m[3] = real(-1);
      if (kind == ZONE_CURRENT_I || kind == ZONE_ANOMALOUS) {
        m[0] = m[3] = hopping.i;
        m[1] = neg(etabar.i);
        m[2] = neg(eta.i);
      } else if (kind == ZONE_CURRENT_J) {
        m[0] = m[3] = hopping.j;
        m[1] = neg(etabar.j);
        m[2] = neg(eta.j);
      } else if (kind == ZONE_CURVATURE) {
        m[0] = m[3] = hopping.ij;
        m[1] = neg(etabar.ij);
        m[2] = neg(eta.ij);
      }
      if (kind == ZONE_ANOMALOUS) {
        Complex slope = scale(
            mul(add(mul(eta.i, etabar.value), mul(eta.value, etabar.i)), inverse_delta), 0.5);
        velocity[0] = sub(hopping.i, slope);
        velocity[1] = add(hopping.i, slope);
      }
      Complex first = length(m), second = length(m + 2);
      matrix_sizes[v] = fabs(t->vertex_factor[v]) * (first.re + second.re);
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

    Complex w = loadc(weight + p, weight + count + p);
    Complex over_gap = mul(w, scale(inverse_delta, 0.5));
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
          Real terms = modulus(w);
          for (int m = 0; m < size; m++) {
            int v = vertices[m], b = bands >> m & 1;
            int right = t->vertex_flips[v] ? 1 - left : left;
            forward = m ? mul(forward, elements[v][left][a][b]) : elements[v][left][a][b];
            backward = m ? mul(backward, elements[v][right][b][a]) : elements[v][right][b][a];
            terms *= states[left][a].row_size * matrix_sizes[v] * states[right][b].column_size;
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
          Real divided_terms = terms * (0.5 * modulus(inverse_delta));
          for (int e = range[0]; e < range[1]; e++) {
            Complex value = scale(t->entry_over_gap[e] ? divided : plain, t->entry_factor[e]);
            Real own_size =
                (t->entry_over_gap[e] ? divided_terms : terms) * fabs(t->entry_factor[e]);
            for (int l = 0; l < LANES; l++) {
              long own = star[p + l], block = own / ZONE_BLOCK, lane = own % ZONE_BLOCK;
              double *slot =
                  slots + (block * t->slot_count + t->entry_slot[e]) * 3 * ZONE_BLOCK + lane;
              slot[0] += value.re[l];
              slot[ZONE_BLOCK] += value.im[l];
              slot[2 * ZONE_BLOCK] += own_size[l];
            }
          }
        }
    }
  }
}

void zone_first_points(int dimension, int divisions, int operation_count, const int *operations,
                       long first, int count, unsigned char *is_first) {
  long n[3] = {0, 0, 0}, rest = first, size = divisions;
  for (int a = dimension - 1; a >= 0; a--) {
    n[a] = rest % size;
    rest /= size;
  }
  for (int p = 0; p < count; p++) {
    is_first[p] = 1;
    for (int m = 0; m < operation_count; m++) {
      const int *row = operations + m * dimension * dimension;
      long image = 0;
      for (int a = 0; a < dimension; a++, row += dimension) {
        long v = 0;
        for (int b = 0; b < dimension; b++) v += row[b] * n[b];
        // The entries are small, and remainders slow.
        while (v < 0) v += size;
        while (v >= size) v -= size;
        image = image * size + v;
      }
      if (image < first + p) {
        is_first[p] = 0;
        break;
      }
    }
    for (int a = dimension - 1; a >= 0; a--) {
      if (++n[a] < size) break;
      n[a] = 0;
    }
  }
}
