"""The registers, as gateware and as documentation."""

import random
from dataclasses import asdict
from pathlib import Path

import pytest

from hw.link.registers import (
    IDENTITY,
    PROTOCOL,
    REGISTERS,
    RegisterFile,
    address,
    layers_to_load,
    markdown,
    rule_registers,
    to_load,
)
from sim.learning.supervised import Rule
from testbenches import simulate


def test_every_register_has_its_value_and_no_other_address_any():
    rng = random.Random(1)
    rule = Rule(3, 50, 2, 7)
    names = ("digest", "clock_hz", "window", "lanes", "to_load")
    constants = {name: rng.getrandbits(32) for name in names} | rule_registers(rule)
    dut = RegisterFile(constants)
    counted = {name: rng.getrandbits(bits) for name, bits in dut.counted.items()}
    expected = {"identity": IDENTITY, "protocol": PROTOCOL, **constants, **counted}

    async def testbench(ctx):
        for name, value in counted.items():
            ctx.set(getattr(dut, name), value)
        for index in range(256):
            ctx.set(dut.address, index)
            assert ctx.get(dut.known) == (index < len(REGISTERS))
            if index < len(REGISTERS):
                assert ctx.get(dut.value) == expected[REGISTERS[index].name]
                assert address(REGISTERS[index].name) == index

    simulate(dut, testbench)
    assert {register.name for register in REGISTERS} == set(expected)


@pytest.mark.parametrize(
    ("loaded", "shared", "value", "layers"),
    [(None, (), 0, []), (1, (), 2, [1]), (0, (0, 2), 1 | 0b101 << 8, [0, 2])],
)
def test_a_host_learns_which_layers_it_must_load(loaded, shared, value, layers):
    assert to_load(loaded, shared) == value
    assert layers_to_load(value) == layers


def test_a_rule_is_a_register_for_each_constant_and_none_is_zeros():
    rule = Rule(3, 50, 2, 7)
    assert rule_registers(rule) == {"learns": 1, **asdict(rule)}
    assert rule_registers(None) == {"learns": 0, **dict.fromkeys(asdict(rule), 0)}


def test_there_is_no_address_of_what_is_not_there():
    with pytest.raises(KeyError, match="weights"):
        address("weights")


def test_documentation_has_the_registers_of_the_code():
    page = (Path(__file__).parent.parent / "docs" / "link.md").read_text()
    assert markdown() in page
