"""Emits a component as Verilog and its memories as images, for any simulator or synthesis tool."""

import shutil
import tempfile
from enum import EnumType
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]
from amaranth.lib import data

from hw.fpga.device import Device
from hw.tools import find_tool, run_tool
from sim.errors import InputError
from sim.files import atomic_path

TOP = "top"
"""Name of the outermost module."""

SCRIPT = (
    f"read_rtlil {TOP}.il; proc; pmuxtree; memory_collect; "
    f"write_verilog -norename -noattr -extmem {TOP}.v"
)
"""``proc``, ``pmuxtree``: plain ``always`` blocks and multiplexers, which every simulator
understands (Icarus 11 does not start ``always @*`` at time 0, nor call functions with ``$`` in
their names); ``-extmem``: memories in own files.
"""


def to_rtlil(component: Any, device: Device | None = None) -> str:
    """Return a component in yosys' own language, memories included; its ports are those of the
    emitted Verilog.

    :param device: what it is synthesised for, and may contain primitives of; None: for any
        simulator.
    """
    return rtlil.convert(component, name=TOP, platform=device, emit_src=False)


def describe_ports(component: Any) -> str:
    """Return the bits of every structured port as Verilog comments: ``// o__payload[1:0]
    outcome.status``, ...
    """
    lines: list[str] = []
    for path, _, value in component.signature.flatten(component):
        if isinstance(value, data.View):
            lines += _fields("__".join(map(str, path)), value.shape(), "", 0)
    return "".join(f"// {line}\n" for line in lines)


def _fields(port: str, layout: data.Layout, prefix: str, offset: int) -> list[str]:
    """Return a line for each field of a port, those of structures in it one by one."""
    lines: list[str] = []
    for key, field in layout:
        index, name = offset + field.offset, f"{prefix}{key}"

        if isinstance(field.shape, data.Layout):
            lines += _fields(port, field.shape, f"{name}.", index)
        else:
            values = (
                [f"{each.value} {each.name}" for each in field.shape]
                if isinstance(field.shape, EnumType)
                else []
            )
            bits = f"{port}[{index + field.width - 1}:{index}]"
            lines.append(f"{bits} {name} {', '.join(values)}".rstrip())
    return lines


def write_verilog(text: str, path: Path, heading: str = "") -> list[Path]:
    """Write what :func:`to_rtlil` gave as Verilog, its memories beside it as ``NAME-1.mem``, ...;
    return all files.

    The Verilog names its memory images relative to the simulator's working directory. Ports are
    called as in Amaranth, with ``__`` between the parts: ``i__payload``, ``i__valid``,
    ``i__ready``; structs are packed, first field lowest, see :func:`describe_ports`.

    :param heading: goes before everything.
    :raises InputError: yosys fails, or the folder cannot be written.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / f"{TOP}.il").write_text(text)
        ended = run_tool([find_tool("yosys"), "-q", "-p", SCRIPT], folder)
        if ended.failure is not None:
            raise InputError(f"{path}: yosys {ended.failure} (command: {ended.line}).")

        written = [path]
        for file in sorted(folder.glob(f"{TOP}-*.mem")):
            written.append(path.parent / file.name.replace(TOP, path.stem, 1))
            with atomic_path(written[-1]) as beside:
                shutil.copyfile(file, beside)

        verilog = (folder / f"{TOP}.v").read_text().replace(f'("{TOP}-', f'("{path.stem}-')
        with atomic_path(path) as beside:
            beside.write_text(heading + verilog)
    return written
