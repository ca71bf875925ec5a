# SPDX-License-Identifier: GPL-3.0-or-later
"""Two-sublattice tight-binding antiferromagnet, 4x4 Bloch Hamiltonian
   H_k = T_k 1 - Re(eta_k) rho_1 - Im(eta_k) rho_2 - J rho_3 sigma_z     (rho = sublattice, sigma = spin)
   basis order: (A up, A dn, B up, B dn) = rho (x) sigma
   honeycomb (default), nearest-neighbour distance 1:
     eta_k = t sum_delta exp(i k.delta);  T_k = -t' sum_{NNN r} cos(k.r) (6 neighbours = 2*3 cosines)
   units e = hbar = a_NN = 1; energies in t.
"""
import numpy as np
t, tp, J, mu = 1.0, 0.1, 0.5, -1.0
DELTA = np.array([[0., 1.], [np.sqrt(3)/2, -0.5], [-np.sqrt(3)/2, -0.5]])
A1 = DELTA[0]-DELTA[1]; A2 = DELTA[0]-DELTA[2]          # primitive vectors
NNN = np.array([A1, A2, A1-A2])
AREA = abs(A1[0]*A2[1]-A1[1]*A2[0])                     # 3 sqrt3/2
B = 2*np.pi*np.linalg.inv(np.array([A1, A2])).T         # reciprocal vectors (rows)
s0 = np.eye(2, dtype=complex); s1 = np.array([[0,1],[1,0]], complex)
s2 = np.array([[0,-1j],[1j,0]]); s3 = np.diag([1.,-1.]).astype(complex)
R1, R2, R3SZ, ID = np.kron(s1,s0), np.kron(s2,s0), np.kron(s3,s3), np.eye(4, dtype=complex)

def kgrid(n, lo=0, hi=None):
    hi = n*n if hi is None else hi
    i = np.arange(lo, hi)
    f = np.stack([(i//n)/n, (i%n)/n], 1)
    return f @ B

def h_v(k, dirn=0):
    """H_k (K,4,4) and v_dir = dH/dk_dir (K,4,4)"""
    ph = np.exp(1j*k@DELTA.T)                            # (K,3)
    eta = t*ph.sum(1); deta = t*(1j*DELTA[:,dirn]*ph).sum(1)
    arg = k@NNN.T
    T = -2*tp*np.cos(arg).sum(1); dT = 2*tp*(NNN[:,dirn]*np.sin(arg)).sum(1)
    H = T[:,None,None]*ID - eta.real[:,None,None]*R1 - eta.imag[:,None,None]*R2 - J*R3SZ
    V = dT[:,None,None]*ID - deta.real[:,None,None]*R1 - deta.imag[:,None,None]*R2
    return H, V

OMEGA = np.linspace(0, 3, 101)
