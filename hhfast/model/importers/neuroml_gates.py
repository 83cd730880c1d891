"""Gates and kinetic schemes of NeuroML2's channels: laws of states, as formulas."""

from __future__ import annotations

import ast
from typing import Any

from hhfast.errors import InputError
from hhfast.model.importers.expressions import Expr, add, binary, call, divide, multiply, number, subtract, variable
from hhfast.model.importers.forms import Law
from hhfast.model.importers.formula_table import FormulaTable
from hhfast.model.importers.neuroml_rates import Component, Context, standard_rate
from hhfast.model.importers.neuroml_units import quantity
from hhfast.model.importers.part import SchemeForm, StateForm

GATES = {"gate", "gateHHrates", "gateHHtauInf", "gateHHratesTau", "gateHHratesInf", "gateHHratesTauInf",
         "gateHHInstantaneous"}  # fmt: skip
KELVIN = binary(variable("celsius"), ast.Add(), number(273.15))


class GateReader:
    """Reads the gates of one channel into a table of formulas; `types`: the files' own ComponentTypes."""

    def __init__(self, types: dict[str, Any], channel: str, table: FormulaTable, shift: float, source: str) -> None:
        self.types, self.channel, self.table, self.shift, self.source = types, channel, table, shift, source

    def gate(self, gate: Any) -> tuple[StateForm, Expr]:
        """A gate's state, and the factor by which it opens the channel."""
        name = gate.get("id")
        place = f"{self.channel}.{name}"
        scale = self._rate_scale(gate, place)
        context = self._context(scale)
        found: Context = {}
        for tag, key in (
            ("forwardRate", "alpha"),
            ("reverseRate", "beta"),
            ("steadyState", "inf"),
            ("timeCourse", "tau"),
        ):
            e = gate.find(tag)
            if e is not None:
                found[key] = context[key] = self._rate(e, context, f"{place}.{key}")
        if self._is_instantaneous(gate, place):
            if "inf" not in found and {"alpha", "beta"} <= found.keys():
                found["inf"] = divide(found["alpha"], binary(found["alpha"], ast.Add(), found["beta"]))
            found = {key: e for key, e in found.items() if key == "inf"}
        law = _law(found, scale)
        if law is None:
            raise InputError(f"{self.source}: gate '{place}': {', '.join(found) or 'no rates'} do not make a gate")
        power = int(float(gate.get("instances", "1")))
        opening = variable(name) if power == 1 else binary(variable(name), ast.Pow(), number(power))
        return StateForm(name, law), opening

    def _is_instantaneous(self, gate: Any, place: str) -> bool:
        """Whether a gate is of a type of the file's own that follows its steady state at once."""
        kind = self.types.get(gate.get("type", gate.tag))
        if kind is None:
            if gate.get("type", "gate") not in GATES:
                raise InputError(f"{self.source}: gate '{place}': the type '{gate.get('type')}' is not in the files")
            return False
        of_q = next((d.get("value") for d in kind.iter("DerivedVariable") if d.get("name") == "q"), None)
        if of_q != "inf":
            raise InputError(
                f"{self.source}: gate '{place}': the type '{gate.get('type')}': only one with q = inf is supported"
            )
        return True

    def scheme(self, gate: Any) -> tuple[SchemeForm, Expr]:
        """A gateKS as a scheme, and its open fraction."""
        place = f"{self.channel}.{gate.get('id')}"
        where = f"{self.source}: {place}"
        if float(gate.get("instances", "1")) != 1:
            raise InputError(f"{where}: gateKS of {gate.get('instances')} instances: a channel has one scheme")
        scale = self._rate_scale(gate, place)
        context = self._context(scale)
        states, opening, reactions = [], number(0), []
        for e in gate:
            if e.tag in ("closedState", "openState"):
                states.append(e.get("id"))
                opening = add(opening, variable(e.get("id"))) if e.tag == "openState" else opening
            elif e.tag.endswith("Transition"):
                there, back = self._transition(e, context, f"{place}.{e.get('id')}")
                reactions.append((e.get("from"), e.get("to"), multiply(scale, there), multiply(scale, back)))
            elif e.tag not in ("notes", "q10Settings"):
                raise InputError(f"{where}: {e.tag}: not supported")
        return SchemeForm(states, reactions), opening

    def _transition(self, e: Any, context: Context, place: str) -> tuple[Expr, Expr]:
        where = f"{self.source}: {place}"
        if e.tag in ("forwardTransition", "reverseTransition"):
            rate = self._rate(e.find("rate"), context, f"{place}.rate")
            return (rate, number(0)) if e.tag == "forwardTransition" else (number(0), rate)
        if e.tag == "tauInfTransition":
            inf, tau = (self._rate(e.find(t), context, f"{place}.{t}") for t in ("steadyState", "timeCourse"))
            return divide(inf, tau), divide(subtract(number(1), inf), tau)
        if e.tag != "vHalfTransition":
            raise InputError(f"{where}: {e.tag}: not supported")
        half = quantity(e.get("vHalf", ""), where, "voltage")
        z, share = (quantity(e.get(key, ""), where, "none") for key in ("z", "gamma"))
        unscaled, least = (quantity(e.get(key, ""), where, "time") for key in ("tau", "tauMin"))
        x = divide(subtract(variable("v"), number(half)), number(25.3))
        rates = []
        for factor in (z * share, -z * (1 - share)):
            time = multiply(number(unscaled), call("exp", multiply(number(-factor), x)))
            rates.append(divide(number(1), add(time, number(least))))
        return rates[0], rates[1]

    def _context(self, scale: Expr) -> Context:
        return {"v": variable("v"), "caConc": variable("cai"), "vShift": number(self.shift), "temperature": KELVIN,
                "rateScale": scale}  # fmt: skip

    def _rate(self, e: Any, context: Context, place: str) -> Expr:
        where = f"{self.source}: {place}"
        if e is None:
            raise InputError(f"{where}: the rate is missing")
        found = standard_rate(e, where)
        if found is not None:
            return found
        kind = self.types.get(e.get("type"))
        if kind is None:
            raise InputError(f"{where}: the type '{e.get('type')}' is not in the files")
        return Component(kind, e, context, self.table, place).value("r", "x", "t")

    def _rate_scale(self, gate: Any, place: str) -> Expr:
        result = number(1)
        for e in gate.iter("q10Settings"):
            where = f"{self.source}: {place}.q10Settings"
            if e.get("type") == "q10Fixed":
                result = multiply(result, number(quantity(e.get("fixedQ10", ""), where, "none")))
            elif e.get("type") == "q10ExpTemp":
                T = quantity(e.get("experimentalTemp", ""), where, "temperature")
                power = divide(subtract(variable("celsius"), number(T)), number(10))
                factor = number(quantity(e.get("q10Factor", ""), where, "none"))
                result = multiply(result, binary(factor, ast.Pow(), power))
            else:
                raise InputError(f"{where}: the type '{e.get('type')}' is not supported")
        return result


def _law(found: Context, scale: Expr) -> Law | None:
    match tuple(found):
        case ("alpha", "beta"):
            return Law({"alpha": multiply(scale, found["alpha"]), "beta": multiply(scale, found["beta"])})
        case ("inf",):
            return Law({"inf": found["inf"]})
        case ("alpha", "beta", *_):
            total = binary(found["alpha"], ast.Add(), found["beta"])
            inf = found.get("inf") or divide(found["alpha"], total)
            return Law({"inf": inf, "tau": divide(found.get("tau") or divide(number(1), total), scale)})
        case ("inf", "tau"):
            return Law({"inf": found["inf"], "tau": divide(found["tau"], scale)})
    return None
