"""Requests are repeated by the line's clock, and by no other."""

import pytest

from hw.link.exchange import Exchange, LinkError
from hw.link.frame import Frame, Kind, Unpacker, pack


class ClockedLine:
    """Echoes requests, as a board whose every read takes ``read_s``; the first ``lost`` requests
    never arrive.
    """

    def __init__(self, read_s, reads=0, lost=0):
        self.read_s, self.reads, self.lost = read_s, reads, lost
        self.time_s, self.requests, self.ready = 0.0, [], []
        self.unpacker = Unpacker()

    def write(self, data):
        for frame in self.unpacker.feed(data):
            self.requests.append((self.time_s, frame))
            if len(self.requests) > self.lost:
                self.ready.append((self.time_s + self.reads * self.read_s, frame))

    def read(self, timeout_s):
        self.time_s += self.read_s
        due = [frame for time_s, frame in self.ready if time_s <= self.time_s]
        self.ready = [entry for entry in self.ready if entry[1] not in due]
        return b"".join(map(pack, due))

    def seconds(self):
        return self.time_s

    def close(self):
        pass


def ask(line, patience_s=2.0, tries=5):
    replies = Exchange(line, patience_s, tries).run([(Kind.READ, b"\5")], 1)
    return [reply for _, reply in replies]


def test_a_slow_simulator_is_not_a_slow_board():
    """However many looks it takes, and however long they take here: 1,000 of them are 1 s there."""
    line = ClockedLine(read_s=0.001, reads=1_000)
    (reply,) = ask(line)
    assert isinstance(reply, Frame)
    assert len(line.requests) == 1


def test_what_is_lost_is_sent_again_after_the_patience():
    line = ClockedLine(read_s=0.5, lost=2)
    ask(line)
    assert [time_s for time_s, _ in line.requests] == [0.0, 2.0, 4.0]
    assert len({frame.sequence for _, frame in line.requests}) == 1


def test_a_board_that_says_nothing_is_gone_after_all_tries():
    line = ClockedLine(read_s=0.5, lost=99)
    with pytest.raises(LinkError, match="no answer to request 1 after 3 tries"):
        ask(line, tries=3)
    assert len(line.requests) == 3
