# SPDX-License-Identifier: GPL-3.0-or-later
import os
import pathlib

import pytest

repository = pathlib.Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def program(monkeypatch, tmp_path):
    """The program that was built, for all tests, in a folder of their own."""
    monkeypatch.setenv("KUBO", os.environ.get("KUBO") or str(repository / ".build/release/kubo"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    monkeypatch.chdir(tmp_path)
    return os.environ["KUBO"]
