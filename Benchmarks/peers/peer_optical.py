#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""WannierBerri (PyPI 26.10) + PythTB on the honeycomb AFM: interband optical conductivity sigma_xx(omega), T=0 (kBT=0), Lorentzian width Gamma.
   usage: peer_optical.py --nk 200 --nkfft 50 --gamma 0.02 [--sym] [--adpt 0] [--out f.npy]
   WB's OpticalConductivity is INTERBAND ONLY with sharp/Fermi occupations: same formula as numpy_baseline.py --formula simple."""
import argparse, time, os, sys, io, contextlib, logging, tempfile
import numpy as np
ap = argparse.ArgumentParser()
ap.add_argument('--nk', type=int, default=100); ap.add_argument('--nkfft', type=int, default=0)
ap.add_argument('--gamma', type=float, default=0.02); ap.add_argument('--sym', action='store_true')
ap.add_argument('--adpt', type=int, default=0); ap.add_argument('--kbt', type=float, default=0.)
ap.add_argument('--lattice', default='honeycomb'); ap.add_argument('--ref'); ap.add_argument('--out'); ap.add_argument('--verbose', action='store_true')
a = ap.parse_args()
import pythtb, wannierberri as wb, model as M
logging.getLogger().setLevel(logging.ERROR)
t, tp, J, mu = M.t, M.tp, M.J, M.mu
m = pythtb.tb_model(2, 2, [list(M.A2), list(M.A1)], [[0,0], list(np.linalg.solve(np.array([M.A2,M.A1]).T, M.DELTA[0]))], nspin=2)
sz = [0,0,0,1]
m.set_onsite([[0,0,0,-J],[0,0,0,J]])
# B at A+delta_0 in the home cell; delta_1 = delta_0 - A1, delta_2 = delta_0 - A2
for R in ([0,0],[-1,0],[0,-1]): m.set_hop(-t, 0, 1, R)
for s in (0,1):
    for R in ([1,0],[0,1],[1,-1]): m.set_hop(-tp, s, s, R)
t0 = time.perf_counter()
sysm = wb.System_R.from_pythtb(m, spin=True) if hasattr(wb, 'System_R') else wb.system.System_R.from_pythtb(m, spin=True)
if a.sym: sysm.set_pointgroup(symmetry_gen=["C3z", "TimeReversal*Inversion"]) if hasattr(sysm,'set_pointgroup') else sysm.set_symmetry(["C3z","TimeReversal*Inversion"])
kw = dict(NK=[a.nk, a.nk, 1])
if a.nkfft: kw = dict(NKdiv=[a.nk//a.nkfft]*2+[1], NKFFT=[a.nkfft]*2+[1])
grid = wb.Grid(sysm, use_symmetry=a.sym, **kw)
calc = {'opt': wb.calculators.dynamic.OpticalConductivity(Efermi=np.array([mu]), omega=M.OMEGA, kBT=a.kbt, smr_fixed_width=a.gamma, smr_type='Lorentzian')}
t1 = time.perf_counter(); c1 = time.process_time()
os.chdir(tempfile.mkdtemp())
ctx = contextlib.nullcontext() if a.verbose else contextlib.redirect_stdout(io.StringIO())
with ctx:
    r = wb.run(sysm, grid, calc, adpt_num_iter=a.adpt, use_irred_kpt=a.sym, symmetrize=a.sym, parallel=False, fout_name='r')
t2 = time.perf_counter(); c2 = time.process_time()
d = r.results['opt'].data[0] / wb.factors.factor_opt * (sysm.cell_volume/M.AREA)
sig = d[:,0,0]; g = lambda x: sig[np.argmin(abs(M.OMEGA-x))]
nk = np.prod(np.array(grid.div)*np.array(grid.FFT))
print(f"WB nk={a.nk} div={list(grid.div)} FFT={list(grid.FFT)} sym={a.sym} adpt={a.adpt} Gamma={a.gamma} kBT={a.kbt} setup={t1-t0:.2f}s run={t2-t1:.2f}s cpu={c2-c1:.2f}s "
      f"us_per_k={(t2-t1)/nk*1e6:.1f} sigma(0)={g(0):.6f} sigma(0.3)={g(.3):.6f} sigma(1.2)={g(1.2):.6f} sigma(2.4)={g(2.4):.6f}")
if a.out: np.save(a.out, sig)
