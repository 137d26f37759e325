"""The neurons of a network's first layer, alone: in software and in hardware, over whole images."""

import numpy as np

from hw.parameters import MachineParameters
from random_networks import any_network, random_images
from testbenches import pulse, simulate

IMAGES = 3


def first_layer(seed, lazy):
    """Draw a dense network whose first layer adds weights times the ticks that are left, or keeps a
    current; return the network and the layer, with any number of lanes.
    """
    rng = np.random.default_rng(seed)
    while True:
        network = any_network(int(rng.integers(1 << 32)), dense=True)
        widest = max(layer.fan_out for layer in network.layers)
        lanes = widest if rng.random() < 0.4 else int(rng.integers(1, widest + 1))
        group = int(rng.integers(1, 2 * widest))
        layer = MachineParameters(network, lanes, group=group).layers[0]
        if bool(layer.lefts) == lazy:
            return network, layer


def software(network, image):
    """What each tick's folds carry: the potentials of outputs, else the neurons that fire."""
    layer, alone = network.layers[0], len(network.layers) == 1
    twin, found = layer.neurons(network.ticks_per_unit), []
    spikes = network.encoder.spikes(image)
    for tick in range(network.last_tick + 1):
        if tick > 0:
            twin.advance()
        found.append(twin.potential.tolist() if alone else twin.fire().tolist())
        for spike in spikes:
            if spike.tick == tick:
                twin.deliver(spike.neuron)
    return found


class Driver:
    """Runs images through the neurons, with random pauses; ``found`` has what each tick gave."""

    def __init__(self, network, layer, dut, rng):
        self.network, self.layer, self.dut, self.rng = network, layer, dut, rng
        self.words = layer.rows.pack()
        self.found = []

    def run(self, images):
        """Run images uint8 (n, height, width)."""

        async def testbench(ctx):
            for image in images:
                await self._run(ctx, image)

        simulate(self.dut, testbench)

    async def _run(self, ctx, image):
        self.found.append([])

        # A word of the image before may still come in the cycle that clears.
        word = self.words[int(self.rng.integers(len(self.words)))]
        ctx.set(self.dut.weight, self.layer.rows.word.from_bits(word))
        ctx.set(self.dut.deliver, int(self.rng.integers(2)))
        await pulse(ctx, self.dut.clear)
        ctx.set(self.dut.deliver, 0)
        spikes = self.network.encoder.spikes(image)
        for tick in range(self.network.last_tick + 1):
            self.found[-1].append([])
            if tick > 0 or self.layer.eager:
                await self._advance(ctx)
            for spike in spikes:
                if spike.tick == tick:
                    await self._deliver(ctx, spike.neuron)

    async def _cycle(self, ctx):
        dut = self.dut
        *_, valid, fold = await ctx.tick().sample(dut.o.valid, dut.o.payload)
        if not valid:
            return
        values = fold.potential if self.layer.output else fold.fires
        for lane in range(min(self.layer.lanes, self.layer.layer.fan_out - fold.first_neuron)):
            if self.layer.output:
                self.found[-1][-1].append(values[lane])
            elif values >> lane & 1:
                self.found[-1][-1].append(fold.first_neuron + lane)

    async def _pause(self, ctx):
        while self.rng.random() < 0.3:
            await self._cycle(ctx)

    async def _deliver(self, ctx, row):
        layer, dut = self.layer, self.dut
        for fold in range(layer.folds):
            await self._pause(ctx)
            ctx.set(dut.weight, layer.rows.word.from_bits(self.words[row * layer.folds + fold]))
            ctx.set(dut.deliver, 1)
            await self._cycle(ctx)
            ctx.set(dut.deliver, 0)

    async def _advance(self, ctx):
        last = 0
        while not last:
            await self._pause(ctx)
            last = ctx.get(self.dut.last)
            ctx.set(self.dut.advance, 1)
            await self._cycle(ctx)
            ctx.set(self.dut.advance, 0)
        while ctx.get(self.dut.late):
            await self._cycle(ctx)

        # The last fold is on ``o`` in the cycle after that.
        await self._cycle(ctx)


def assert_as_in_software(seed, lazy, make):
    """Compare the neurons that ``make`` builds with their twin, tick by tick."""
    network, layer = first_layer(seed, lazy)
    images = random_images(network, IMAGES, seed)
    driver = Driver(network, layer, make(layer), np.random.default_rng(seed))
    driver.run(images)

    for image, found in zip(images, driver.found, strict=True):
        expected = software(network, image)
        # Outputs that do not fire are shown once.
        if not layer.layer.neuron.fires:
            expected[:-1] = [[] for _ in expected[:-1]]
        # Nothing is shown of a tick to which nobody advances.
        elif layer.output and not layer.eager:
            expected[0] = []
        assert found == expected
