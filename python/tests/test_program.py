# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the program: the numbers of its tables, its messages and its progress."""

import os
import pathlib
import signal
import subprocess
import threading
import time

import numpy
import pytest
from conftest import repository

import kubo

WORDS = "spectrum chain --omega 0,0.4 --responses sigma,Y --dressing bare --tolerance 1e-3".split()


def spectrum(**options):
    chosen = dict(omega=[0, 0.4], responses=["sigma", "Y"], dressing="bare", tolerance=1e-3)
    return kubo.spectrum("chain", **{**chosen, **options})


def cells(program, *words):
    """Rows of a table by the shell, as numbers."""
    run = subprocess.run([program, *words], capture_output=True, text=True, check=True)
    lines = [line for line in run.stdout.splitlines() if not line.startswith("#")]
    return [dict(zip(lines[0].split(","), map(float, line.split(",")))) for line in lines[1:]]


def test_the_bits_of_the_program(program):
    gammas = numpy.array([0.1, 0.1 + 1 / 3])
    d = spectrum(mu=[-1, -0.75], lifetime={"constant": gammas})
    assert d["sigma.bare"].dims == ("mu", "lifetime.constant", "omega")
    assert d["lifetime.constant"].values.tolist() == gammas.tolist()
    for mu in (-1, -0.75):
        for gamma in gammas.tolist():
            rows = cells(program, *WORDS, f"--mu={mu}", "--lifetime", f"constant={gamma!r}")
            own = d.sel({"mu": mu, "lifetime.constant": gamma})
            for row in rows:
                at = own.sel(omega=row["omega"])
                assert at["sigma.bare"].item() == complex(row["sigma.bare.re"], row["sigma.bare.im"])
                for name in ("sigma.bare.err", "sigma.bare.static", "Y.bare.err"):
                    assert at[name].item() == row[name]
    assert d["sigma.bare"].attrs["units"] == "e^2/hbar a"
    assert d["mu"].attrs["units"] == "t"
    assert "inter_sublattice:" in d.attrs["model_text"]


def test_other_commands(program):
    d = kubo.coefficients("chain", mu=[-1.2, 0], set={"t_prime": [0.1, 0.2]}, tolerance=1e-4)
    assert d["P_n.corrected"].dims == ("parameter.t_prime", "mu")
    assert d["P_n.corrected.product"].attrs["units"] == "e^2/hbar^2 t a"
    d = kubo.torque(
        "chain", current_density=1e11, lattice_constant=0.3, cross_section=0.1, spin=[0.5, 1], omega=0, tolerance=1e-2
    )
    assert d["tau_n.constant.bare"].dims == ("spin", "omega")
    assert d["tau_n.constant.bare"].attrs["units"] == "m/s"
    pathlib.Path("run.yaml").write_text("command: spectrum\nmodel: chain\nmu: [-1, -0.75]\nomega: 0.4\nresponses: Y\n")
    assert kubo.sweep("run.yaml")["Y.bare"].dims == ("mu", "omega")


def test_output_stays_and_goes_on():
    d = spectrum(mu=[-1, -0.75], output="map.csv")
    assert sorted(os.listdir()) == ["map.csv", "map.csv.sqlite"]
    assert d.identical(kubo.open("map.csv"))
    with pytest.raises(kubo.KuboError) as error:
        spectrum(mu=[-1, -0.75], output="map.csv")
    assert error.value.status == 73
    assert error.value.message.startswith("'map.csv' exists already; choose another path, or --force")
    assert spectrum(mu=[-1, -0.75], output="map.csv", force=True).identical(d)


@pytest.mark.parametrize("progress", [False, True])
def test_errors(progress):
    with pytest.raises(kubo.KuboError) as error:
        spectrum(set={"K": 1}, progress=progress)
    message = 'found no parameter "K" that could be set; expected one of t, t_prime, J'
    assert error.value.status == 64 and error.value.message.endswith(message)
    assert message in str(error.value) and "--set=K=1" in str(error.value)
    with pytest.raises(kubo.KuboError) as error:
        spectrum(frequency=1, progress=progress)
    assert error.value.status == 64 and error.value.message == "Unknown option '--frequency'"
    with pytest.raises(kubo.KuboError) as error:
        kubo.spectrum("none", progress=progress)
    assert error.value.status == 66


def test_on_a_rank(monkeypatch):
    """Whoever calls it on the ranks of MPI has a run of its own on each."""
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    assert spectrum(mu=[-1, -0.75]).sizes["mu"] == 2


def test_no_program(monkeypatch):
    monkeypatch.delenv("KUBO")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match="found no program of this name in PATH"):
        kubo.spectrum("chain")


def test_missing_values():
    """At -0.5 the chain without t' has a van Hove energy, which so narrow levels do not get past."""
    with pytest.warns(kubo.MissingValues, match="^mu = -0.5: "):
        d = kubo.spectrum(
            "chain", mu=[-1.2, -0.5], set={"t_prime": 0}, temperature=0, lifetime="constant=1e-12",
            responses="Y", dressing="bare", omega=0.3,
        )
    assert numpy.isnan(d["Y.bare"]).values.tolist() == [[False], [True]]
    assert d.attrs["points.with_failures"] == "1"


LONG = dict(mu="-1.5:-0.1:200", lifetime={"constant": [0.02, 0.05, 0.1]}, omega="0:3:31", tolerance=1e-7)


def test_progress_and_interrupt(capsys):
    """The line of the program comes through, and Ctrl-C ends it with nothing lost."""
    timer = threading.Timer(2.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        kubo.spectrum("chain", **LONG, output="map.csv", progress=True)
    assert time.monotonic() - start < 10
    assert "sweep: " in capsys.readouterr().err
    # The store, and what SQLite keeps beside one that was not closed.
    assert not os.path.exists("map.csv") and os.path.exists("map.csv.sqlite")
    done = subprocess.run([os.environ["KUBO"], "sweep", "--export", "map.csv.sqlite", "--output", "part.csv"])
    assert done.returncode == 0
    assert 1 <= kubo.open("part.csv").sizes["mu"] < 200


def test_the_array_of_slurm(program):
    """The script of docs, with srun as it is without Slurm: the table of all jobs, written by the last one."""
    os.mkdir("bin")
    for name, text in (("srun", 'exec "$@"'), ("kubo", f'exec "{program}" "$@"')):
        script = pathlib.Path("bin", name)
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
    words = WORDS + ["--mu=-1:-0.5:5"]
    subprocess.run([program, *words, "--write-run", "run.yaml"], check=True, capture_output=True)
    subprocess.run([program, *words, "--output", "whole.csv"], check=True, capture_output=True)
    for job in (2, 0, 1):
        assert not os.path.exists("map.csv")
        subprocess.run(
            [repository / "docs/sweep.slurm", "run.yaml", "map.csv"],
            check=True,
            env={
                **os.environ,
                "PATH": f"bin:{os.environ['PATH']}",
                "SLURM_ARRAY_TASK_ID": str(job),
                "SLURM_ARRAY_TASK_COUNT": "3",
                "SLURM_CPUS_PER_TASK": "1",
            },
        )
    assert pathlib.Path("map.csv").read_text() == pathlib.Path("whole.csv").read_text()
