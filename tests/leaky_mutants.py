"""Bugs in leaks, resets, rows of layers, readouts and events, for ``mutants.py``: name, file, text,
and what takes its place.
"""

SOFTWARE = (
    (
        "sim: a leak rounds down",
        "sim/fixed_point.py",
        "np.sign(value) * (np.abs(value) * factor >> 8)",
        "value * factor >> 8",
    ),
    (
        "sim: a leak rounds down in the batch",
        "sim/batch.py",
        "(product + ((product >> 63) & 255)) >> 8",
        "product >> 8",
    ),
    (
        "sim: a current leaks before it is added",
        "sim/neuron.py",
        "truncated(self.neuron.membrane, self.potential) + self.current",
        "truncated(self.neuron.membrane, self.potential + self.current)",
    ),
    (
        "sim: reset comes a tick late",
        "sim/neuron.py",
        'if self.neuron.reset == "zero":',
        'if self.neuron.reset == "zero" and self.tick > 0:',
    ),
    (
        "sim: a limit is not kept in the batch",
        "sim/batch.py",
        "spikes[neuron] >= most",
        "spikes[neuron] > most",
    ),
    (
        "sim: recurrent rows are those of the inputs",
        "sim/batch.py",
        "own + neuron - first",
        "neuron - first",
    ),
    (
        "sim: a bias is delivered at tick 1 first",
        "sim/pipeline.py",
        "if layer.bias is not None:",
        "if layer.bias is not None and tick > 0:",
    ),
    (
        "sim: a bias is counted where the sample ended",
        "sim/trace.py",
        "~np.array(ended, np.bool_)",
        "True",
    ),
    (
        "sim: fraction is forgotten",
        "sim/neuron.py",
        "weights.astype(np.int64) << self.neuron.fraction",
        "weights.astype(np.int64)",
    ),
    (
        "sim: the first bound of a spike is that of T",
        "sim/bounds.py",
        "np.minimum(high, neuron.threshold - 1)",
        "np.minimum(high, neuron.threshold - 2)",
    ),
    (
        "sim: what a reset takes is forgotten in the bounds",
        "sim/bounds.py",
        "np.where(fires, np.minimum(least, after_least), least)",
        "least",
    ),
    (
        "sim: a spent limit is forgotten in the bounds",
        "sim/bounds.py",
        'spent = neuron.limit > 0 or neuron.reset in ("once", "never")',
        'spent = neuron.reset in ("once", "never")',
    ),
    (
        "sim: responses are rounded down in the bounds",
        "sim/bounds.py",
        "-(-neuron.membrane * potential // 256) + current",
        "neuron.membrane * potential // 257 + current",
    ),
    (
        "sim: own rows are forgotten in the bounds",
        "sim/bounds.py",
        "inflow.high + inflow.own_high + inflow.bias",
        "inflow.high + inflow.bias",
    ),
    (
        "sim: an equal peak comes later",
        "sim/readouts/peak.py",
        "potential > self.potential",
        "potential >= self.potential",
    ),
    (
        "sim: an equal peak comes later in the batch",
        "sim/readouts/peak.py",
        "potential[highest] > memory[0]",
        "potential[highest] >= memory[0]",
    ),
    (
        "sim: spikes of equal counts are not compared",
        "sim/readouts/most_spikes.py",
        "potential[index] > potential[winner]",
        "potential[index] >= potential[winner]",
    ),
    (
        "sim: spikes of the last tick do not count",
        "sim/pipeline.py",
        "if network.readout.counts:",
        "if network.readout.counts and tick < network.last_tick:",
    ),
    (
        "sim: a pixel fires at its first tick only",
        "sim/encoders/intensity.py",
        "ticks[intensity, number]",
        "ticks[intensity, 0 * number]",
    ),
    (
        "sim: an event after the last tick is taken",
        "sim/encoders/events.py",
        "latest <= last_tick",
        "latest <= last_tick + 1",
    ),
    (
        "sim: an event twice is taken",
        "sim/encoders/events.py",
        "(later == 0) & (later_input == 0)",
        "(later == 0) & (later_input == 0) & (later < 0)",
    ),
    (
        "sim: a pool reaches the next cell",
        "sim/connections/pool.py",
        "coordinate // self.size for",
        "(coordinate + 1) // self.size for",
    ),
    (
        "sim: a pool is counted",
        "sim/batch.py",
        "channels if layer.stored else 0",
        "channels",
    ),
)

