#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a physicist writes by hand: dense n x n k grid, batched eigh, einsum, T = 0.
   sigma_xx(omega) per unit cell area, e=hbar=1, spin included (4x4), 101 omegas in [0,3].
   --formula bubble : the full one-loop bubble with G^R = 1/(eps - xi + i Gamma), exact T=0 frequency integral (logs)
                      sigma = (i/omega) [Pi(omega)-Pi(0)],  Pi = int deps f(eps) sum |v_nm|^2 {G^R_m(eps+w) A_n + A_m G^A_n(eps-w)}
   --formula simple : text-book Kubo-Greenwood with sharp occupations (interband only; no Drude term at T=0 on a grid)
   usage: numpy_baseline.py --n 200 --gamma 0.02 [--formula bubble|simple] [--out x.npy] [--nomega 101]
"""
import argparse, time, numpy as np
import model as M
ap = argparse.ArgumentParser()
ap.add_argument('--n', type=int, default=200); ap.add_argument('--gamma', type=float, default=0.02)
ap.add_argument('--formula', default='bubble'); ap.add_argument('--chunk', type=int, default=16384)
ap.add_argument('--nomega', type=int, default=101); ap.add_argument('--out')
a = ap.parse_args()
n, G = a.n, a.gamma
om = np.linspace(0, 3, a.nomega).copy(); om[0] = 1e-4      # omega -> 0 limit taken at 1e-4
t0 = time.perf_counter(); c0 = time.process_time(); t_eig = 0.
if a.formula == 'bubble':
    PI = np.zeros(len(om), complex); PI0 = 0.
    def integ(p, sp, Lp, q, sq, Lq):
        """int_{-inf}^0 de 1/((e-p)(e-q)); L = Log(-p) principal; s = +1 if Im p<0 else -1"""
        d = p - q
        num = (Lp - Lq) - 1j*np.pi*(sp - sq)
        small = np.abs(d) < 1e-7
        d = np.where(small, 1., d)
        return np.where(small, 1./p, num/d)
    for lo in range(0, n*n, a.chunk):
        t1 = time.perf_counter()
        H, V = M.h_v(M.kgrid(n, lo, min(n*n, lo+a.chunk)))
        E, U = np.linalg.eigh(H)
        t_eig += time.perf_counter()-t1
        v2 = np.abs(np.einsum('kan,kab,kbm->knm', U.conj(), V, U, optimize=True))**2
        p = (E - M.mu) - 1j*G                                   # poles of G^R
        Lp, Lc = np.log(-p), np.log(-p.conj())
        pn, Ln = p[:,:,None], Lp[:,:,None]; cn, Lcn = pn.conj(), Lc[:,:,None]
        pm, Lm = p[:,None,:], Lp[:,None,:]; cm, Lcm = pm.conj(), Lc[:,None,:]
        c = 1j/(2*np.pi)
        def Pi(w):
            q = p - w;  Lq = np.log(-q)      # G^R_m(eps+w): pole at p_m - w (Im<0)
            r = p.conj() + w; Lr = np.log(-r)  # G^A_n(eps-w): pole at conj(p_n)+w (Im>0)
            qm, Lqm = q[:,None,:], Lq[:,None,:]; rn, Lrn = r[:,:,None], Lr[:,:,None]
            X = c*(integ(pn,1,Ln,qm,1,Lqm) - integ(cn,-1,Lcn,qm,1,Lqm)) \
              + c*(integ(pm,1,Lm,rn,-1,Lrn) - integ(cm,-1,Lcm,rn,-1,Lrn))
            return (v2*X).sum()
        PI0 += Pi(0.)
        for i, w in enumerate(om): PI[i] += Pi(w)
    sig = 1j/om*(PI-PI0)/(n*n*M.AREA)
else:
    sig = np.zeros(len(om), complex)
    for lo in range(0, n*n, a.chunk):
        t1 = time.perf_counter()
        H, V = M.h_v(M.kgrid(n, lo, min(n*n, lo+a.chunk)))
        E, U = np.linalg.eigh(H)
        t_eig += time.perf_counter()-t1
        v2 = np.abs(np.einsum('kan,kab,kbm->knm', U.conj(), V, U, optimize=True))**2
        f = (E < M.mu).astype(float); dE = E[:,None,:]-E[:,:,None]; df = f[:,:,None]-f[:,None,:]   # n,m: dE=E_m-E_n
        ok = df != 0
        w8 = v2[ok]*df[ok]/dE[ok]; d = dE[ok]
        for i, w in enumerate(om): sig[i] += (w8/(w-d+1j*G)).sum()
    sig = 1j*sig/(n*n*M.AREA)
dt = time.perf_counter()-t0; cpu = time.process_time()-c0
print(f"formula={a.formula} n={n} Gamma={G} nomega={len(om)} wall={dt:.2f}s cpu={cpu:.2f}s (build+eigh {t_eig:.2f}s)  "
      f"sigma(0)={sig[0]:.8f} sigma(0.3)={sig[np.argmin(abs(om-0.3))]:.8f} sigma(1.2)={sig[np.argmin(abs(om-1.2))]:.8f} sigma(2.4)={sig[np.argmin(abs(om-2.4))]:.8f}")
if a.out: np.save(a.out, np.stack([om.astype(complex), sig]))
