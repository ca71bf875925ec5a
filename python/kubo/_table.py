# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the tables of kubo."""

import csv
import os
import pathlib
import re
import shlex

import numpy
import xarray


class TableError(ValueError):
    """A file that is no table of kubo, with the file, the line, what was found and what was expected."""

    def __init__(self, path, found, expected, line=None):
        place = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{place}: found {found}; expected {expected}")


def open(path):
    """The dataset of a table that kubo wrote, a CSV or a netCDF file by its ending.

    Dimensions are the axes of a sweep, or ``point`` where they went in step (``--zip``), and the axis of each single run,
    as ``omega``. The header's lines are attributes; units and meanings are attributes of the variables.
    Raises ``TableError`` for a file that is no such table, and ``OSError`` for one that cannot be read.
    """
    path = os.fspath(path)
    if path.endswith(".nc"):
        with xarray.open_dataset(path) as dataset:
            if not dataset.attrs.get("program", "").startswith("kubo "):
                raise TableError(path, "a netCDF file of another program", "one of kubo")
            dataset = dataset.load()
        # These are of the file alone.
        for key in ("Conventions", "columns"):
            dataset.attrs.pop(key)
        return _with_complex(dataset)
    try:
        return read(pathlib.Path(path).read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise TableError(path, str(error), "a text in UTF-8") from None


def read(text, path="table"):
    """The dataset of the text of a CSV table; ``path`` names it in messages."""
    header, names, rows = _parse(text, path)
    swept = [key[len("axis.") :] for key in header if key.startswith("axis.")]
    if names[: len(swept)] != swept:
        raise TableError(path, f"the columns {', '.join(names[: len(swept)])}", f"the axes {', '.join(swept)} first")
    inner = names[len(swept) :]
    axis = "omega_l" if inner[:2] == ["l", "omega_l"] else inner[0]
    table = _Grid(path, rows, names, swept, axis, "--zip" in shlex.split(header.get("command", "")))
    dataset = xarray.Dataset(attrs=header)
    for name, (dims, values) in table.coordinates.items():
        dataset.coords[name] = (dims, values, _attributes(header, name))
    for name in inner:
        if name != axis:
            dataset[name] = (table.dims, table.values(name), {**_attributes(header, name), **_bound(inner, name)})
    # Copies of the axis in other units belong to it.
    for name in [name for name in inner if name in ("l", "omega_THz", "omega_l_THz")]:
        own = numpy.array([row[names.index(name)] for row in table.first])
        dataset = dataset.drop_vars(name).assign_coords({name: (axis, own, _attributes(header, name))})
    return _with_complex(dataset)


def _parse(text, path):
    """The header, the names of the columns and the rows."""
    lines = text.split("\n")
    header, model, n = {}, [], 0
    while n < len(lines) and lines[n].startswith("#"):
        match = re.fullmatch(r"# (.+?): (.*)", lines[n])
        if not match:
            raise TableError(path, repr(lines[n]), "# key: value", n + 1)
        key, value = (_unescaped(part) for part in match.groups())
        if key == "model_text":
            model.append(value)
        else:
            header[key] = value
        n += 1
    if not header.get("program", "").startswith("kubo "):
        raise TableError(path, "no line '# program: kubo ...'", "a table of kubo")
    if model:
        header["model_text"] = "\n".join(model)
    if n == len(lines) or not lines[n]:
        raise TableError(path, "no names of columns", "a line of names", n + 1)
    names = [_unescaped(name) for name in next(csv.reader([lines[n]]))]
    rows = []
    for number, line in enumerate(lines[n + 1 :], n + 2):
        if not line and number == len(lines):
            break
        try:
            row = [float(cell) if cell else numpy.nan for cell in line.split(",")]
        except ValueError as error:
            raise TableError(path, str(error), "numbers, or nothing", number) from None
        if len(row) != len(names):
            raise TableError(path, f"{len(row)} cells", f"{len(names)}", number)
        rows.append(row)
    if not rows:
        raise TableError(path, "no rows", "a table with rows", len(lines))
    return header, names, numpy.array(rows)


def _unescaped(text):
    signs = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}
    return re.sub(
        r"\\(?:u\{([0-9a-fA-F]+)\}|(.))",
        lambda match: chr(int(match[1], 16)) if match[1] else signs.get(match[2], match[0]),
        text,
    )


