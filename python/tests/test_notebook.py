# SPDX-License-Identifier: GPL-3.0-or-later
"""The notebook runs from its first cell to its last, and finds the resonance where it is."""

import re

import nbclient
import nbformat
from conftest import repository


def test_map(tmp_path):
    notebook = nbformat.read(repository / "python/examples/map.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    places = re.findall(r"J = (\S+): largest at omega = (\S+)\n", text)
    assert len(places) == 9
    for exchange, place in places:
        # Delta_k lies above J, by t^2 / J or so.
        assert 0 <= float(place) - 2 * float(exchange) <= 0.15
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert (tmp_path / "map.png").stat().st_size > 10000
