// SPDX-License-Identifier: GPL-3.0-or-later
#include "textures.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"

// Nodes beyond each end that the stencils see.
#define GHOSTS 2

typedef struct {
  double x, y, z;
} Vector;

INLINE Vector cross(Vector a, Vector b) {
  return (Vector){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
INLINE double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
INLINE Vector scaled(double s, Vector a) { return (Vector){s * a.x, s * a.y, s * a.z}; }
INLINE Vector sum(Vector a, Vector b) { return (Vector){a.x + b.x, a.y + b.y, a.z + b.z}; }
// Without what is along n.
INLINE Vector across(Vector a, Vector n) { return sum(a, scaled(-dot(a, n), n)); }

// Fields with their ghosts, one behind the other.
typedef struct {
  const double *x, *y, *z;
} Field;

INLINE Vector at(Field f, long j) { return (Vector){f.x[j], f.y[j], f.z[j]}; }

// 4th-order central differences.
INLINE double slope(const double *f, long j) {
  return (f[j - 2] - f[j + 2]) + 8 * (f[j + 1] - f[j - 1]);
}
INLINE double bend(const double *f, long j) {
  return 16 * (f[j - 1] + f[j + 1]) - (f[j - 2] + f[j + 2]) - 30 * f[j];
}
INLINE Vector first(Field f, long j, double scale) {
  return (Vector){scale * slope(f.x, j), scale * slope(f.y, j), scale * slope(f.z, j)};
}
INLINE Vector second(Field f, long j, double scale) {
  return (Vector){scale * bend(f.x, j), scale * bend(f.y, j), scale * bend(f.z, j)};
}

void texture_drive(const TextureEquations *e, double t, double drive[5]) {
  memset(drive, 0, 5 * sizeof(double));
  if (e->fundamental > 0 && e->harmonic_count > 1) {
    // Horner, in z = exp(-i omega_1 t).
    double c = cos(e->fundamental * t), s = -sin(e->fundamental * t);
    double re[5] = {0}, im[5] = {0};
    for (long h = e->harmonic_count - 1; h >= 0; h--) {
      const TextureHarmonic *v = e->harmonics + h;
      const double add_re[5] = {v->n_re, v->m_re, v->na_re, v->omega * v->n_im,
                                v->omega * v->na_im};
      const double add_im[5] = {v->n_im, v->m_im, v->na_im, -v->omega * v->n_re,
                                -v->omega * v->na_re};
      for (int i = 0; i < 5; i++) {
        double real = re[i] * c - im[i] * s + add_re[i];
        im[i] = re[i] * s + im[i] * c + add_im[i];
        re[i] = real;
      }
    }
    memcpy(drive, re, sizeof(re));
    return;
  }
  for (long h = 0; h < e->harmonic_count; h++) {
    const TextureHarmonic *v = e->harmonics + h;
    double c = cos(v->omega * t), s = sin(v->omega * t);
    drive[0] += v->n_re * c + v->n_im * s;
    drive[1] += v->m_re * c + v->m_im * s;
    drive[2] += v->na_re * c + v->na_im * s;
    drive[3] += v->omega * (v->n_im * c - v->n_re * s);
    drive[4] += v->omega * (v->na_im * c - v->na_re * s);
  }
}

struct TextureFlow {
  TextureEquations e;
  int has_balance;
  long dimension;
  double *fields;  // six of nodes + 2 GHOSTS
  double *scale;
  gsl_odeiv2_step *step;
  gsl_odeiv2_control *control;
  gsl_odeiv2_evolve *evolve;
  gsl_odeiv2_system system;
  long steps, evaluations;
};

static long stride(const TextureEquations *e) { return e->nodes + 2 * GHOSTS; }

static Field field(const TextureFlow *f, int n) {
  const double *p = f->fields + n * 3 * stride(&f->e) + GHOSTS;
  return (Field){p, p + stride(&f->e), p + 2 * stride(&f->e)};
}

static void fill(const TextureFlow *f, const double *state) {
  long nodes = f->e.nodes;
  for (int c = 0; c < 6; c++) {
    double *p = f->fields + c * stride(&f->e) + GHOSTS;
    memcpy(p, state + c * nodes, nodes * sizeof(double));
    for (long g = 1; g <= GHOSTS; g++) {
      p[-g] = f->e.is_periodic ? p[nodes - g] : p[g - 1];
      p[nodes - 1 + g] = f->e.is_periodic ? p[g - 1] : p[nodes - g];
    }
  }
}

// du/dn at a node, with the first and second derivative of n.
INLINE Vector force(const TextureEquations *e, double anisotropy, Vector n, Vector dn, Vector ddn) {
  return (Vector){-e->stiffness * ddn.x - 2 * e->dmi * dn.z, -e->stiffness * ddn.y + e->hard * n.y,
                  -e->stiffness * ddn.z - anisotropy * n.z + 2 * e->dmi * dn.x};
}

CLONES static void rates(const TextureEquations *problem, Field fn, Field fm, const double *v,
                         double *restrict out) {
  const TextureEquations e = *problem;
  const double *anisotropy = e.anisotropy;
  const long nodes = e.nodes;
  const double one = 1 / (12 * e.dx), two = one / e.dx, rate = -1 / e.hbar_spin;
  const double vn = v[0], vm = v[1], vna = v[2], an = e.alpha_n, am = e.alpha_m, q = 1 + an * am;
  const Vector b = {e.field[0], e.field[1], e.field[2]};
  double *restrict nx = out, *restrict ny = out + nodes, *restrict nz = out + 2 * nodes;
  double *restrict mx = out + 3 * nodes, *restrict my = out + 4 * nodes, *restrict mz = out + 5 * nodes;
#pragma clang loop vectorize(assume_safety)
  for (long j = 0; j < nodes; j++) {
    Vector n = at(fn, j), m = at(fm, j), dn = first(fn, j, one), dm = first(fm, j, one);
    Vector on_n = force(&e, anisotropy[j], n, dn, second(fn, j, two));
    Vector on_m = sum(scaled(e.homogeneous, m), scaled(-1, b));
    Vector f = sum(scaled(rate, cross(n, on_m)), scaled(vn, across(dn, n)));
    Vector g = sum(scaled(rate, cross(n, on_n)), scaled(vna, cross(n, dn)));
    g = sum(g, across(sum(scaled(-rate, cross(m, b)), scaled(vm, dm)), n));
    Vector r = sum(f, scaled(-am, cross(n, g)));
    double share = am * am * dot(m, r) / (q + am * am * dot(m, m));
    Vector n_rate = scaled(1 / q, sum(r, scaled(-share, m)));
    double along = dot(m, n_rate);
    Vector m_rate = sum(g, sum(scaled(am * along, cross(m, n)),
                               sum(scaled(-an, cross(n, n_rate)), scaled(-along, n))));
    nx[j] = n_rate.x, ny[j] = n_rate.y, nz[j] = n_rate.z;
    mx[j] = m_rate.x, my[j] = m_rate.y, mz[j] = m_rate.z;
  }
}

// A node, or the one that stands for a ghost.
INLINE long real_node(const TextureEquations *e, long j) {
  if (e->is_periodic) return (j + e->nodes) % e->nodes;
  return j < 0 ? -1 - j : j >= e->nodes ? 2 * e->nodes - 1 - j : j;
}

// d_x of the rates of a component, times 12 dx.
INLINE double rate_slope(const TextureEquations *e, const double *rate, long j) {
  return (rate[real_node(e, j - 2)] - rate[real_node(e, j + 2)]) +
         8 * (rate[real_node(e, j + 1)] - rate[real_node(e, j - 1)]);
}

// D int d_x (n_z n_x' - n_x n_z'): what mirrored ends do to the energy, since they hold d_x n at 0.
static double end_power(const TextureEquations *e, Field n, Field rate) {
  const double one = 1 / (12 * e->dx);
  double power = 0;
  for (long j = 0; j < e->nodes; j++) {
    power += n.z[j] * rate_slope(e, rate.x, j) - n.x[j] * rate_slope(e, rate.z, j) +
             slope(n.z, j) * rate.x[j] - slope(n.x, j) * rate.z[j];
  }
  return e->dmi * one * power;
}

// The rates of work and impulse, from those of n and mu.
static void balance(const TextureFlow *f, const double *v, double *out) {
  const TextureEquations *e = &f->e;
  Field fn = field(f, 0), fm = field(f, 1);
  const long nodes = e->nodes;
  const Field rn = {out, out + nodes, out + 2 * nodes},
              rm = {out + 3 * nodes, out + 4 * nodes, out + 5 * nodes};
  const double one = 1 / (12 * e->dx), two = one / e->dx, omega_a = e->homogeneous / e->hbar_spin;
  double power = 0, canonical = 0, size = 0, growth = 0, pinning = 0;
  for (long j = 0; j < nodes; j++) {
    Vector n = at(fn, j), dn = first(fn, j, one), ddn = second(fn, j, two);
    Vector n_rate = at(rn, j), m_rate = at(rm, j);
    Vector on_n = scaled(v[0], across(dn, n));
    Vector dm = first(fm, j, one);
    Vector on_m = across(sum(scaled(v[1], dm), scaled(v[2], cross(n, dn))), n);
    power += e->alpha_n * dot(n_rate, n_rate) + e->alpha_m * dot(m_rate, m_rate) +
             dot(m_rate, cross(n, on_n)) + dot(n_rate, cross(n, on_m));
    canonical += e->alpha_n * dot(dn, n_rate) + e->alpha_m * dot(dm, m_rate) +
                 dot(dm, cross(n, on_n)) + dot(dn, cross(n, on_m));
    size -= dot(n, ddn);
    growth -= 2 * dot(n_rate, ddn);
    pinning -= e->anisotropy[j] * n.z * dn.z;
  }
  out[6 * nodes] = -e->hbar_spin * e->dx * power;
  if (e->dmi != 0) out[6 * nodes] += e->dx * end_power(e, fn, rn);
  out[6 * nodes + 1] =
      e->dx * (omega_a * (canonical + pinning / e->hbar_spin) - v[3] * size - v[0] * growth);
}

void texture_flow_rates(TextureFlow *f, double t, const double *state, double *out) {
  double v[5];
  texture_drive(&f->e, t, v);
  fill(f, state);
  rates(&f->e, field(f, 0), field(f, 1), v, out);
  if (f->has_balance) balance(f, v, out);
  f->evaluations++;
}

static int right_side(double t, const double *state, double *out, void *flow) {
  texture_flow_rates(flow, t, state, out);
  return GSL_SUCCESS;
}

TextureFlow *texture_flow_new(TextureEquations e, double tolerance, double canting, int has_balance) {
  gsl_set_error_handler_off();
  TextureFlow *f = calloc(1, sizeof(TextureFlow));
  if (!f) return NULL;
  f->e = e;
  f->has_balance = has_balance;
  f->dimension = 6 * e.nodes + (has_balance ? 2 : 0);
  f->fields = calloc(6 * stride(&e), sizeof(double));
  f->scale = calloc(f->dimension, sizeof(double));
  f->step = gsl_odeiv2_step_alloc(gsl_odeiv2_step_rk8pd, f->dimension);
  f->evolve = gsl_odeiv2_evolve_alloc(f->dimension);
  if (f->scale) {
    for (long j = 0; j < f->dimension; j++) {
      // Nothing is asked of the balance: it follows what is integrated for its own sake.
      f->scale[j] = j < 3 * e.nodes ? 1 : j < 6 * e.nodes ? canting : 1e300;
    }
    f->control = gsl_odeiv2_control_scaled_new(tolerance, 0, 1, 0, f->scale, f->dimension);
  }
  if (!f->fields || !f->scale || !f->step || !f->evolve || !f->control) {
    texture_flow_free(f);
    return NULL;
  }
  f->system = (gsl_odeiv2_system){right_side, NULL, f->dimension, f};
  return f;
}

void texture_flow_free(TextureFlow *f) {
  if (f->control) gsl_odeiv2_control_free(f->control);
  if (f->evolve) gsl_odeiv2_evolve_free(f->evolve);
  if (f->step) gsl_odeiv2_step_free(f->step);
  free(f->fields);
  free(f->scale);
  free(f);
}

// Takes n back to length 1 and mu across it; whether all is finite.
static int normalise(const TextureEquations *e, double *state) {
  long nodes = e->nodes;
  double *nx = state, *ny = nx + nodes, *nz = ny + nodes, *mx = nz + nodes, *my = mx + nodes,
         *mz = my + nodes;
  double size = 0;
  for (long j = 0; j < nodes; j++) {
    double s = 1 / sqrt(nx[j] * nx[j] + ny[j] * ny[j] + nz[j] * nz[j]);
    nx[j] *= s, ny[j] *= s, nz[j] *= s;
    double along = nx[j] * mx[j] + ny[j] * my[j] + nz[j] * mz[j];
    mx[j] -= along * nx[j], my[j] -= along * ny[j], mz[j] -= along * nz[j];
    size += s + along;
  }
  return isfinite(size);
}

int texture_flow_advance(TextureFlow *f, double *t, double until, double *step, double *state) {
  // What GSL remembers of steps before would tie the bits to where a trajectory began.
  gsl_odeiv2_evolve_reset(f->evolve);
  gsl_odeiv2_step_reset(f->step);
  const double *nz = state + 2 * f->e.nodes, *ends[2] = {nz, nz + f->e.nodes - 1};
  const double before[2] = {*ends[0], *ends[1]};
  while (*t < until) {
    int status = gsl_odeiv2_evolve_apply(f->evolve, f->control, f->step, &f->system, t, until, step,
                                         state);
    if (status != GSL_SUCCESS) return status;
    if (!normalise(&f->e, state)) return GSL_ERANGE;
    f->steps++;
    for (int i = 0; i < 2 && !f->e.is_periodic; i++) {
      if (fabs(before[i]) > 0.9 && *ends[i] * before[i] < 0.5) return TEXTURE_LEFT;
    }
  }
  return GSL_SUCCESS;
}

long texture_flow_steps(const TextureFlow *f) { return f->steps; }
long texture_flow_evaluations(const TextureFlow *f) { return f->evaluations; }

typedef struct {
  TextureCollective c;
  const TextureEquations *e;
} Collective;

double texture_pin_force(const TextureCollective *c, double x) {
  const double step = 0.05;
  double force = 0;
  for (long p = 0; p < c->pin_count; p++) {
    const TexturePin pin = c->pins[p];
    double sum = 0;
    for (int k = -400; k <= 400; k++) {
      double u = k * step, s = 1 / cosh((x - pin.centre + c->lambda * u) / pin.width), w = 1 / cosh(u);
      sum += s * s * w * w * tanh(u);
    }
    force += 0.5 * c->gap2 * c->lambda * pin.depth * sum * step;
  }
  return force;
}

static int collective(double t, const double y[], double out[], void *p) {
  const Collective *s = p;
  double v[5];
  texture_drive(s->e, t, v);
  out[0] = y[1];
  out[1] = (-s->c.relaxation * y[1] - v[3] - s->c.alpha_m * v[4] - s->c.omega_a * v[2] +
            texture_pin_force(&s->c, y[0])) /
           s->c.inertia;
  out[2] = y[3];
  out[3] = (-s->c.relaxation * y[3] - 0.5 * s->c.hard2 * sin(2 * y[2]) + s->c.dmi2 * sin(y[2])) /
           s->c.inertia;
  return GSL_SUCCESS;
}

int texture_collective_advance(TextureCollective c, const TextureEquations *e, double tolerance,
                               double *t, double until, double state[4]) {
  if (*t >= until) return GSL_SUCCESS;
  gsl_set_error_handler_off();
  Collective s = {c, e};
  gsl_odeiv2_system system = {collective, NULL, 4, &s};
  gsl_odeiv2_driver *driver = gsl_odeiv2_driver_alloc_y_new(
      &system, gsl_odeiv2_step_rk8pd, 1e-3 * (until - *t), tolerance, tolerance);
  if (!driver) return GSL_ENOMEM;
  int status = gsl_odeiv2_driver_apply(driver, t, until, state);
  gsl_odeiv2_driver_free(driver);
  return status;
}
