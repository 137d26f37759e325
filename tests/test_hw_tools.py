"""Programs of others: the newer one is taken, and however one ends, it is one sentence."""

import signal
import sys

import pytest

from command_lines import sentence_of, write_network
from hw import tools
from hw.boards.table import find_board
from hw.commands.parser import main
from hw.flow.toolchain import Job, stages
from hw.tools import CAUSES, OTHER_CAUSE, Ended, find_tool, run_tool
from hw.verilog import write_verilog
from sim.errors import InputError


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a program of that code in the place of a tool."""

    def put(name, code):
        tool = tmp_path / f"my-{name}"
        tool.write_text(f"#!{sys.executable}\nimport os, sys\n{code}\n")
        tool.chmod(0o755)
        monkeypatch.setenv(name.upper().replace("-", "_"), str(tool))
        return tool

    return put


@pytest.mark.parametrize(
    ("said", "chosen"), [("Yosys 99.1 (git sha1 x)", True), ("Yosys 0.23", False), ("oops", False)]
)
def test_tool_on_the_path_is_taken_when_it_is_newer(tmp_path, monkeypatch, said, chosen):
    tool = tmp_path / "yosys"
    tool.write_text(f"#!{sys.executable}\nprint({said!r})\n")
    tool.chmod(0o755)
    monkeypatch.delenv("YOSYS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    tools._is_newer.cache_clear()
    assert (find_tool("yosys") == str(tool)) == chosen
    tools._is_newer.cache_clear()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM"])
def test_a_signal_is_named_with_its_likely_cause(name):
    number = signal.Signals[name].value
    for status in (-number, 128 + number):  # by us, by a shell around it
        failure = Ended(["x"], status, "").failure
        assert failure == f"was killed by {name}: {CAUSES.get(name, OTHER_CAUSE)}"


def test_statuses_that_are_no_signals_are_quoted():
    assert Ended(["x"], 0, "anything").failure is None
    assert Ended(["x"], 3, " \n").failure == "fails, with status 3, and says nothing"
    assert Ended(["x"], 255, "a\nERROR: no.\nb").failure == "fails, no"
    assert (
        Ended(["x"], 1, "a.cpp:1:2: error: no\ncompilation stopped").error == "a.cpp:1:2: error: no"
    )


def test_what_a_tool_says_is_in_its_file_and_it_gets_a_cache(tmp_path, stand_in, monkeypatch):
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    tool = stand_in("yosys", "print(os.environ['YOWASP_CACHE_DIR']); sys.exit(4)")
    ended = run_tool([str(tool), "a b"], tmp_path, tmp_path / "log")
    assert ended.said == (tmp_path / "log").read_text() == f"{tools.cache_folder('YoWASP')}\n"
    assert ended.line == f"{tool} 'a b'"
    with pytest.raises(InputError, match=r"no-such: cannot be run \(No such file.*\); install it"):
        run_tool(["no-such"], tmp_path)


KILLED = "os.kill(os.getpid(), 9)"


@pytest.mark.parametrize("index", [0, 1])
def test_a_stage_that_is_killed_before_it_logs_names_signal_and_command(tmp_path, stand_in, index):
    stage = stages(find_board("icebreaker"), 12e6, Job())[index]
    stand_in(stage.tool, KILLED)
    said = f"{stage.name}: {stage.tool} was killed by SIGKILL: most likely memory ran out"
    with pytest.raises(InputError, match=said) as caught:
        stage.run(tmp_path)
    assert "all it said" not in str(caught.value)
    assert f"(command, in {tmp_path}: " in str(caught.value)
    with pytest.raises(InputError, match=r"\(command: [^;]*my-"):
        stage.run(tmp_path, kept=False)


def test_a_log_is_named_where_there_is_one(tmp_path, stand_in):
    synthesis, routing = stages(find_board("icebreaker"), 12e6, Job())
    stand_in("yosys", "open('synthesis.log', 'w').write('ERROR: no top\\n'); sys.exit(1)")
    with pytest.raises(InputError, match=r"fails, no top \(.*all it said: .*/synthesis.log\)"):
        synthesis.run(tmp_path)
    packed = "Info: \t ICESTORM_LC: 3/ 5280 0%\nInfo: \t ICESTORM_RAM: 35/   30 116%"
    stand_in(routing.tool, f"print({packed!r}); print('ERROR: Unable to place cell'); sys.exit(1)")
    with pytest.raises(InputError, match="cell; 35 ICESTORM_RAM are needed and 30 there"):
        routing.run(tmp_path)
    stand_in(routing.tool, "print('ERROR: no room'); sys.exit(255)")
    with pytest.raises(InputError, match=r"fails, no room; `python -m hw check` says.*ice40.log\)"):
        routing.run(tmp_path)


def test_verilog_and_simulation_say_that_yosys_was_killed(tmp_path, stand_in, capsys, monkeypatch):
    monkeypatch.setattr("hw.bench.verilated.cache_folder", lambda: tmp_path)
    stand_in("yosys", KILLED)
    with pytest.raises(InputError, match="yosys was killed by SIGKILL"):
        write_verilog("", tmp_path / "top.v")
    write_network(tmp_path, seed=11, images=1)
    sentence = sentence_of(capsys, main, "simulate", tmp_path, "--lanes", "1")
    assert "yosys was killed by SIGKILL: most likely memory ran out" in sentence
