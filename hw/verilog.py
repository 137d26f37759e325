"""Emits a component as Verilog and its memories as images, for any simulator or synthesis tool."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from enum import EnumType
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]
from amaranth.lib import data

from hw.fpga.device import Device
from hw.tools import find_tool, run_tool
from sim.errors import InputError, require
from sim.files import AnyPath, atomic_path

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

CHECK = """
  // Without its memories the machine would run, and answer nonsense.
`ifndef SYNTHESIS
  // synthesis translate_off
  integer memory_file;
  initial begin
{files}  end
  // synthesis translate_on
`endif
"""
"""Ends a simulation that does not find a memory."""

CHECK_FILE = """\
    memory_file = $fopen("{name}", "r");
    if (memory_file == 0) begin
      $display("ERROR: {name} is not there; run the simulator in the folder of {verilog}.");
`ifdef __ICARUS__
      $finish_and_return(1);
`elsif VERILATOR
      $fatal;
`else
      $finish;
`endif
    end else
      $fclose(memory_file);
"""
"""Verilog-2005 knows no task that ends a simulation with a status; each simulator has its own."""

_NAME = re.compile(r"[^\"\\%\x00-\x1f\ud800-\udfff]+")
"""What can stand in a string of Verilog as it is."""


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


def write_verilog(text: str, path: AnyPath, heading: str = "") -> list[Path]:
    """Write what :func:`to_rtlil` gave as Verilog, its memories beside it as ``NAME-1.mem``, ...;
    return all files.

    The Verilog names its memory images relative to the simulator's working directory; a simulation
    elsewhere ends at once with an error. Ports are called as in Amaranth, with ``__`` between the
    parts: ``i__payload``, ``i__valid``, ``i__ready``; structs are packed, first field lowest, see
    :func:`describe_ports`.

    :param heading: goes before everything.
    :raises InputError: yosys fails, the folder cannot be written, or Verilog cannot say the name.
    """
    path = Path(path)
    require(
        _NAME.fullmatch(path.stem) is not None,
        "--out",
        f"Verilog cannot read files called {path.stem!r}; leave out quotes, backslashes and %",
    )
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
        verilog = _with_check(verilog, [file.name for file in written[1:]], path.name)
        with atomic_path(path) as beside:
            beside.write_text(heading + verilog)
    return written


def _with_check(verilog: str, memories: Sequence[str], name: str) -> str:
    """Return Verilog whose outermost module looks for its memories when a simulation begins."""
    if not memories:
        return verilog
    files = "".join(CHECK_FILE.format(name=memory, verilog=name) for memory in memories)
    end = verilog.index("\nendmodule", verilog.index(f"module {TOP}("))
    return f"{verilog[:end]}{CHECK.format(files=files)}{verilog[end + 1 :]}"
