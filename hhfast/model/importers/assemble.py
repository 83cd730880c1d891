"""One model file from the parts that importers found: names made unique, ions joined, formulas as text."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from hhfast.model.formulas import FUNCTIONS
from hhfast.model.importers.expressions import (
    Expr,
    add,
    binary,
    call,
    calls_of,
    divide,
    mapped,
    multiply,
    names_of,
    number,
    rewritten,
    text,
    value_of,
    variable,
)
from hhfast.model.importers.part import DEFAULTS, ChannelForm, Part, StateForm

_RESERVED = {*FUNCTIONS, "V", "t", "dt", "i_app", "np", *dir(builtins)}
_INLINE = 160  # characters up to which a formula that is used once is written in its place
_SHARED = re.compile(r"celsius|(\w+)[io]")
_UNIT_LABELS = {"": "1", "v": "volt", "us": "microsecond", "s": "second"}


class Names:
    """The names of a model, each given once."""

    def __init__(self) -> None:
        self.given: set[str] = set()

    def claim(self, wanted: str, suffix: str = "") -> str:
        """The wanted name, if it is legal and free; else one with the file's name, then with a number."""
        base = re.sub(r"[^A-Za-z0-9_]", "_", wanted).strip("_") or "x"
        base = base if base[0].isalpha() else f"x{base}"
        base = re.sub(r"^i_", "current_", base)[:60]
        endings = ["", *([f"_{suffix}"] if suffix else []), *(f"_{k}" for k in range(2, 1000))]
        name = next(n for e in endings if self.is_free(n := f"{base}{e}"))
        self.given.add(name)
        return name

    def is_free(self, name: str) -> bool:
        return name not in self.given and name not in _RESERVED and not keyword.iskeyword(name)


class Assembly:
    """The table of a model file, made of parts."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.names = Names()
        self.notes: list[str] = []
        self.shared: dict[str, dict[str, Any]] = {"C_m": {"value": 1.0, "unit": "uF cm-2"}}
        self.names.given |= {"C_m"}
        self.channel_names: dict[int, str] = {}  # of a ChannelForm, by identity
        self.state_names: dict[tuple[int, str], str] = {}  # of a state of a part
        self.shared_names: dict[str, str] = {}
        self.nernsts: set[tuple[int, str]] = set()  # (part, reversal potential) that stand for a Nernst potential
        for k, part in enumerate(parts):
            suffix = self.names_suffix(part)
            for channel in part.channels:
                name = Names.claim(_Channels(self), channel.name)
                self.channel_names[id(channel)] = name
                self.names.given |= {f"g_{name}", f"E_{name}"} if channel.g is not None else set()
            for x in _states_of(part):
                self.state_names[k, x] = self.names.claim(x, suffix)

    def names_suffix(self, part: Part) -> str:
        return part.name if len(self.parts) > 1 else ""

    def table(self, name: str, title: str) -> dict[str, Any]:
        """The file's content; `tomllib.loads` of its text gives it back."""
        channels: dict[str, Any] = {}
        pools: dict[str, Any] = {}
        formulas: dict[str, str] = {}
        functions: dict[str, Any] = {}
        for k, part in enumerate(self.parts):
            writer = PartWriter(self, k, part)
            own_channels, own_pools = writer.entries()
            channels |= own_channels
            pools |= own_pools
            formulas |= writer.formulas
            functions |= writer.functions
            self.notes += [f"{part.source}: {note}" for note in part.notes]
        for model_name, entry in self.shared.items():
            entry.setdefault("unit", "1")
            self.shared[model_name] = entry
        head = {"name": name, "title": title, "notes": " ".join(dict.fromkeys(self.notes)), "V_init": -65.0}
        found = {**head, "parameters": self.shared, "functions": functions, "formulas": formulas,
                 "channels": channels, "pools": pools}  # fmt: skip
        return {key: value for key, value in found.items() if value not in ({}, "")}

    # --- ions ---
    def setter(self, name: str) -> tuple[int, Expr] | None:
        """The part that sets a concentration, and the expression that it gives."""
        return next(((k, p.concentrations[name]) for k, p in enumerate(self.parts) if name in p.concentrations), None)

    def shared_parameter(self, name: str, value: float, unit: str) -> str:
        """A parameter that all parts have in common: the temperature, a concentration."""
        if name not in self.shared_names:
            self.shared_names[name] = self.names.claim(name)
            unit = {"celsius": "degC"}.get(name, "mM")
            self.shared[self.shared_names[name]] = {"value": value, "unit": unit}
        elif self.shared[self.shared_names[name]]["value"] != value:
            kept = self.shared[self.shared_names[name]]["value"]
            self.notes.append(f"The files give {name} different values; it is {kept:g}.")
        return self.shared_names[name]

    def is_nernst(self, part: int, name: str) -> bool:
        """Whether a part's reversal potential follows from concentrations."""
        return (part, name) in self.nernsts

    def total_current(self, ion: str) -> Expr:
        """The current of an ion in mA/cm2, as files read it."""
        found = [c for p in self.parts for c in p.channels if c.ion == ion]
        total = number(0)
        for c in found:
            total = add(total, variable(f"i_{self.channel_names[id(c)]}"))
        return multiply(number(1e-3), total) if found else number(0)


