# SPDX-License-Identifier: GPL-3.0-or-later
"""netCDF files are the tables to the bit, by a program that was built with the trait NetCDF."""

import os
import pathlib
import sqlite3
import subprocess

import numpy
import pytest
import xarray

import kubo

pytestmark = pytest.mark.skipif("KUBO_WITH_TRAITS" not in os.environ, reason="no program with traits was built")
TAIL = ["--omega", "0,0.4", "--responses", "Y,sigma", "--tolerance", "1e-2"]
RUNS = {
    "single": ["spectrum", "chain", *TAIL, "--units", "eV=2,nm=0.3"],
    "product": ["spectrum", "chain", "--mu=-0.5:-1:3", "--set", "J=0.3,0.2", *TAIL],
    "zip": ["spectrum", "chain", "--mu=-1,-0.5", "--set", "J=0.2,0.3", "--zip", *TAIL],
    "coefficients": ["coefficients", "chain", "--mu=-1.2,0", "--set", "t_prime=0.1,0.2"],
    "self-energy": ["selfenergy", "chain", "--lifetime", "site=0.3", "--energy", "-1:1:3"],
    "sum": ["matsubara", "chain", "--count", "3", "--responses", "sigma", "--temperature", "0.1"],
}


@pytest.fixture
def traits(monkeypatch):
    monkeypatch.setenv("KUBO", os.environ["KUBO_WITH_TRAITS"])

    def run(*words, status=0):
        done = subprocess.run([os.environ["KUBO"], *words], capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        return done

    return run


def bits(values):
    return numpy.ascontiguousarray(values).view(numpy.uint64)


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS.keys())
def test_the_same_as_the_table(traits, words):
    """All values, signs of zero, units, meanings and the header."""
    traits(*words, "--output", "a.csv")
    traits(*words, "--output", "a.nc")
    table, grid = kubo.open("a.csv"), kubo.open("a.nc")
    grid = grid.drop_vars(["status", "failure"], errors="ignore")
    for own in table, grid:
        for key in ("command", "wall_time_s"):
            own.attrs.pop(key, None)
    assert grid.identical(table)
    for name in table.variables:
        assert (bits(table[name].values) == bits(grid[name].values)).all(), name
    assert "inter_sublattice:" in grid.attrs["model_text"]


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
def test_by_xarray_alone(traits, engine):
    """Dimensions, coordinates and what bounds the error need no package of ours."""
    if engine == "h5netcdf":
        pytest.importorskip("h5netcdf")
        pytest.importorskip("h5py")
    traits(*RUNS["product"], "--output", "a.nc")
    with xarray.open_dataset("a.nc", engine=engine) as d:
        assert d["Y.bare.im"].dims == ("mu", "parameter.J", "omega")
        assert d["mu"].values.tolist() == [-0.5, -0.75, -1]
        assert d["Y.bare.im"].attrs["ancillary_variables"] == "Y.bare.err"
        assert d["Y.bare.im"].encoding["_FillValue"] > 9e36
        assert d["mu"].attrs["units"] == "t" and d["Y.bare.im"].attrs["units"] == "a"
        assert d["status"].attrs["flag_meanings"] == "complete missing_values not_computed"


def test_values_that_are_missing(traits):
    """Failed and open points have the fill value, a status and a reason; the store writes it too."""
    words = "coefficients chain --mu=-0.5 --set t_prime=0,0.2 --temperature 0 --tolerance 1e-3".split()
    traits(*words, "--output", "a.nc", status=80)
    with xarray.open_dataset("a.nc", mask_and_scale=False) as d:
        fill = d["P_n.corrected"].attrs["_FillValue"]
        assert (d["P_n.corrected"] == fill).values.tolist() == [[True], [False]]
        assert d["status"].values.tolist() == [1, 0]
    with xarray.open_dataset("a.nc") as d:
        assert numpy.isnan(d["P_n.corrected"]).values.tolist() == [[True], [False]]
        assert "a van Hove energy" in d["failure"].item(0) and d["failure"].item(1) == ""
    # The points 1 and 3 of 3.
    words = RUNS["product"][:3] + TAIL
    traits(*words, "--shard", "1/2", "--output", "b.nc")
    traits("sweep", "--export", "b.nc.1-of-2.sqlite", "--output", "b.nc")
    with xarray.open_dataset("b.nc") as d:
        assert d["mu"].values.tolist() == [-0.5, -0.75, -1]
        assert d["status"].values.tolist() == [0, 2, 0]
        assert numpy.isnan(d["Y.bare.re"][:, 1]).values.tolist() == [False, True, False]


