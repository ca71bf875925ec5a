# SPDX-License-Identifier: GPL-3.0-or-later
"""Sweeps on the ranks of MPI, by a program that was built with the trait MPI: the same tables, and nothing lost."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

pytestmark = [
    pytest.mark.skipif("KUBO_WITH_TRAITS" not in os.environ, reason="no program with traits was built"),
    pytest.mark.skipif(shutil.which("mpirun") is None, reason="there is no mpirun"),
]
SWEEP = "spectrum chain --mu=-1:-0.5:5 --lifetime constant=0.1,0.2 --omega 0,0.4 --responses sigma --tolerance 1e-2".split()


def program():
    return os.environ["KUBO_WITH_TRAITS"]


def launcher(count):
    return ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(count), program()]


def run(*words, status=0, **environment):
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == status, done.stderr
    return done


def says(done):
    """What the program says, without what the launcher adds."""
    return [line for line in done.stderr.splitlines() if line.startswith("kubo: ")]


def test_the_same_table():
    """For any number of ranks and threads, of a run file too; only the first rank speaks."""
    run(program(), *SWEEP, "--output", "one.csv", "--threads", "1")
    run(program(), *SWEEP, "--write-run", "run.yaml")
    for count, words in ((2, SWEEP), (3, ["sweep", "run.yaml"]), (4, [*SWEEP, "--threads", "2"])):
        path = f"{count}.csv"
        done = run(*launcher(count), *words, "--output", path)
        assert done.stdout == f"10 of 10 points\nwritten: {path}\n" and says(done) == []
        assert pathlib.Path(path).read_text() == pathlib.Path("one.csv").read_text()
    done = run(*launcher(2), "spectrum", "chain", "--omega", "0.4", "--responses", "sigma", "--tolerance", "1e-2")
    assert done.stdout.count("\nomega,") == 1


def test_faults():
    """Of the first point once and at once, of others in the table."""
    done = run(*launcher(3), *SWEEP, "--set", "K=1", status=64)
    assert len(says(done)) == 1 and 'found no parameter "K" that could be set' in done.stderr
    words = "coefficients chain --mu=-0.5 --set t_prime=0.1,0,0.2 --temperature 0 --tolerance 1e-3".split()
    done = run(*launcher(2), *words, "--output", "a.csv", status=80)
    assert done.stdout == "3 of 3 points\nwritten: a.csv\n"
    assert len(says(done)) == 1 and says(done)[0].startswith("kubo: parameter.t_prime = 0.0: ")
    run(program(), *words, "--output", "b.csv", status=80)
    assert pathlib.Path("a.csv").read_text() == pathlib.Path("b.csv").read_text()


@pytest.mark.parametrize("size", ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_another_launcher(size):
    rank = {"OMPI_COMM_WORLD_SIZE": "OMPI_COMM_WORLD_RANK", "PMI_SIZE": "PMI_RANK"}.get(size, "SLURM_PROCID")
    done = run(program(), *SWEEP, "--output", "a.csv", status=69, **{size: "4", rank: "0"})
    assert done.stderr.startswith("kubo: mpirun: found 4 processes of a launcher, of which Open MPI v")
    assert done.stderr.endswith(" knows one; expected the launcher of this library, or --shard\n")
    assert run(program(), *SWEEP, "--output", "a.csv", status=69, **{size: "4", rank: "1"}).stderr == ""
    assert os.listdir() == []
    run(program(), *SWEEP, "--shard", "1/2", "--output", "a.csv", **{size: "4", rank: "1"})


def test_a_rank_that_dies():
    words = [word.replace(":5", ":30") for word in SWEEP]
    run(program(), *words, "--output", "one.csv")
    # mpirun sends SIGKILL a second after SIGTERM, too soon for the last words of a rank on a busy machine.
    process = subprocess.Popen(
        [*launcher(4), *words, "--output", "a.csv"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMPI_MCA_odls_base_sigkill_timeout": "5"},
    )
    deadline = time.monotonic() + 60
    while not done("a.csv.sqlite"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    message = (
        "kubo: interrupted, as all ranks are when one ends; what is done is in a.csv.sqlite, and the same command goes on"
    )
    assert message in errors.splitlines() and "exited on signal 9" in errors
    again = run(*launcher(2), *words, "--output", "a.csv")
    assert again.stdout == "60 of 60 points\nwritten: a.csv\n"
    assert " points are done; " in again.stderr
    assert pathlib.Path("a.csv").read_text() == pathlib.Path("one.csv").read_text()


def done(store):
    """Whether a store has a point."""
    export = subprocess.run([program(), "sweep", "--export", store], capture_output=True)
    return export.returncode == 0
