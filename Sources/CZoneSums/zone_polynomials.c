// SPDX-License-Identifier: GPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "crystal.h"
#include "zone_sums.h"

// A 2x2 matrix, [row][column].
typedef struct {
  Complex of[4];
} Matrix;

INLINE Matrix product(const Matrix *a, const Matrix *b) {
  Matrix c;
  for (int row = 0; row < 2; row++)
    for (int column = 0; column < 2; column++)
      c.of[2 * row + column] = add(mul(a->of[2 * row], b->of[column]),
                                   mul(a->of[2 * row + 1], b->of[2 + column]));
  return c;
}

INLINE Complex trace(const Matrix *a, const Matrix *b) {
  return add(add(mul(a->of[0], b->of[0]), mul(a->of[1], b->of[2])),
             add(mul(a->of[2], b->of[1]), mul(a->of[3], b->of[3])));
}

// P_s of spin u, (1 + s x_u . rho)/2 with x_u . rho = [[u J, etabar], [eta, -u J]]/Delta.
INLINE Matrix projector(const ZoneTraces *t, const Jet *jet, Complex inverse_delta, int spin,
                        int band) {
  Complex half = scale(inverse_delta, band ? -0.5 : 0.5);
  Complex cosine = scale(half, spin ? -t->exchange : t->exchange);
  Matrix p = {{cosine, mul(half, jet[2].value), mul(half, jet[1].value), neg(cosine)}};
  p.of[0].re = p.of[0].re + 0.5;
  p.of[3].re = p.of[3].re + 0.5;
  return p;
}

// The matrix of vertex v with spin `left` on its left.
INLINE Matrix vertex_matrix(const ZoneTraces *t, const Jet *jet, Complex inverse_delta, int v,
                            int left) {
  int kind = t->vertex_matrix[v], right = t->vertex_flips[v] ? 1 - left : left;
  Complex velocity[2];
  Matrix m;
  vertex(kind, jet, inverse_delta, m.of, velocity);
  if (kind == ZONE_ANOMALOUS) {
    Matrix sum = {{real(0), real(0), real(0), real(0)}};
    for (int band = 0; band < 2; band++) {
      Matrix own = m, l = projector(t, jet, inverse_delta, left, band),
             r = projector(t, jet, inverse_delta, right, band);
      own.of[0] = sub(own.of[0], velocity[band]);
      own.of[3] = sub(own.of[3], velocity[band]);
      own = product(&l, &own);
      own = product(&own, &r);
      for (int e = 0; e < 4; e++) sum.of[e] = add(sum.of[e], own.of[e]);
    }
    m = sum;
  }
  for (int e = 0; e < 4; e++) m.of[e] = scale(m.of[e], t->vertex_factor[v]);
  return m;
}

CLONES void zone_polynomials(const ZoneTraces *t, const ZoneLoops *loops, long blocks,
                             const double *f, const double *weight, double *slots,
                             double *hopping_out, double *square_out) {
  long count = blocks * ZONE_BLOCK;
  int hops = t->inter_count + t->intra_count;
  if (t->vertex_count > ZONE_LARGEST_VERTEX) abort();
  for (long p = 0; p < count; p += LANES) {
    Complex at[3];
    for (int a = 0; a < t->dimension; a++) at[a] = (Complex){load(f + a * count + p), (Real)0.0};
    Powers own;
    powers(t, at, &own);
    double *target = slots + p / ZONE_BLOCK * loops->slot_count * ZONE_BLOCK + p % ZONE_BLOCK;
    for (int image = 0; image < t->operation_count; image++) {
      Jet jet[3];
      jets(t, &own, t->exponents + 3 * hops * image, &jet[0], &jet[1], &jet[2]);
      Real square = jet[1].value.re * jet[1].value.re + jet[1].value.im * jet[1].value.im;
      if (image == 0) {
        store(hopping_out + p, jet[0].value.re);
        store(square_out + p, square);
      }
      Complex inverse_delta = real(0);
      inverse_delta.re = 1 / __builtin_elementwise_sqrt(square + t->exchange * t->exchange);
      Real w = load(weight + p) * t->operation_weight[image];
      // What may stand for the propagator right of each vertex: zeta, -u j rho_3, -h.
      Matrix factors[ZONE_LARGEST_VERTEX][2][3];
      for (int v = 0; v < t->vertex_count; v++)
        for (int left = 0; left < 2; left++) {
          int right = t->vertex_flips[v] ? 1 - left : left;
          Matrix m = vertex_matrix(t, jet, inverse_delta, v, left);
          double u = right ? -1 : 1;
          Matrix h = {{neg(jet[0].value), neg(jet[2].value), neg(jet[1].value),
                       neg(jet[0].value)}};
          factors[v][left][0] = m;
          factors[v][left][1] = (Matrix){
              {scale(m.of[0], -u), scale(m.of[1], u), scale(m.of[2], -u), scale(m.of[3], u)}};
          factors[v][left][2] = product(&m, &h);
        }
      for (int n = 0; n < loops->loop_count; n++) {
        int size = loops->size[n], left = 0, codes = 3;
        const int *vertices = loops->vertices + 3 * n, *goal = loops->targets + 27 * n;
        const Matrix *last = factors[vertices[0]][left];
        Matrix products[9];
        memcpy(products, last, 3 * sizeof(Matrix));
        left = t->vertex_flips[vertices[0]] ? 1 - left : left;
        for (int m = 1; m < size; m++) {
          last = factors[vertices[m]][left];
          left = t->vertex_flips[vertices[m]] ? 1 - left : left;
          if (m == size - 1) break;
          for (int kind = 2; kind >= 0; kind--)
            for (int code = 0; code < codes; code++)
              products[kind * codes + code] = product(&products[code], &last[kind]);
          codes *= 3;
        }
        for (int kind = 0; kind < 3; kind++)
          for (int code = 0; code < codes; code++) {
            int slot = goal[kind * codes + code];
            if (slot < 0) continue;
            Complex value = trace(&products[code], &last[kind]);
            double *own_slot = target + slot * ZONE_BLOCK;
            store(own_slot,
                  load(own_slot) + w * (loops->is_imaginary[n] ? value.im : value.re));
          }
      }
    }
  }
}
