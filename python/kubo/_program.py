# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs kubo."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping

import numpy

from ._table import open as open_table
from ._table import read


class KuboError(RuntimeError):
    """What the program says of its failure.

    ``message`` is what it wrote, without its name, ``status`` its exit status (64 wrong usage, 65 wrong data, 66 no such
    input, 80 nothing converged, ...; negative for a signal), and ``command`` the command line.
    """

    def __init__(self, message, status, command):
        super().__init__(f"{message} (exit status {status} of {shlex.join(command)})")
        self.message, self.status, self.command = message, status, command


class MissingValues(UserWarning):
    """Some values could not be computed and are NaN; the text says why."""


def spectrum(model, **options):
    """Responses against frequency; see ``run``."""
    return run("spectrum", model, **options)


def coefficients(model, **options):
    """The coefficients of the torques against mu; see ``run``."""
    return run("coefficients", model, **options)


def torque(model, **options):
    """Torques in m/s; see ``run``."""
    return run("torque", model, **options)


def compare(model, **options):
    """Bare bubbles, ladders and closed forms; see ``run``."""
    return run("compare", model, **options)


def sweep(path, **options):
    """The run of a file for ``kubo sweep``; see ``run``."""
    return run("sweep", os.fspath(path), **options)


def run(command, model, *, output=None, progress=None, program=None, **options):
    """Runs a command of the program and gives its table as a dataset.

    Options are those of the command line, with ``_`` for ``-``: ``omega="0:3:31"``, ``mu=[-1, -0.5]`` or an array, each
    number as it is to the bit, ``set={"J": 0.3}``, ``lifetime={"constant": [0.1, 0.2]}``, ``responses=["sigma", "Y"]``,
    ``per_band=True``. Several values of what is one number of a single run are an axis, as on the command line.

    output: where the table goes, if it is to stay; a sweep goes on where its store beside it ends.
    progress: whether to show how the work goes on, on standard error; without it, on terminals and in notebooks.
    program: the path of kubo; without it ``$KUBO``, or that of the ``PATH``.

    Raises ``KuboError`` with the program's message. Warns with ``MissingValues`` where values are NaN.
    """
    program = program or os.environ.get("KUBO") or shutil.which("kubo")
    if program is None:
        raise FileNotFoundError("kubo: found no program of this name in PATH; expected one, or its path in $KUBO")
    words = [os.fspath(program), command, os.fspath(model), *_words(options)]
    words += ["--output", "-" if output is None else os.fspath(output)]
    table, message, status = _call(words, _shows_progress() if progress is None else progress)
    if status == 80 and (table if output is None else os.path.exists(output)):
        warnings.warn(message, MissingValues, stacklevel=3)
    elif status != 0:
        raise KuboError(message, status, words)
    return read(table, shlex.join(words)) if output is None else open_table(output)


def _words(options):
    """The words of options."""
    words = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(option)
        elif isinstance(value, Mapping) and name == "set":
            # One for each parameter.
            words += [f"{option}={key}={_text(own)}" for key, own in value.items()]
        elif isinstance(value, Mapping):
            words.append(f"{option}=" + ",".join(f"{key}={_text(own)}" for key, own in value.items()))
        else:
            words.append(f"{option}={_text(value)}")
    return words


def _text(value):
    """A value as the command line has it; numbers with all their bits."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if numpy.ndim(value) > 0:
        return ",".join(_text(own) for own in numpy.asarray(value).tolist())
    if isinstance(value, (int, numpy.integer)):
        return str(int(value))
    return repr(float(value))


def _shows_progress():
    """Whether somebody looks: at a terminal or at a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _call(words, shows_progress):
    """Standard output, the message on standard error, and the exit status."""
    # A rank of MPI that calls the program wants a run of its own, not a part of one of all ranks.
    launchers = ("OMPI_", "PMI_", "PMIX_", "SLURM_STEP_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(launchers)}
    with tempfile.TemporaryFile() as output:
        if shows_progress:
            # The program draws its line on terminals only.
            import tty

            reader, writer = os.openpty()
            tty.setraw(writer)
            environment["TERM"] = "xterm"
        else:
            reader, writer = os.pipe()
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=writer, env=environment
            )
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        try:
            message = _follow(reader, shows_progress)
            status = process.wait()
        except BaseException:
            # The program removes what is unfinished.
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        finally:
            os.close(reader)
        output.seek(0)
        return output.read().decode(), message, status


def _follow(reader, shows_progress):
    """Passes on what comes, and gives the lines that stay, without the program's name and how it is used."""
    text = b""
    while True:
        try:
            piece = os.read(reader, 65536)
        except OSError:
            # The end of a terminal.
            piece = b""
        if not piece:
            break
        text += piece
        if shows_progress:
            sys.stderr.write(piece.decode(errors="replace"))
            sys.stderr.flush()
    lines = [line.rsplit("\x1b[K", 1)[-1].strip("\r") for line in text.decode(errors="replace").split("\n")]
    usage = next((n for n, line in enumerate(lines) if line.startswith("Usage: ")), len(lines))
    return "\n".join(line.removeprefix("kubo: ") for line in lines[:usage] if line)
