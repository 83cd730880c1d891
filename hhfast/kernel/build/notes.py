"""The equations of a model as lines for the reader of a kernel; formulas are printed from their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hhfast.model.formulas import parse
from hhfast.model.model import Channel, Gate, Model


def equations(model: Model) -> tuple[str, ...]:
    """The membrane equation, then those of the channels and their gates, then those of the pools."""
    currents = " - ".join(f"i_{channel.name}" for channel in model.channels)
    return (f"C_m V' = i_app - {currents}" if currents else "C_m V' = i_app", *_lines(model))


def _lines(model: Model) -> Iterator[str]:
    for channel in model.channels:
        yield f"i_{channel.name} = {_current(channel)}"
        for gate in channel.gates:
            yield f"    {_gate(gate, channel)}"
    for pool in model.pools:
        yield f"{pool.name}' = {_plain(pool.a)} - ({_plain(pool.b)}) * {pool.name}"


def _current(channel: Channel) -> str:
    if channel.current is not None:
        return _plain(channel.current)
    gates = [gate.name if gate.power == 1 else f"{gate.name}**{gate.power}" for gate in channel.gates]
    E = f"({_plain(channel.E)})" if isinstance(channel.E, str) else f"E_{channel.name}"
    return " * ".join([f"g_{channel.name}", *gates, f"(V - {E})"])


def _gate(gate: Gate, channel: Channel) -> str:
    texts = ", ".join(f"{key} = {_plain(text)}" for key, text in gate.formulas.items() if key != "rate_scale")
    scale = _plain(gate.rate_scale or channel.rate_scale)
    return f"{gate.name}: {texts}" + (f"; rates times {scale}" if scale != "1" else "")


def _plain(text: str) -> str:
    return ast.unparse(parse(text))
