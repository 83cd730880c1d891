"""The formulas of one part in the model's names: what stays a formula of its own, what is written in its place."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hhfast.model.importers.expressions import (
    Expr,
    call,
    calls_of,
    divide,
    mapped,
    names_of,
    number,
    rewritten,
    text,
    value_of,
    variable,
)
from hhfast.model.importers.part import DEFAULTS, Part, states_of
from hhfast.model.importers.unique_names import Names

if TYPE_CHECKING:
    from hhfast.model.importers.assemble import Assembly

_INLINE = 160  # characters up to which a formula that is used once is written in its place
_UNIT_LABELS = {"": "1", "v": "volt", "us": "microsecond", "s": "second"}


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
        for x in states_of(self.part):
            self.replaced[x] = variable(self.all.state_names[self.index, x])
        self.replaced |= {"v": variable("V"), "i_app@": variable("i_app")}

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
        if name in self.replaced and name in self.part.ions:  # a state of that name may be no ion's
            return self.replaced[name]
        setter = self.all.setter(name)
        if setter is None:
            own = self.part.parameters if name in self.part.ions else {}
            value, _ = own.get(name, (DEFAULTS.get(name, 0.0), ""))
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
