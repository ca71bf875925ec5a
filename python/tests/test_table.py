# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables as datasets: shapes, units and bits, and files that are none."""

import numpy
import pytest

import kubo

HEADER = """\
# program: kubo 0.2.0
# command: spectrum m.yaml --set J=1,2 --mu 0,1
# parameter.t: 1.0
# units.energy: t
# column.Y.bare: spin: bare loops
# unit.Y: a
# unit.sigma: e^2/hbar
# unit.sigma.static: t
# axis.parameter.J: 1,2
# unit.parameter.J: t
# axis.mu: 0,1
# model_text: name: m
# model_text: # back\\\\slash \\u{7f}
"""
NAMES = "parameter.J,mu,omega,Y.bare.re,Y.bare.im,Y.bare.err,sigma.bare.static\n"
ROWS = """\
1.0,0.0,0.1,1.0,-0.0,1e-9,7.0
1.0,0.0,0.2,2.0,20.0,1e-9,7.0
1.0,1.0,0.1,3.0,30.0,1e-9,8.0
1.0,1.0,0.2,,,,8.0
2.0,0.0,0.1,5.0,50.0,1e-9,9.0
2.0,0.0,0.2,6.0,60.0,1e-9,9.0
2.0,1.0,,,,,
"""


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write


def test_a_grid(table):
    d = kubo.open(table(HEADER + NAMES + ROWS))
    assert dict(d.sizes) == {"parameter.J": 2, "mu": 2, "omega": 2}
    assert list(d.data_vars) == ["Y.bare", "Y.bare.err", "sigma.bare.static"]
    assert d["Y.bare"].dtype == complex
    value = d["Y.bare"].sel({"parameter.J": 1, "mu": 0, "omega": 0.1}).item()
    assert value == 1 and numpy.signbit(value.imag)
    assert d["Y.bare"].sel({"parameter.J": 2, "mu": 0, "omega": 0.2}) == 6 + 60j
    # A cell, and a point without values.
    holes = numpy.isnan(d["Y.bare"])
    assert holes.sum() == 3 and holes.sel({"parameter.J": 2, "mu": 1}).all()
    assert d["sigma.bare.static"].sel({"parameter.J": 1, "mu": 1}).values.tolist() == [8, 8]
    assert d["Y.bare"].attrs == {"units": "a", "long_name": "spin: bare loops", "ancillary_variables": "Y.bare.err"}
    assert d["Y.bare.err"].attrs == {"units": "a", "long_name": "bound on the error of Y.bare"}
    assert d["sigma.bare.static"].attrs == {"units": "t"}
    assert [d[name].attrs.get("units") for name in d.dims] == ["t", "t", "t"]
    assert d.attrs["parameter.t"] == "1.0"
    assert d.attrs["model_text"] == "name: m\n# back\\slash \x7f"


def test_axes_in_step(table):
    text = HEADER.replace("--mu 0,1", "--mu 0,1 --zip")
    rows = [row for row in ROWS.splitlines(True) if row[:7] in ("1.0,0.0", "2.0,1.0")]
    d = kubo.open(table(text + NAMES + "".join(rows)))
    assert dict(d.sizes) == {"point": 2, "omega": 2}
    assert d["mu"].dims == ("point",) and d["parameter.J"].values.tolist() == [1, 2]
    assert d["Y.bare"][0].values.tolist() == [1, 2 + 20j] and numpy.isnan(d["Y.bare"][1]).all()


def test_a_path_that_returns(table):
    d = kubo.open(table("# program: kubo 0.2.0\ns,E_up_1\n0,1\n1,2\n1,3\n"))
    assert d["E_up_1"].dims == ("row",) and d["s"].values.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    "text, message",
    [
        ("a,b\n1,2\n", "found no line '# program: kubo ...'; expected a table of kubo"),
        ("#a\n", ":1: found '#a'; expected # key: value"),
        (HEADER, ":14: found no names of columns; expected a line of names"),
        (HEADER + NAMES, "found no rows; expected a table with rows"),
        (HEADER + NAMES + "1,2\n", ":15: found 2 cells; expected 7"),
        (HEADER + NAMES + ROWS + "x,0,1,2,3,4,5\n", ":22: found could not convert string to float: 'x'"),
        (HEADER + NAMES.replace("mu,", "nu,") + ROWS, "found the columns parameter.J, nu; expected the axes"),
        (HEADER + NAMES + ROWS.replace("2.0,0.0,0.1", "2.0,0.0,0.3"), "found other values of omega at some points"),
        (HEADER + NAMES + ROWS + "".join(ROWS.splitlines(True)[:2]), "found a point twice; expected each value of an axis once"),
        (HEADER + NAMES + "2.0,1.0,,,,,\n", "found no point with values; expected one with values at omega"),
    ],
)
def test_no_table(table, text, message):
    path = table(text)
    with pytest.raises(kubo.TableError) as error:
        kubo.open(path)
    assert message in str(error.value) and str(error.value).startswith(str(path))


def test_no_file():
    with pytest.raises(FileNotFoundError):
        kubo.open("none.csv")