class _Grid:
    """Rows on the axes of a sweep and that of each single run."""

    def __init__(self, path, rows, names, swept, axis, is_zipped):
        self.names, self.rows = names, rows
        count = len(swept)
        # The rows of a point follow each other.
        starts = [0] + [n for n in range(1, len(rows)) if (rows[n, :count] != rows[n - 1, :count]).any()]
        groups = [rows[a:b] for a, b in zip(starts, starts[1:] + [len(rows)])] if count else [rows]
        place = names.index(axis)
        filled = [group for group in groups if not numpy.isnan(group[:, place]).any()]
        if not filled:
            raise TableError(path, "no point with values", f"one with values at {axis}")
        self.first = filled[0]
        inner = self.first[:, place]
        if any(not numpy.array_equal(group[:, place], inner) for group in filled):
            raise TableError(path, f"other values of {axis} at some points", f"the same {axis} at all points")
        if is_zipped and count:
            outer, shape = ["point"], [len(groups)]
            places = [(n,) for n in range(len(groups))]
            self.coordinates = {
                name: ("point", numpy.array([group[0, n] for group in groups])) for n, name in enumerate(swept)
            }
        else:
            outer = swept
            values = [list(dict.fromkeys(group[0, n] for group in groups)) for n in range(count)]
            shape = [len(own) for own in values]
            index = [{value: n for n, value in enumerate(own)} for own in values]
            places = [tuple(index[n][group[0, n]] for n in range(count)) for group in groups]
            self.coordinates = {name: (name, numpy.array(own)) for name, own in zip(swept, values)}
        if len(set(places)) < len(groups):
            raise TableError(path, "a point twice", "each value of an axis once")
        # Curves that return, as paths through a zone, are numbered.
        is_unique = len(set(inner)) == len(inner)
        self.dims = outer + [axis if is_unique else "row"]
        self.coordinates[axis] = (self.dims[-1], inner)
        self.shape, self.groups, self.places = shape + [len(inner)], groups, places

    def values(self, name):
        """A column on the grid; NaN where there is no value."""
        place, found = self.names.index(name), numpy.full(self.shape, numpy.nan)
        for at, group in zip(self.places, self.groups):
            # A point without values has one row, of the axes alone.
            if len(group) == self.shape[-1]:
                found[at] = group[:, place]
        return found


def _attributes(header, name):
    """The unit and the meaning of a column, as the header has them."""
    bounded = name[: -len(".err")] if name.endswith(".err") else None
    words = (bounded or name).split(".")
    if words[-1] in ("re", "im"):
        words = words[:-1]
    last = words[-1]
    # The quantity stands before the route, and levels behind it: Y.bare, dos_A_up, P_m.corrected.product.
    heads = [".".join(words[:n]) for n in range(len(words), 0, -1)] + [words[0].split("_")[0]]
    unit = _first(header, "unit.", [f"{head}.{last}" for head in heads] + [f"*.{last}"] + heads)
    energies = ("omega", "omega_l", "mu", "energy", "temperature")
    if unit is None and (name in energies or name.startswith("parameter.")):
        unit = header.get("units.energy")
    meaning = header.get(f"column.{name}")
    if meaning is None:
        meaning = f"bound on the error of {bounded}" if bounded else _first(header, "column.", heads)
    found = {"units": unit, "long_name": meaning}
    return {key: text for key, text in found.items() if text is not None}


def _first(header, family, names):
    return next((header[family + name] for name in names if family + name in header), None)


def _bound(names, name):
    """Which column bounds the error of a column, as the CF conventions say it."""
    head, _, last = name.rpartition(".")
    if last in ("err", "residual") or name.endswith(".product.err"):
        return {}
    if last == "product":
        candidates = [f"{name}.err"]
    else:
        base = head if last in ("re", "im", "static", "static_im") else name
        # Of all levels together, as dos.err.
        candidates = [f"{base}.err", f"{base.split('_')[0]}.err"] + ["err"] * base.startswith("Sigma_")
    bound = next((own for own in candidates if own in names), None)
    return {"ancillary_variables": bound} if bound else {}


def _with_complex(dataset):
    """With one complex variable for each pair of real and imaginary part."""
    variables, gone = {}, set()
    for real in dataset.data_vars:
        name = real[: -len(".re")] if real.endswith(".re") else real
        imaginary = f"{name}.im" if real.endswith(".re") else f"{name}_im" if name.endswith(".static") else None
        if imaginary in dataset.data_vars:
            parts = dataset[real], dataset[imaginary]
            values = numpy.empty(parts[0].shape, complex)
            values.real, values.imag = parts[0].values, parts[1].values
            variables[name] = (parts[0].dims, values, parts[0].attrs)
            gone.add(imaginary)
        elif real not in gone:
            variables[real] = dataset[real].variable
    kept = {name: variable for name, variable in variables.items() if name not in gone}
    return xarray.Dataset(kept, dataset.coords, dataset.attrs)