class _Channels(Names):
    """The names of channels, which are no variables; what they make of them is."""

    def __init__(self, assembly: Assembly) -> None:
        self.given = set(assembly.channel_names.values())
        self.others = assembly.names

    def is_free(self, name: str) -> bool:
        return name not in self.given and not keyword.iskeyword(name) and name not in _RESERVED and all(
            self.others.is_free(f"{letter}_{name}") for letter in "gE")  # fmt: skip


def _states_of(part: Part) -> Iterable[str]:
    yield from (s.name for s in part.states)
    for c in part.channels:
        yield from c.scheme.states if c.scheme else ()


class PartWriter:
    """The entries of one part."""

    def __init__(self, assembly: Assembly, index: int, part: Part) -> None:
        self.all = assembly
        self.index = index
        self.part = part
        self.suffix = assembly.names_suffix(part)
        self.formulas: dict[str, str] = {}
        self.functions: dict[str, Any] = {}
        self.parameters: dict[str, dict[str, Any]] = {}
        self.replaced: dict[str, Expr] = {}
        self.function_names: dict[str, str] = {}
        self.uses = self._uses()
        self._fill_states()
        self._fill_ions()

    def _fill_states(self) -> None:
        for x in _states_of(self.part):
            self.replaced[x] = variable(self.all.state_names[self.index, x])
        self.replaced["v"] = variable("V")

    def _fill_ions(self) -> None:
        """What the variables of ions, reversal potentials and conductances are in the model."""
        for channel in self.part.channels:
            name = self.all.channel_names[id(channel)]
            if channel.g_name:
                self.replaced.setdefault(channel.g_name, divide(variable(f"g_{name}"), number(channel.scale)))
            e = channel.reversal
            if isinstance(e, ast.Name) and e.id in self.part.parameters and self.nernst(e.id) is None:
                self.replaced.setdefault(e.id, variable(f"E_{name}"))

    def nernst(self, name: str) -> Expr | None:
        """The Nernst potential that stands for a reversal potential: where its concentrations are states."""
        ion = name[1:]
        if name[0] != "e" or name not in self.part.ions:
            return None
        given = name in self.part.given
        if self.all.setter(f"{ion}i") is None and (given or ion != "ca"):
            return None
        self.all.nernsts.add((self.index, name))
        inside, outside = (self.concentration(f"{ion}{side}") for side in "io")
        return call("nernst", inside, outside, number(self.part.valences[ion]), self.name("celsius"))

    # --- names ---
    def name(self, name: str) -> Expr:
        """What a variable of the file is in the model, if it is neither formula nor function."""
        if name in self.replaced:
            return self.replaced[name]
        if name == "g@":
            raise KeyError(name)
        self.replaced[name] = self._new(name)
        return self.replaced[name]

    def _new(self, name: str) -> Expr:
        value, unit = self.part.parameters.get(name, (DEFAULTS.get(name, 0.0), ""))
        ion = self.part.ions.get(name, "")
        if name == f"i{ion}" and ion:
            return self.all.total_current(ion)
        if name == f"e{ion}" and (formula := self.nernst(name)) is not None:
            return formula
        if ion and name != f"e{ion}":
            return self.concentration(name)
        if name == "celsius":
            return variable(self.all.shared_parameter(name, value, "degC"))
        factor, label = _unit(unit)
        mine = self.all.names.claim(name, self.suffix)
        self.parameters[mine] = {"value": value * factor, "unit": label}
        return divide(variable(mine), number(factor))

    def concentration(self, name: str) -> Expr:
        """An ion's concentration: what some part sets it to, else a parameter that all share."""
        if name in self.replaced:
            return self.replaced[name]
        setter = self.all.setter(name)
        if setter is None:
            value, _ = self.part.parameters.get(name, (DEFAULTS.get(name, 0.0), ""))
            return variable(self.all.shared_parameter(name, value, "mM"))
        k, e = setter
        return self.expression(e) if k == self.index else PartWriter(self.all, k, self.all.parts[k]).expression(e)

    # --- expressions ---
    def _uses(self) -> Counter[str]:
        """How often each formula and function is named, by what the part needs."""
        table = self.part.table
        found: Counter[str] = Counter()
        frontier = list(self.part.expressions())
        while frontier:
            e = frontier.pop()
            for name in map(self._meant, names_of(e)):
                if name in table.formulas:
                    found[name] += 1
                    if found[name] == 1:
                        frontier.append(table.formulas[name])
            for name in calls_of(e):
                if name in table.functions:
                    found[f"{name}()"] += 1
                    if found[f"{name}()"] == 1:
                        frontier.append(table.functions[name][1])
        return found

    def _meant(self, name: str) -> str:
        """The formula that one is but another name of."""
        formulas = self.part.table.formulas
        while isinstance(other := formulas.get(name), ast.Name):
            name = other.id
        return name

    def expression(self, e: Expr) -> Expr:
        """An expression in the model's names."""
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name) and e.func.id in self.part.table.functions:
            name = e.func.id
            arguments, body = self.part.table.functions[name]
            if self.uses[f"{name}()"] == 1:
                return self.expression(rewritten(body, dict(zip(arguments, e.args, strict=True)).get))
            return call(self.function(name), *map(self.expression, e.args))
        if isinstance(e, ast.Name):
            return self.formula(e.id) if e.id in self.part.table.formulas else self.name(e.id)
        return mapped(e, self.expression)

    def formula(self, name: str) -> Expr:
        e = self.part.table.formulas[name]
        small = value_of(e) is not None or isinstance(e, ast.Name)
        if small or (self.uses[name] <= 1 and len(text(e)) <= _INLINE):
            return self.expression(e)
        if name not in self.replaced:
            mine = self.all.names.claim(self.part.table.variables.get(name, name), self.suffix)
            self.replaced[name] = variable(mine)
            written = text(self.expression(e))
            self.formulas[mine] = written
        return self.replaced[name]

    def function(self, name: str) -> str:
        if name not in self.function_names:
            mine = self.function_names[name] = self.all.names.claim(name, self.suffix)
            arguments, body = self.part.table.functions[name]
            local = Names()
            own = {}
            for argument in arguments:
                plain = argument.partition("@")[0]
                own[argument] = "V" if plain == "v" else local.claim(plain)
            for argument, given in own.items():
                self.replaced[argument] = variable(given)
            self.functions[mine] = {"args": [own[a] for a in arguments], "is": text(self.expression(body))}
        return self.function_names[name]

    def text(self, e: Expr) -> str:
        return text(self.expression(e))

    # --- entries ---
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
            self.replaced["g@"] = variable(f"g_{self.all.channel_names[id(channel)]}")
            entry["current"] = self.text(channel.current)
        else:
            assert channel.reversal is not None
            entry["E"] = self._reversal(channel.reversal)
            powers = _powers(channel.opening, {s.name for s in mine})
            if powers is None and channel.scheme is None:
                entry["open"] = self.text(_product(channel.opening))
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
        found = self.expression(e)
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
        entry |= {key: self.text(e) for key, e in state.law.formulas.items()}
        if state.initial is not None:
            entry["initial"] = state.initial if isinstance(state.initial, float) else self.text(state.initial)
        return entry

    def _scheme(self, channel: ChannelForm) -> dict[str, Any]:
        scheme = channel.scheme
        assert scheme is not None
        names = {x: self.all.state_names[self.index, x] for x in scheme.states}
        opening = _product(channel.opening) if channel.current is None else variable(scheme.states[-1])
        entry: dict[str, Any] = {
            "states": list(names.values()),
            "transitions": [[names[a], names[b], self.text(f), self.text(g)] for a, b, f, g in scheme.reactions],
            "open": self.text(opening),
        }
        return entry | ({"initial": {names[x]: v for x, v in scheme.initial.items()}} if scheme.initial else {})

    def pools(self) -> dict[str, Any]:
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
            entry = {"unit": s.unit, "initial": initial if isinstance(initial, (float, str)) else self.text(initial)}
            found[self.all.state_names[self.index, s.name]] = entry | {"a": self.text(a), "b": self.text(b)}
        return found

    def entries(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Channels and pools; the first has the part's parameters."""
        channels, pools = self.channels(), self.pools()
        first: dict[str, Any] = next(iter((*channels.values(), *pools.values())), {})
        last: dict[str, Any] = {key: first.pop(key) for key in ("scheme", "gates") if key in first}
        if self.parameters:
            first["parameters"] = self.parameters
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


def _unit(unit: str) -> tuple[float, str]:
    """By what a parameter's number is multiplied, and the unit it then has: S/cm2 is given as mS cm-2."""
    plain = re.sub(r"[^\w/ .*^()-]", "", unit).strip()[:40]
    if re.fullmatch(r"(S|mho|siemens)/cm2", plain, re.IGNORECASE):
        return 1e3, "mS cm-2"
    label = _UNIT_LABELS.get(plain.lower(), plain)
    for short, word in (("S", "siemens"), ("V", "volt"), ("us", "microsecond"), ("uV", "microvolt")):
        label = re.sub(rf"\b{short}\b", word, label)
    if re.findall(r"[A-Za-z]+", label) == ["s"]:
        label = label.replace("s", "second")
    return 1.0, label
