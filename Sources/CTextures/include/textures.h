// SPDX-License-Identifier: GPL-3.0-or-later
// The equations of motion of an antiferromagnetic texture on a line of nodes, and their integration by GSL's
// rk8pd. Units nm, ps, meV; energies per spin. A state holds n_x, n_y, n_z, mu_x, mu_y, mu_z, each at all nodes.
#ifndef TEXTURES_H
#define TEXTURES_H

// Velocities v(t) = Re sum V exp(-i omega t), in nm/ps, omega in 1/ps.
typedef struct {
  double omega;
  double n_re, n_im, m_re, m_im, na_re, na_im;
} TextureHarmonic;

// What stands in the equations. Energy per spin and length:
//   u = A/2 (d_x n)^2 + a/2 mu^2 - K(x)/2 n_z^2 + K_h/2 n_y^2 + D (n_z d_x n_x - n_x d_x n_z) - b.mu
typedef struct {
  long nodes;
  int is_periodic;                            // else mirrored half a step beyond the ends
  double dx, hbar_spin;                       // step, hbar N
  double stiffness, homogeneous, hard, dmi;   // A, a, K_h, D
  double field[3];                            // b
  double alpha_n, alpha_m;
  const double *anisotropy;                   // K at each node
  const TextureHarmonic *harmonics;
  long harmonic_count;
  double fundamental;                         // above 0: harmonic h has omega = h fundamental
} TextureEquations;

// v_n, v_m, v_na, dv_n/dt and dv_na/dt at t.
void texture_drive(const TextureEquations *e, double t, double drive[5]);

// One trajectory; holds copies of nothing that `e` points to.
typedef struct TextureFlow TextureFlow;

// With a balance the state has two numbers more: the work and the impulse, integrals over time of
//   -hbar N int [alpha_n n'^2 + alpha_m mu'^2 + mu'.(n x T_n) + n'.(n x T_mu)] (and what ends do with D), and of
//   omega_a int [alpha_n d_x n.n' + alpha_m d_x mu.mu' + d_x mu.(n x T_n) + d_x n.(n x T_mu) - K n_z d_x n_z/hbar N]
//     - (dv_n/dt) I - v_n dI/dt,   I = int (d_x n)^2,
// which is d/dt of -omega_a int mu.(n x d_x n) - v_n I: without alpha_m and b the P = -int d_x n.n' of texts.
// `tolerance` is per step, of n absolute, of mu in units of `canting`. NULL without memory.
TextureFlow *texture_flow_new(TextureEquations e, double tolerance, double canting, int has_balance);
void texture_flow_free(TextureFlow *f);
// d state/dt at t.
void texture_flow_rates(TextureFlow *f, double t, const double *state, double *rates);
// From *t to `until`, with n and mu kept at |n| = 1 and n.mu = 0 after each step; *step is the next step's length. What
// follows depends on *t, *step and `state` alone.
// Returns 0, GSL's status, or TEXTURE_LEFT where n_z at an end of a line that is no ring falls from above 0.9 to half of that:
// a wall is there. *t is where it stopped.
enum { TEXTURE_LEFT = 1000 };
int texture_flow_advance(TextureFlow *f, double *t, double until, double *step, double *state);
// Steps, and evaluations of the right side, so far.
long texture_flow_steps(const TextureFlow *f);
long texture_flow_evaluations(const TextureFlow *f);

// K(x) = K [1 - depth sech^2((x - centre)/width)].
typedef struct {
  double centre, width, depth;
} TexturePin;

// What stands in the equations of a rigid wall.
typedef struct {
  double relaxation, omega_a;  // Gamma
  double alpha_m, inertia;     // q = 1 + alpha_n alpha_m
  double hard2, dmi2;          // omega_h^2, q omega_D^2
  double lambda, gap2;         // its width, omega_0^2
  const TexturePin *pins;
  long pin_count;
} TextureCollective;

// (omega_0^2 lambda depth/2) int sech^2((X - centre + lambda u)/width) sech^2 u tanh u du, summed over the pins: what they add to
// X''. By the trapezoidal rule.
double texture_pin_force(const TextureCollective *c, double x);

// state = X, X', Phi, Phi', with q X'' + Gamma X' = -d(v_n + alpha_m v_na)/dt - omega_a v_na + force and
// q Phi'' + Gamma Phi' + omega_h^2/2 sin 2 Phi - q omega_D^2 sin Phi = 0, by the drive of `e`, from *t to `until`.
// Returns 0, or GSL's status.
int texture_collective_advance(TextureCollective c, const TextureEquations *e, double tolerance,
                               double *t, double until, double state[4]);

#endif