def test_whole_or_not_at_all(traits):
    """A full disk, a file that is there, an axis that differs."""
    pathlib.Path("a.nc").write_text("mine")
    assert "exists already" in traits(*RUNS["single"], "--output", "a.nc", status=73).stderr
    assert pathlib.Path("a.nc").read_text() == "mine"
    traits(*RUNS["zip"], "--output", "b.csv")
    with sqlite3.connect("b.csv.sqlite") as store:
        store.execute("UPDATE numbers SET omega = 0.5 WHERE point = 1 AND row = 1")
    store.close()
    message = traits("sweep", "--export", "b.csv.sqlite", "--output", "b.nc", status=64).stderr
    assert message == "kubo: b.nc: found other values of omega at some points; " \
        "expected the same at all points, as by --omega, or another ending than .nc\n"
    assert sorted(os.listdir()) == ["a.nc", "b.csv", "b.csv.sqlite"]
    if os.geteuid() == 0:
        script = "mkdir disk; mount -t tmpfs -o size=16k none disk && " \
            'KUBO_HOME="$1" "$KUBO" ${@:2} --output disk/a.nc; echo $?; ls -A disk'
        home = str(pathlib.Path(__file__).parents[2])
        done = subprocess.run(["unshare", "-m", "bash", "-c", script, "sh", home, *RUNS["single"]],
                              capture_output=True, text=True)  # fmt: skip
        assert done.stdout == "74\n", done.stderr
        assert done.stderr.startswith("kubo: cannot write 'disk/a.nc': ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS.keys())
def test_read_by_the_program(traits, words):
    """A file can be computed again, and its pictures are those of the table."""
    traits(*words, "--output", "a.nc")
    assert "all numbers are the same to the bit" in traits("rerun", "a.nc").stdout
    if words is RUNS["coefficients"]:
        traits(*words, "--output", "a.csv")
        for name in ("a.csv", "a.nc"):
            traits("plot", name, "--map", "P_n.corrected", "--output", f"{name}.svg")
        assert pathlib.Path("a.csv.svg").read_text() == pathlib.Path("a.nc.svg").read_text()


def test_files_of_others(traits):
    """Of another program, damaged, or cut off: one line, and no crash."""
    traits(*RUNS["single"], "--output", "a.nc")
    # Behind its end the library leaves room.
    whole = pathlib.Path("a.nc").read_bytes().rstrip(b"\0")
    xarray.Dataset({"x": ("y", [1.0, 2.0])}).to_netcdf("other.nc")
    for n, content in enumerate([b"", b"CDF", whole[: len(whole) // 2], whole[:-1], bytes(4096)]):
        pathlib.Path(f"{n}.nc").write_bytes(content)
        message = traits("plot", f"{n}.nc", "--output", "p.svg", status=65).stderr
        assert message.startswith(f"kubo: {n}.nc: found ") and message.count("\n") == 1
    assert traits("plot", "other.nc", "--output", "p.svg", status=65).stderr == (
        "kubo: other.nc: found a file of another program; expected a netCDF file that kubo has written\n"
    )
    assert traits("plot", "none.nc", "--output", "p.svg", status=66).stderr.startswith("kubo: cannot read 'none.nc': no such file")
