"""Bugs in windows, sums, starts and several spikes, for ``mutants.py``: name, file, text, and what
takes its place.
"""

WINDOW = (
    (
        "window opens at a wrong level",
        "hw/machine/window.py",
        "-neuron.threshold * (neuron.window[1] + 1)",
        "-neuron.threshold * neuron.window[1]",
    ),
    (
        "level of a window does not fall",
        "hw/machine/window.py",
        "0 if layer.output else layer.layer.threshold",
        "0",
    ),
    (
        "a potential is too narrow in a window",
        "hw/machine/window.py",
        "max(bounds.high - neuron.threshold, 0)",
        "max(bounds.high // 2 - neuron.threshold, 0)",
    ),
    (
        "a fold at its lowest level is not visited",
        "hw/machine/window.py",
        "least = layer.layer.threshold + self.origin",
        "least = layer.layer.threshold + self.origin + 1",
    ),
    (
        "word of another image added",
        "hw/machine/window.py",
        "write_1.eq(write & ~order.clear)",
        "write_1.eq(write)",
    ),
    (
        "spikes of the last fold not waited for",
        "hw/machine/window.py",
        "passes.busy | asked[1] | more",
        "passes.busy | asked[1]",
    ),
    (
        "copies of a group too late",
        "hw/machine/window.py",
        "m.d.sync += weight_0.eq(self.weight)",
        "m.d.comb += weight_0.eq(self.weight)",
    ),
    ("window fires again", "hw/machine/neuron.py", "moved[-1] | asked", "moved[-1]"),
    (
        "a bit of the ticks that are left is ignored",
        "hw/machine/neuron.py",
        "range(max(lefts).bit_length())",
        "range(max(lefts).bit_length() - 1)",
    ),
    ("sign of a weight turned", "hw/machine/neuron.py", "Mux(weight < 0, -left, left)", "left"),
)
"""What a lane does."""

PASSES = (
    ("window opens early", "hw/machine/passes.py", "(self.left == 1)", "(self.left == 2)"),
    (
        "ticks that are left from tick 1 on",
        "hw/machine/passes.py",
        "self.left.eq(self.end + self.parameters.eager)",
        "self.left.eq(self.end)",
    ),
    ("one pass too few", "hw/machine/passes.py", "again.eq(self.count - 1)", "again.eq(0)"),
    (
        "list of folds not emptied",
        "hw/machine/passes.py",
        "[length.eq(0), lower.eq(0)]",
        "lower.eq(0)",
    ),
    (
        "upper half of the folds begins late",
        "hw/machine/passes.py",
        "upper_0.eq(position >= lower)",
        "upper_0.eq(position > lower)",
    ),
    (
        "list grows in later passes",
        "hw/machine/passes.py",
        "ask_1.eq(self.ask & self.opening & ~self.clear)",
        "ask_1.eq(self.ask & ~self.clear)",
    ),
    (
        "pass goes on in the next image",
        "hw/machine/passes.py",
        "self.ask.eq(reading & ~self.clear)",
        "self.ask.eq(reading)",
    ),
)
"""When which folds are asked."""

START = (
    (
        "start seen in place of the state",
        "hw/machine/state.py",
        "sweeping_1.eq(sweeping)",
        "sweeping_1.eq(1)",
    ),
    ("start of another fold", "hw/machine/state.py", "depth + folds.phase", "depth"),
    (
        "start of a lane without a neuron",
        "hw/machine/state.py",
        "starts = np.zeros(layer.folds * lanes, np.int64)",
        "starts = np.full(layer.folds * lanes, layer.layer.starts()[0], np.int64)",
    ),
    (
        "nobody fires at tick 0",
        "hw/machine/sequencer.py",
        'first = "BEGIN" if self.eager else "DELIVER"',
        'first = "DELIVER"',
    ),
)
"""What an image starts from."""

SPIKES = (
    (
        "a spike is taken from the current first",
        "hw/machine/neuron.py",
        "advanced.eq(potential + current - ",
        "advanced.eq(potential + added - ",
    ),
    (
        "nothing is taken from the current",
        "hw/machine/neuron.py",
        "Mux(spiked, -self.threshold, 0)",
        "Const(0)",
    ),
    (
        "limit ignored",
        "hw/machine/neuron.py",
        "allowed = lane.state.spikes != self.limit",
        "allowed = lane.state.spikes == lane.state.spikes",
    ),
    (
        "level of the tick before",
        "hw/machine/neurons.py",
        "(layer.ticks_per_unit + 1 - layer.eager)",
        "(layer.ticks_per_unit - layer.eager)",
    ),
    (
        "level does not grow",
        "hw/machine/neurons.py",
        "level.eq(level + threshold)",
        "level.eq(level)",
    ),
)
"""Spikes that are subtracted."""

FINAL = (
    ("sums shown a tick early", "hw/machine/neurons.py", "remaining == 1", "remaining == 2"),
    (
        "a verdict awaited at tick 0",
        "hw/machine/sequencer.py",
        "self.advance & self.deliver & (self.tick",
        "self.advance & (self.tick",
    ),
    (
        "final: timed out",
        "hw/machine/sequencer.py",
        "Status.TIMED_OUT if self.network.early else Status.DECIDED",
        "Status.TIMED_OUT",
    ),
    ("final: no winner", "hw/readouts/final.py", "eq(front.o.payload.winner)", "eq(0)"),
)
"""Outputs that only sum."""

ALL = (*WINDOW, *PASSES, *START, *SPIKES, *FINAL)

SOFTWARE = (
    (
        "sim: level of a window a tick late",
        "sim/neuron.py",
        "self.threshold * (begin + length - tick)",
        "self.threshold * (begin + length - tick - 1)",
    ),
    (
        "sim: a window sums a tick longer",
        "sim/neuron.py",
        "tick <= self.window[0]",
        "tick <= self.window[0] + 1",
    ),
    (
        "sim: several spikes take a tick too little",
        "sim/neuron.py",
        "threshold * (self.ticks_per_unit + self.tick)\n",
        "threshold * (self.ticks_per_unit + self.tick - 1)\n",
    ),
    (
        "sim: spikes of one source counted once in the bounds",
        "sim/bounds.py",
        "spikes = min(premise.spikes_per_source, ticks + 1)",
        "spikes = 1",
    ),
    (
        "sim: a convolution forgets its padding",
        "sim/connections/convolution.py",
        "kernel_x = x + self.padding - output_x * self.stride",
        "kernel_x = x - output_x * self.stride",
    ),
)
