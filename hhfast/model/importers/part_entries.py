"""The entries of one part in the model's file: channels with their gates or scheme, and pools."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, Any

from hhfast.model.importers.expressions import Expr, binary, divide, multiply, number, text, value_of, variable
from hhfast.model.importers.part import ChannelForm, StateForm
from hhfast.model.importers.part_writer import PartWriter

if TYPE_CHECKING:
    from hhfast.model.importers.assemble import Assembly


class PartEntries:
    """The entries of one part, its formulas written by a `PartWriter`."""

    def __init__(self, writer: PartWriter) -> None:
        self.writer, self.part, self.index = writer, writer.part, writer.index
        self.all: Assembly = writer.all

    def channels(self) -> dict[str, Any]:
        owners = self._owners()
        found: dict[str, Any] = {}
        for channel in self.part.channels:
            found[self.all.channel_names[id(channel)]] = self._channel(channel, owners)
        return found

    def _owners(self) -> dict[str, ChannelForm]:
        """The channel whose entry holds a gate: the first that depends on it, else the first of all."""
        owners = {}
        bases = {id(c): self.part.table.bases(_whole(c)) for c in self.part.channels}
        for state in self.part.states:
            plain = state.law.is_gate and state.unit == "1"
            if plain and self.part.channels and not any(c.scheme for c in self.part.channels):
                users = [c for c in self.part.channels if state.name in bases[id(c)]]
                owners[state.name] = (users or self.part.channels)[0]
        return owners

    def _channel(self, channel: ChannelForm, owners: dict[str, ChannelForm]) -> dict[str, Any]:
        mine = [s for s in self.part.states if owners.get(s.name) is channel]
        entry: dict[str, Any] = {}
        powers: dict[str, int] | None = {}
        if channel.g is not None:
            entry["g"] = float(channel.g)
        if channel.current is not None:
            self.writer.replaced["g@"] = variable(f"g_{self.all.channel_names[id(channel)]}")
            entry["current"] = self.writer.text(channel.current)
        else:
            assert channel.reversal is not None
            entry["E"] = self._reversal(channel.reversal)
            powers = _powers(channel.opening, {s.name for s in mine})
            if powers is None and channel.scheme is None:
                entry["open"] = self.writer.text(_product(channel.opening))
        if channel.scheme is not None:
            entry["scheme"] = self._scheme(channel)
        if mine:
            entry["gates"] = {
                self.all.state_names[self.index, s.name]: self._gate(s, (powers or {}).get(s.name, 1)) for s in mine
            }
        return entry

    def _reversal(self, e: Expr) -> float | str:
        if (value := value_of(self.part.table.opened(e))) is not None:
            return value
        found = self.writer.expression(e)
        if (
            isinstance(e, ast.Name)
            and isinstance(found, ast.Name)
            and found.id.startswith("E_")
            and e.id in self.part.parameters
        ):
            return float(self.part.parameters[e.id][0])
        return text(found)

    def _gate(self, state: StateForm, power: int) -> dict[str, Any]:
        entry: dict[str, Any] = {} if power == 1 else {"power": power}
        entry |= {key: self.writer.text(e) for key, e in state.law.formulas.items()}
        if state.initial is not None:
            entry["initial"] = state.initial if isinstance(state.initial, float) else self.writer.text(state.initial)
        return entry

    def _scheme(self, channel: ChannelForm) -> dict[str, Any]:
        scheme = channel.scheme
        assert scheme is not None
        names = {x: self.all.state_names[self.index, x] for x in scheme.states}
        opening = _product(channel.opening) if channel.current is None else variable(scheme.states[-1])
        write = self.writer.text
        entry: dict[str, Any] = {
            "states": list(names.values()),
            "transitions": [[names[a], names[b], write(f), write(g)] for a, b, f, g in scheme.reactions],
            "open": write(opening),
        }
        return entry | ({"initial": {names[x]: v for x, v in scheme.initial.items()}} if scheme.initial else {})

    def pools(self) -> dict[str, Any]:
        write = self.writer.text
        owners = self._owners()
        found = {}
        for s in self.part.states:
            if s.name in owners:
                continue
            f = s.law.formulas
            a, b = f.get("a"), f.get("b")
            if "inf" in f:
                a, b = divide(f["inf"], f["tau"]), divide(number(1), f["tau"])
            elif "alpha" in f:
                a, b = f["alpha"], binary(f["alpha"], ast.Add(), f["beta"])
            assert a is not None
            assert b is not None
            initial = "steady" if s.initial is None else s.initial
            start = initial if isinstance(initial, (float, str)) else write(initial)
            entry = {"unit": s.unit, "initial": start, "a": write(a), "b": write(b)}
            found[self.all.state_names[self.index, s.name]] = entry
        return found

    def entries(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Channels and pools; the first has the part's parameters."""
        channels, pools = self.channels(), self.pools()
        first: dict[str, Any] = next(iter((*channels.values(), *pools.values())), {})
        last: dict[str, Any] = {key: first.pop(key) for key in ("scheme", "gates") if key in first}
        if self.writer.parameters:
            first["parameters"] = self.writer.parameters
        first.update(last)
        return channels, pools


def _whole(channel: ChannelForm) -> Expr:
    return channel.current if channel.current is not None else _product(channel.opening)


def _product(factors: list[Expr]) -> Expr:
    result = number(1)
    for f in factors:
        result = multiply(result, f)
    return result


def _powers(opening: list[Expr], gates: set[str]) -> dict[str, int] | None:
    """The exponents of gates, where the opening is their product and nothing else."""
    found: Counter[str] = Counter()
    for f in opening:
        match f:
            case ast.Name(id=name) if name in gates:
                found[name] += 1
            case ast.BinOp(left=ast.Name(id=name), op=ast.Pow(), right=ast.Constant(value=int() as power)) if (
                name in gates and power >= 1
            ):
                found[name] += power
            case _:
                return None
    return dict(found) if set(found) == gates else None
