#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sigma_xx(omega) of a collinear magnet from the files of Wannier90, T = 0, constant lifetime, on one uniform grid: what a user
would write in numpy and numba. Fourier sums are done coordinate by coordinate, a line of wave vectors at a time; the bands by
LAPACK; the energy integral in closed form for each pair of bands, compiled.

usage: numba_wannier.py --up U --down D --mu 17.1 --gamma 0.05 --omega 0.1,0.5 --n 120 [--reversal] [--out FILE.npy]
U and D are _tb.dat or _hr.dat; _wsvec.dat beside them is used. --reversal: hops are real, half of the grid does."""
import argparse
import os
import time

import numba as nb
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--up", required=True)
parser.add_argument("--down", required=True)
parser.add_argument("--lattice", help="nine numbers, by rows, for _hr.dat")
parser.add_argument("--mu", type=float, required=True)
parser.add_argument("--gamma", type=float, default=0.05)
parser.add_argument("--omega", default="0.5")
parser.add_argument("--n", type=int, default=60)
parser.add_argument("--reversal", action="store_true")
parser.add_argument("--centres", help="_centres.xyz, for _hr.dat")
parser.add_argument("--out")
a = parser.parse_args()
omega = np.array([float(x) for x in a.omega.split(",")])


def read(path):
    """Lattice (or None), cells, H(R) and centres."""
    lines = open(path).read().split("\n")
    is_tb = len(lines[1].split()) == 3
    at = 4 if is_tb else 1
    lattice = np.array([[float(x) for x in lines[i].split()] for i in (1, 2, 3)]) if is_tb else None
    n, cells, at, degeneracy = int(lines[at]), int(lines[at + 1]), at + 2, []
    while len(degeneracy) < cells:
        degeneracy += [int(x) for x in lines[at].split()]
        at += 1
    numbers = [line.split() for line in lines[at:] if line.strip()]
    r, h, centres = [], [], None
    if is_tb:
        step = n * n + 1
        for c in range(cells):
            block = numbers[c * step:(c + 1) * step]
            r.append([int(x) for x in block[0]])
            h.append([complex(float(x[2]), float(x[3])) for x in block[1:]])
            if not any(r[-1]):
                home = c
        block = numbers[(cells + home) * step + 1:(cells + home + 1) * step]
        centres = np.array([[float(block[i * (n + 1)][k]) for k in (2, 4, 6)] for i in range(n)])
    else:
        for c in range(cells):
            block = numbers[c * n * n:(c + 1) * n * n]
            r.append([int(x) for x in block[0][:3]])
            h.append([complex(float(x[5]), float(x[6])) for x in block])
    h = np.array(h).reshape(cells, n, n).transpose(0, 2, 1) / np.array(degeneracy)[:, None, None]
    shifts = path.replace("_tb.dat", "_wsvec.dat").replace("_hr.dat", "_wsvec.dat")
    if os.path.exists(shifts):
        text = [line.split() for line in open(shifts).read().split("\n")[1:] if line.strip()]
        place, moved, at = {tuple(x): i for i, x in enumerate(r)}, {}, 0
        while at < len(text):
            *cell, i, j = (int(x) for x in text[at])
            count = int(text[at + 1][0])
            for shift in text[at + 2:at + 2 + count]:
                target = tuple(c + int(s) for c, s in zip(cell, shift))
                matrix = moved.setdefault(target, np.zeros((n, n), complex))
                matrix[i - 1, j - 1] += h[place[tuple(cell)]][i - 1, j - 1] / count
            at += 2 + count
        r, h = list(moved), np.array(list(moved.values()))
    return lattice, np.array(r), h, centres


@nb.njit(fastmath=False)
def add(levels, v, mu, gamma, omega, total):
    """sum_ac |v_ac|^2 [pairs(omega) - pairs(0)]/omega of one k."""
    n, c = levels.size, 1j / (2 * np.pi)
    x = levels - mu
    log = np.log(x - 1j * gamma)
    for w in range(omega.size):
        o = omega[w]
        below, above = np.log(x - o - 1j * gamma), np.log(x + o - 1j * gamma)
        for i in range(n):
            for j in range(n):
                d = x[j] - x[i]
                still = 1 / (x[i] - 1j * gamma) if abs(d) < 1e-7 else (log[j] - log[i]) / d
                d += o
                if abs(d) < 1e-7:
                    first, second = 1 / (x[j] - 1j * gamma), np.conj(1 / (x[i] - 1j * gamma))
                else:
                    first, second = (log[j] - below[i]) / d, np.conj(above[j] - log[i]) / d
                mixed = (np.conj(above[j]) - log[i]) - (np.conj(log[j]) - below[i])
                pair = c * (first - second + mixed / (d + 2j * gamma))
                total[w] += abs(v[i, j]) ** 2 * (pair + still.imag / np.pi) / o


@nb.njit
def add_line(levels, v, mu, gamma, omega, weight, total):
    part = np.zeros_like(total)
    for k in range(levels.shape[0]):
        add(levels[k], v[k], mu, gamma, omega, part)
    total += weight * part


def grid(r, h, dh, mu, gamma, omega, n, total):
    """Adds the sum over the grid."""
    blocks = np.stack([h, dh], axis=1).reshape(len(r), -1)
    size, m = h.shape[1], blocks.shape[1]
    phase = [np.exp(2j * np.pi * np.outer(np.arange(n), np.arange(-r[:, d].max(), r[:, d].max() + 1)) / n)
             for d in range(3)]
    shape = [p.shape[1] for p in phase]
    cube = np.zeros((*shape, m), complex)
    for cell, block in zip(r, blocks):
        cube[tuple(cell + [s // 2 for s in shape])] += block
    last = range(n // 2 + 1) if a.reversal else range(n)
    for i in last:
        plane = np.tensordot(phase[0][i], cube, (0, 0))
        weight = 2 if a.reversal and 0 < i and 2 * i != n else 1
        for j in range(n):
            line = phase[2] @ np.tensordot(phase[1][j], plane, (0, 0))
            matrices = line.reshape(n, 2, size, size)
            levels, states = np.linalg.eigh(matrices[:, 0])
            v = states.conj().transpose(0, 2, 1) @ matrices[:, 1] @ states
            add_line(levels, v, mu, gamma, omega, weight, total)


spins, lattice = [read(a.up), read(a.down)], None
if spins[0][0] is None:
    lattice = np.array([float(x) for x in a.lattice.split(",")]).reshape(3, 3)
start, cpu = time.perf_counter(), 0.0
for stage in ("compile", "run"):
    n = 2 if stage == "compile" else a.n
    start, cpu = time.perf_counter(), time.process_time()
    total = np.zeros(omega.size, complex)
    for own, r, h, centres in spins:
        cell = lattice if own is None else own
        if centres is None:
            lines = open(a.centres).read().split("\n")[2:]
            centres = np.array([[float(x) for x in q.split()[1:4]] for q in lines if q[:1] == "X"])
        x = (r @ cell)[:, 0, None, None] + centres[None, None, :, 0] - centres[None, :, None, 0]
        grid(r, h, 1j * x * h, a.mu, a.gamma, omega, n, total)
    sigma = 1j * total / n**3 / abs(np.linalg.det(cell))
wall, cpu = time.perf_counter() - start, time.process_time() - cpu
print(f"numba n={a.n} Gamma={a.gamma} wall={wall:.2f}s cpu={cpu:.2f}s", flush=True)
for o, s in zip(omega, sigma):
    print(f"omega={o} sigma={s:.8g}", flush=True)
if a.out:
    np.save(a.out, np.stack([omega.astype(complex), sigma]))
