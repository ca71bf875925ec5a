# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and runs of the program kubo as xarray datasets.

    import kubo

    d = kubo.spectrum("square", omega="0:3:31", mu=[-1, -0.5], responses="sigma")
    d["sigma.bare"].real.plot(hue="mu")

A variable is called as in the program: ``d["Y.bare"]`` is complex, ``d["Y.bare.err"]`` bounds the error of its real
and of its imaginary part, and ``d["Y.bare.static"]`` is K(0). Values that could not be computed are NaN.
"""

from ._program import KuboError, MissingValues, coefficients, compare, run, spectrum, sweep, torque
from ._table import TableError, open

__all__ = [
    "KuboError",
    "MissingValues",
    "TableError",
    "coefficients",
    "compare",
    "open",
    "run",
    "spectrum",
    "sweep",
    "torque",
]