HARDWARE = (
    (
        "a leak rounds down",
        "hw/arithmetic.py",
        "value[-1] | ~value[:shift].any()",
        "Const(1)",
    ),
    (
        "a leak of several shifts rounds down",
        "hw/arithmetic.py",
        "Mux(value[-1], 255, 0)",
        "0",
    ),
    ("a leak shifts too little", "hw/arithmetic.py", "shift = 9 - (", "shift = 8 - ("),
    (
        "the leak carries into a weight",
        "hw/machine/neuron.py",
        "carry & lane.advance",
        "carry",
    ),
    (
        "a current does not leak",
        "hw/machine/neuron.py",
        "leaked(current, neuron.synapse), after)",
        "current, after)",
    ),
    (
        "the threshold is subtracted before the leak",
        "hw/machine/neuron.py",
        "leaky = leaked(potential, neuron.membrane)",
        "leaky = leaked(potential - taken, neuron.membrane) + taken",
    ),
    (
        "a spike does not put the potential to 0",
        "hw/machine/neuron.py",
        "return Mux(fires, 0, after)",
        "return after",
    ),
    (
        "a spike puts a potential beside a current to 0 late",
        "hw/machine/neuron.py",
        'kept = Mux(fires, 0, advanced) if self.reset == "zero" else None',
        "kept = None",
    ),
    (
        "a limit is one spike more",
        "hw/machine/neuron.py",
        "return state.spikes != lane.limit",
        "return state.spikes <= lane.limit",
    ),
    (
        "a level wider than the state is cut",
        "hw/machine/neuron.py",
        "if level >> len(bits):",
        "if level < 0:",
    ),
    (
        "a start has not leaked",
        "hw/machine/neurons.py",
        "layer.layer.neuron.membrane if leaks else HOLDS",
        "HOLDS",
    ),
    (
        "weights are not scaled by the fraction",
        "hw/machine/neuron.py",
        "weight, taken = lane.weight << neuron.fraction",
        "weight, taken = lane.weight",
    ),
    (
        "a start is swept with the word of another fold",
        "hw/machine/neurons.py",
        "phase if self.lane.keeps_current else sweep.phase",
        "phase",
    ),
    (
        "a recurrent spike reaches the next row",
        "hw/machine/own_rows.py",
        "self.fired.payload + self.layer.fan_in",
        "self.fired.payload + self.layer.fan_in - 1",
    ),
    (
        "recurrent rows come a tick late",
        "hw/machine/own_rows.py",
        "self.pending.eq(self.o.valid | due)",
        "self.pending.eq(0)",
    ),
    (
        "a spike waits for the next layer twice",
        "hw/machine/own_rows.py",
        "self.deliver & ~looked_up",
        "self.deliver",
    ),
    (
        "the bias comes once per image",
        "hw/machine/layer.py",
        "own.begin.eq(self.clear | self.advance)",
        "own.begin.eq(self.clear)",
    ),
    (
        "the bias is missing at tick 0",
        "hw/machine/layer.py",
        "own.begin.eq(self.clear | self.advance)",
        "own.begin.eq(self.advance)",
    ),
    (
        "a sum with a bias forgets it",
        "hw/parameters.py",
        "network.readout, Final) and network.layers[index].bias is None",
        "network.readout, Final)",
    ),
    (
        "an equal peak comes later",
        "hw/readouts/peak.py",
        "(front.highest > highest)",
        "(front.highest >= highest)",
    ),
    (
        "tick 0 is no peak",
        "hw/readouts/peak.py",
        "init=int(starts[first])",
        "init=-(1 << (self.parameters.potential.bits - 1))",
    ),
    (
        "potentials below 0 are above others beside equal spikes",
        "hw/readouts/most_spikes.py",
        "~potential[-1]",
        "potential[-1]",
    ),
    (
        "spikes of the last tick do not count",
        "hw/machine/neurons.py",
        "spikes[lane].eq(count)",
        "spikes[lane].eq(state.count)",
    ),
    (
        "a lane leaks while it is given a weight",
        "hw/machine/neurons.py",
        "[~deliver for deliver in delivers] if self.lane.leaks",
        "[Const(1) for deliver in delivers] if self.lane.leaks",
    ),
)
"""What lanes do with leaks and resets, and when rows of a layer's own are looked up."""

MASK = (
    (
        "mask: the first tick is read again",
        "hw/encoders/mask.py",
        "self.later[1:].eq(self.later[1:] | when[1:])",
        "self.later.eq(self.later | when)",
    ),
    (
        "mask: ticks of the last pixel only",
        "hw/encoders/mask.py",
        "self.later[1:] | when[1:]",
        "when[1:]",
    ),
    (
        "mask: ticks begin at 0",
        "hw/encoders/mask.py",
        "number + first_tick",
        "number",
    ),
)

EVENTS = (
    (
        "events: the same one twice is taken",
        "hw/encoders/events.py",
        "given.tick[: len(tick)]) > Cat(neuron, tick)",
        "given.tick[: len(tick)]) >= Cat(neuron, tick)",
    ),
    (
        "events: a bad one is what the next must follow",
        "hw/encoders/events.py",
        "m.Elif(good)",
        "m.Elif(within)",
    ),
    (
        "events: the next sample begins where this one was",
        "hw/encoders/events.py",
        ", begun.eq(0)]",
        "]",
    ),
    (
        "events: the first of the next sample is forgotten",
        "hw/encoders/events.py",
        "self.discard & ~(self.o.valid & (beat.kind == Kind.END))",
        "self.discard",
    ),
)

EVENT_LINK = (
    (
        "event link: a repeated request is given again",
        "hw/link/responder.py",
        "self.repeatable & (self.content[:16] == self.sequence)",
        "self.repeatable & (self.content[:16] != self.sequence)",
    ),
    (
        "event link: no sample ever has ended",
        "hw/link/responder.py",
        "self._answer(m, kind, self.results.valid, 1)",
        "self._answer(m, kind, Const(0, 1), 1)",
    ),
)
