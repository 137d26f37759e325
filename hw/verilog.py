"""Emits a component as Verilog and the images of its memories, for any simulator or synthesis tool."""

import shutil
import subprocess
import sys
import tempfile
from os import environ
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]

from sim.command import InputError, atomic_path

TOP = "top"
"""Name of the outermost module."""

SCRIPT = "read_rtlil {name}.il; proc; pmuxtree; memory_collect; write_verilog -norename -noattr -extmem {name}.v"
"""``proc``, ``pmuxtree``: plain ``always`` blocks and multiplexers, which every simulator understands (Icarus 11 does
not start ``always @*`` at time 0, nor call functions with ``$`` in their names); ``-extmem``: memories in own files."""


def find_tool(name: str) -> str:
    """Return the program to run for ``name``: the environment variable of that name, or the one installed with Python.

    :raises InputError: there is none.
    """
    wanted = environ.get(name.upper().replace("-", "_"), f"yowasp-{name}")
    beside = Path(sys.executable).parent / wanted
    found = str(beside) if beside.is_file() else shutil.which(wanted)
    if found is None:
        raise InputError(f"{wanted}: no such program; install it with `pip install yowasp-{name}`.")
    return found


def to_rtlil(component: Any) -> str:
    """Return a component in yosys' own language, memories included; its ports are those of the emitted Verilog."""
    return rtlil.convert(component, name=TOP, emit_src=False)


def write_verilog(text: str, path: Path) -> list[Path]:
    """Write what :func:`to_rtlil` gave as Verilog, its memories beside it as ``NAME-1.mem``, ...; return all files.

    The Verilog names its memory images relative to the simulator's working directory. Ports are called as in Amaranth,
    with ``__`` between the parts: ``i__payload``, ``i__valid``, ``i__ready``; structs are packed, first field lowest.

    :raises InputError: yosys fails, or the folder cannot be written.
    """
    name = path.stem
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{name}.il").write_text(text)
        command = [find_tool("yosys"), "-q", "-p", SCRIPT.format(name=name)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"{path}: yosys fails ({done.stderr.strip().splitlines()[-1]}); report this as a bug.")
        written = [path]
        for file in sorted(Path(folder).glob(f"{name}-*.mem")):
            written.append(path.parent / file.name)
            with atomic_path(written[-1]) as beside:
                shutil.copyfile(file, beside)
        with atomic_path(path) as beside:
            shutil.copyfile(Path(folder) / f"{name}.v", beside)
    return written
