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

// What may stand for the propagator of a spin: zeta, -u j rho_3, -h.
typedef struct {
  Matrix of[3];
} Numerators;

// m times each of them, from the right, and each of them times m.
INLINE void numerators(const Matrix *forward, const Matrix *backward, const Matrix *h, double u,
                       Numerators *right, Numerators *left) {
  const Complex *m = forward->of, *n = backward->of;
  right->of[0] = *forward;
  right->of[1] = (Matrix){{scale(m[0], -u), scale(m[1], u), scale(m[2], -u), scale(m[3], u)}};
  right->of[2] = product(forward, h);
  left->of[0] = *backward;
  left->of[1] = (Matrix){{scale(n[0], -u), scale(n[1], -u), scale(n[2], u), scale(n[3], u)}};
  left->of[2] = product(h, backward);
}

CLONES void zone_polynomials(const ZoneTraces *t, const ZoneLoops *loops, long blocks,
                             const double *f, const double *weight, double *slots,
                             double *hopping_out, double *square_out) {
  long count = blocks * ZONE_BLOCK;
  int hops = t->inter_count + t->intra_count;
  if (t->vertex_count > ZONE_LARGEST_VERTEX) abort();
  for (long p = 0; p < count; p += LANES) {
    Complex at[3];
    for (int a = 0; a < t->dimension; a++)
      at[a] = loadc(f + 2 * a * count + p, f + (2 * a + 1) * count + p);
    Powers own;
    powers(t, at, &own);
    double *target = slots + p / ZONE_BLOCK * loops->slot_count * 2 * ZONE_BLOCK + p % ZONE_BLOCK;
    Complex inverse_delta = real(0), all = loadc(weight + p, weight + count + p);
    for (int image = 0; image < t->operation_count; image++) {
      Jet jet[3];
      jets(t, &own, t->exponents + 3 * hops * image, &jet[0], &jet[1], &jet[2]);
      if (image == 0) {
        Complex square = mul(jet[1].value, jet[2].value), gap2 = square;
        gap2.re = gap2.re + t->exchange * t->exchange;
        inverse_delta = inverse(root(gap2));
        store(hopping_out + p, jet[0].value.re);
        store(hopping_out + count + p, jet[0].value.im);
        store(square_out + p, square.re);
        store(square_out + count + p, square.im);
      }
      Complex w = scale(all, t->operation_weight[image]);
      Matrix h = {
          {neg(jet[0].value), neg(jet[2].value), neg(jet[1].value), neg(jet[0].value)}};
      // Each vertex with the propagator right of it, and the same from right to left.
      Numerators forward[ZONE_LARGEST_VERTEX][2], backward[ZONE_LARGEST_VERTEX][2];
      for (int v = 0; v < t->vertex_count; v++)
        for (int left = 0; left < 2; left++) {
          int right = t->vertex_flips[v] ? 1 - left : left;
          Matrix there = vertex_matrix(t, jet, inverse_delta, v, left);
          Matrix back = vertex_matrix(t, jet, inverse_delta, v, right);
          numerators(&there, &back, &h, right ? -1 : 1, &forward[v][left], &backward[v][left]);
        }
      for (int n = 0; n < loops->loop_count; n++) {
        int size = loops->size[n], left = 0, codes = 3;
        const int *vertices = loops->vertices + ZONE_LARGEST_LOOP * n,
                  *goal = loops->targets + ZONE_LOOP_CODES * n;
        const Matrix *last = forward[vertices[0]][left].of,
                     *last_back = backward[vertices[0]][left].of;
        Matrix products[ZONE_LOOP_CODES / 3], reverse[ZONE_LOOP_CODES / 3];
        memcpy(products, last, 3 * sizeof(Matrix));
        memcpy(reverse, last_back, 3 * sizeof(Matrix));
        left = t->vertex_flips[vertices[0]] ? 1 - left : left;
        for (int m = 1; m < size; m++) {
          last = forward[vertices[m]][left].of;
          last_back = backward[vertices[m]][left].of;
          left = t->vertex_flips[vertices[m]] ? 1 - left : left;
          if (m == size - 1) break;
          for (int kind = 2; kind >= 0; kind--)
            for (int code = 0; code < codes; code++) {
              products[kind * codes + code] = product(&products[code], &last[kind]);
              reverse[kind * codes + code] = product(&last_back[kind], &reverse[code]);
            }
          codes *= 3;
        }
        for (int kind = 0; kind < 3; kind++)
          for (int code = 0; code < codes; code++) {
            int slot = goal[kind * codes + code];
            if (slot < 0) continue;
            // At real k one is the complex conjugate of the other.
            Complex there = trace(&products[code], &last[kind]),
                    back = trace(&last_back[kind], &reverse[code]), part;
            if (loops->is_imaginary[n]) {
              Complex d = sub(there, back);
              part = (Complex){0.5 * d.im, -0.5 * d.re};
            } else {
              part = scale(add(there, back), 0.5);
            }
            Complex value = mul(part, w);
            double *own_slot = target + slot * 2 * ZONE_BLOCK;
            store(own_slot, load(own_slot) + value.re);
            store(own_slot + ZONE_BLOCK, load(own_slot + ZONE_BLOCK) + value.im);
          }
      }
    }
  }
}
