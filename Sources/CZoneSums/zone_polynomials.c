// SPDX-License-Identifier: GPL-3.0-or-later
#include <stdlib.h>

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

// What may stand for the propagator of spin u: zeta, -u j rho_3, -h; the product with the second is that with the first with signed
// columns, or rows from the left.
typedef struct {
  Matrix zeta, h;
  double spin;
} Numerators;

INLINE Matrix signed_columns(const Matrix *m, double u) {
  return (Matrix){
      {scale(m->of[0], -u), scale(m->of[1], u), scale(m->of[2], -u), scale(m->of[3], u)}};
}

INLINE Matrix signed_rows(const Matrix *m, double u) {
  return (Matrix){
      {scale(m->of[0], -u), scale(m->of[1], -u), scale(m->of[2], u), scale(m->of[3], u)}};
}

// tr(a b) and -tr(rho_3 a b).
INLINE void traces(const Matrix *a, const Matrix *b, Complex *whole, Complex *difference) {
  Complex up = add(mul(a->of[0], b->of[0]), mul(a->of[1], b->of[2])),
          down = add(mul(a->of[2], b->of[1]), mul(a->of[3], b->of[3]));
  *whole = add(up, down);
  *difference = sub(down, up);
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
      for (int v = 0; v < t->vertex_count; v++) {
        Matrix m[2] = {vertex_matrix(t, jet, inverse_delta, v, 0),
                       vertex_matrix(t, jet, inverse_delta, v, 1)};
        for (int left = 0; left < 2; left++) {
          int right = t->vertex_flips[v] ? 1 - left : left;
          double u = right ? -1 : 1;
          forward[v][left] = (Numerators){m[left], product(&m[left], &h), u};
          if (!loops->is_real)
            backward[v][left] = (Numerators){m[right], product(&h, &m[right]), u};
        }
      }
      for (int n = 0; n < loops->loop_count; n++) {
        int size = loops->size[n], left = 0, codes = 3;
        const int *vertices = loops->vertices + ZONE_LARGEST_LOOP * n,
                  *goal = loops->targets + ZONE_LOOP_CODES * n;
        const Numerators *last = &forward[vertices[0]][left],
                         *last_back = &backward[vertices[0]][left];
        Matrix products[ZONE_LOOP_CODES / 3], reverse[ZONE_LOOP_CODES / 3];
        products[0] = last->zeta;
        products[1] = signed_columns(&last->zeta, last->spin);
        products[2] = last->h;
        if (!loops->is_real) {
          reverse[0] = last_back->zeta;
          reverse[1] = signed_rows(&last_back->zeta, last_back->spin);
          reverse[2] = last_back->h;
        }
        left = t->vertex_flips[vertices[0]] ? 1 - left : left;
        for (int m = 1; m < size; m++) {
          last = &forward[vertices[m]][left];
          last_back = &backward[vertices[m]][left];
          left = t->vertex_flips[vertices[m]] ? 1 - left : left;
          if (m == size - 1) break;
          for (int code = 0; code < codes; code++) {
            Matrix zeta = product(&products[code], &last->zeta);
            products[2 * codes + code] = product(&products[code], &last->h);
            products[codes + code] = signed_columns(&zeta, last->spin);
            products[code] = zeta;
            if (loops->is_real) continue;
            zeta = product(&last_back->zeta, &reverse[code]);
            reverse[2 * codes + code] = product(&last_back->h, &reverse[code]);
            reverse[codes + code] = signed_rows(&zeta, last_back->spin);
            reverse[code] = zeta;
          }
          codes *= 3;
        }
        for (int code = 0; code < codes; code++) {
          Complex there[3], back[3];
          if (goal[code] >= 0 || goal[codes + code] >= 0) {
            traces(&products[code], &last->zeta, &there[0], &there[1]);
            there[1] = scale(there[1], last->spin);
            if (!loops->is_real) {
              traces(&last_back->zeta, &reverse[code], &back[0], &back[1]);
              back[1] = scale(back[1], last_back->spin);
            }
          }
          if (goal[2 * codes + code] >= 0) {
            there[2] = trace(&products[code], &last->h);
            if (!loops->is_real) back[2] = trace(&last_back->h, &reverse[code]);
          }
          for (int kind = 0; kind < 3; kind++) {
            int slot = goal[kind * codes + code];
            if (slot < 0) continue;
            // At real k one is the complex conjugate of the other.
            Complex part = real(0);
            if (loops->is_real) {
              part.re = loops->is_imaginary[n] ? there[kind].im : there[kind].re;
            } else if (loops->is_imaginary[n]) {
              Complex d = sub(there[kind], back[kind]);
              part = (Complex){0.5 * d.im, -0.5 * d.re};
            } else {
              part = scale(add(there[kind], back[kind]), 0.5);
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
}
