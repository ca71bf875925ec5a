#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled (numba) uniform-grid version of the same bubble with the closed-form 2x2 eigenbasis (spin blocks degenerate, x2),
   inversion + diagonal-mirror symmetry (average of xx and yy, exact for the honeycomb lattice).  Used as the converged reference
   and as the 'optimised uniform grid' baseline.   usage: numba_ptr.py --n 1600 --gamma 0.02 --nomega 101 [--out ref.npy]"""
import argparse, time, numpy as np, numba as nb
import model as M
ap = argparse.ArgumentParser()
ap.add_argument('--n', type=int, default=400); ap.add_argument('--gamma', type=float, default=0.02)
ap.add_argument('--nomega', type=int, default=101); ap.add_argument('--out'); a = ap.parse_args()
om = np.linspace(0, 3, a.nomega).copy(); om[0] = 1e-4
omx = np.concatenate([[0.], om])
@nb.njit(inline='always')
def integ(p, sp, Lp, q, sq, Lq):
    d = p-q
    if abs(d) < 1e-7: return 1./p
    return ((Lp-Lq) - 1j*np.pi*(sp-sq))/d
@nb.njit
def accum(f1, f2, w8, B, D, NN, t, tp, J, mu, G, om, out):
    kx = f1*B[0,0]+f2*B[1,0]; ky = f1*B[0,1]+f2*B[1,1]
    eta = 0j; ex = 0j; ey = 0j
    for j in range(3):
        ph = np.exp(1j*(kx*D[j,0]+ky*D[j,1])); eta += t*ph; ex += 1j*D[j,0]*t*ph; ey += 1j*D[j,1]*t*ph
    T = 0.; Tx = 0.; Ty = 0.
    for j in range(3):
        ar = kx*NN[j,0]+ky*NN[j,1]; T -= 2*tp*np.cos(ar); s = 2*tp*np.sin(ar); Tx += NN[j,0]*s; Ty += NN[j,1]*s
    e = np.sqrt(abs(eta)**2+J*J)
    dx = (eta.real*ex.real+eta.imag*ex.imag)/e; dy = (eta.real*ey.real+eta.imag*ey.imag)/e
    vin2 = abs(ex)**2-dx*dx + abs(ey)**2-dy*dy
    v2 = np.empty((2,2)); v2[0,1] = v2[1,0] = vin2
    v2[0,0] = (Tx-dx)**2+(Ty-dy)**2; v2[1,1] = (Tx+dx)**2+(Ty+dy)**2
    p = np.empty(2, nb.complex128); L = np.empty(2, nb.complex128); Lc = np.empty(2, nb.complex128)
    p[0] = T-e-mu-1j*G; p[1] = T+e-mu-1j*G
    for b in range(2): L[b] = np.log(-p[b]); Lc[b] = np.log(-np.conj(p[b]))
    c = 1j/(2*np.pi)
    for i in range(om.shape[0]):
        w = om[i]; acc = 0j
        for m in range(2):
            q = p[m]-w; Lq = np.log(-q); r = np.conj(p[m])+w; Lr = np.log(-r)
            for n in range(2):
                X = integ(p[n],1,L[n],q,1,Lq)-integ(np.conj(p[n]),-1,Lc[n],q,1,Lq)
                # second term with roles: A_n' G^A_m'  (n'->n spectral, m'->m advanced); v2 symmetric
                Y = integ(p[n],1,L[n],r,-1,Lr)-integ(np.conj(p[n]),-1,Lc[n],r,-1,Lr)
                acc += v2[n,m]*(X+Y)
        out[i] += w8*c*acc          # (xx+yy)/2 * spin 2  -> factor 1
@nb.njit
def run(n, B, D, NN, t, tp, J, mu, G, om):
    out = np.zeros(om.shape[0], nb.complex128); cnt = 0
    for i in range(n):
        for j in range(i, n):
            # orbit under (i,j)->(j,i) and (i,j)->(-i,-j)
            a1, b1 = (n-i) % n, (n-j) % n
            lo, hi = min(a1,b1), max(a1,b1)
            if (lo, hi) < (i, j): continue
            w8 = 1. if i == j else 2.
            if (lo, hi) != (i, j): w8 *= 2
            accum(i/n, j/n, w8, B, D, NN, t, tp, J, mu, G, om, out); cnt += 1
    return out/(n*n), cnt
args = (M.B, M.DELTA, M.NNN, M.t, M.tp, M.J, M.mu)
run(4, *args, a.gamma, omx)
t0 = time.perf_counter(); c0 = time.process_time(); PI, cnt = run(a.n, *args, a.gamma, omx); dt = time.perf_counter()-t0; cpu = time.process_time()-c0
sig = 1j/om*(PI[1:]-PI[0])/M.AREA
g = lambda x: sig[np.argmin(abs(om-x))]
print(f"numba n={a.n} ({cnt} k) Gamma={a.gamma} nomega={len(om)} wall={dt:.2f}s cpu={cpu:.2f}s sigma(0)={g(0):.8f} sigma(0.3)={g(.3):.8f} sigma(1.2)={g(1.2):.8f} sigma(2.4)={g(2.4):.8f}", flush=True)
if a.out: np.save(a.out, np.stack([om.astype(complex), sig]))
