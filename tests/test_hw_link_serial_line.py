"""Serial ports: what cannot be opened is explained, and what is written arrives."""

import threading

import pytest

from hw.bench.emulate import Terminal
from hw.link.exchange import Exchange, LinkError
from hw.link.frame import MOST_PAYLOAD, Kind
from hw.link.serial_line import SerialLine
from sim.errors import InputError


def test_bytes_pass_in_both_directions_and_silence_ends():
    """Every value of a byte, more of them than a terminal holds at once."""
    terminal, sent = Terminal(), bytes(range(256)) * 64
    line, there, back = SerialLine(terminal.port), bytearray(), bytearray()
    writers = [
        threading.Thread(target=each.write, args=(sent,), daemon=True) for each in (line, terminal)
    ]
    for writer in writers:
        writer.start()
    while len(there) < len(sent) or len(back) < len(sent):
        there += terminal.read(0.01)
        back += line.read(0.01)
    for writer in writers:
        writer.join()
    assert (bytes(there), bytes(back)) == (sent, sent)

    assert line.read(0.05) == b""
    assert line._serial.timeout == 0.05, "as long as it was told"
    line.close()
    terminal.close()


def test_its_clock_is_that_of_this_computer(monkeypatch):
    terminal = Terminal()
    line = SerialLine(terminal.port)
    monkeypatch.setattr("time.monotonic", lambda: 12.5)
    now_s = line.seconds()
    monkeypatch.undo()
    assert now_s == 12.5
    line.close()
    terminal.close()


def test_port_that_cannot_be_used_is_explained(tmp_path):
    with pytest.raises(InputError, match="no such port"):
        SerialLine(str(tmp_path / "none"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be opened"):
        SerialLine(str(tmp_path / "file"))


def test_busy_port_is_explained():
    terminal = Terminal()
    line = SerialLine(terminal.port)
    with pytest.raises(InputError, match="another program"):
        SerialLine(terminal.port)
    line.close()
    terminal.close()


def test_a_port_that_takes_no_more_bytes_is_gone(monkeypatch):
    """Whoever offered it stopped reading: a write that waits would never end."""
    monkeypatch.setattr("hw.link.serial_line.WRITE_PATIENCE_S", 0.1)
    terminal = Terminal()
    line = SerialLine(terminal.port)
    with pytest.raises(LinkError, match="is gone after 0 answers"):
        list(Exchange(line, 0.01, 3).run([(Kind.CLASSIFY, bytes(MOST_PAYLOAD))] * 9, 9))
    line.close()
    terminal.close()


def test_requests_that_nobody_answers_end(monkeypatch):
    terminal = Terminal()
    line = SerialLine(terminal.port)
    with pytest.raises(LinkError, match="no answer to request 1 after 3 tries"):
        list(Exchange(line, 0.01, 3).run([(Kind.READ, b"a")] * 9, 2))
    line.close()
    terminal.close()
