"""Concentration models of NeuroML2: calcium that follows from currents, as a part with one state."""

from __future__ import annotations

import math
from typing import Any

from hhfast.errors import InputError
from hhfast.model.importers.expressions import Expr, add, divide, multiply, negative, number, subtract, variable
from hhfast.model.importers.forms import Law, law
from hhfast.model.importers.formula_table import FormulaTable
from hhfast.model.importers.neuroml_gates import KELVIN
from hhfast.model.importers.neuroml_rates import Component, Context
from hhfast.model.importers.neuroml_units import quantity
from hhfast.model.importers.part import Part, StateForm

MODELS = ("decayingPoolConcentrationModel", "fixedFactorConcentrationModel")
STATE = "concentration"
_FARADAY = 96485.3  # C/mol, as in NeuroML's own definition


def is_concentration_model(element: Any, types: dict[str, Any]) -> bool:
    """Whether an element is one, by its name or the type it extends."""
    kind = types.get(element.tag)
    return element.tag in MODELS or (kind is not None and kind.get("extends") in ("concentrationModel", *MODELS))


def concentration_part(element: Any, species: Any, types: dict[str, Any], area: float, source: str) -> Part:
    """The calcium of a cell of `area` cm2. Raises `InputError` for what is no law of calcium and its current."""
    where = f"{source}: {element.tag} '{element.get('id')}'"
    ion = species.get("ion") or element.get("ion") or "ca"
    if ion != "ca":
        raise InputError(f"{where}: ion '{ion}': NeuroML's cells follow calcium alone")
    table = FormulaTable()
    slope = _slope(element, types, area, where, table)
    initial = quantity(species.get("initialConcentration", ""), where, "concentration")
    outside = quantity(species.get("initialExtConcentration", ""), where, "concentration")
    own = law(slope, STATE, table) or Law({"a": slope, "b": number(0)})
    state = StateForm(STATE, own, initial, "mM")
    found = Part("Ca", source, "", table, [], [state], {}, {"cai": variable(STATE)}, {"ca": 2.0},
                 {"ica": "ca", "cai": "ca", "cao": "ca"}, frozenset(), [])  # fmt: skip
    found.parameters = {"cao": (outside, "mM"), "celsius": (6.3, "degC")}
    return found


def _slope(e: Any, types: dict[str, Any], area: float, where: str, table: FormulaTable) -> Expr:
    density = multiply(number(-1e3), variable("ica"))  # uA/cm2, inward positive; files' ica is in mA/cm2
    if e.tag in types:
        context: Context = {
            "iCa": multiply(number(area), density), "surfaceArea": number(area), STATE: variable(STATE),
            "caConc": variable(STATE), "temperature": KELVIN,
        }  # fmt: skip
        return Component(types[e.tag], e, context, table, e.get("id"), states=(STATE, "extConcentration")).slope(STATE)
    rest = quantity(e.get("restingConc", ""), where, "concentration")
    decay = quantity(e.get("decayConstant", ""), where, "time")
    if e.tag == "fixedFactorConcentrationModel":
        entering = multiply(number(quantity(e.get("rho", ""), where, "rho_factor")), density)
    else:
        outer = math.sqrt(area / (4 * 3.14159))
        inner = outer - quantity(e.get("shellThickness", ""), where, "length")
        volume = 4 * 3.14159 / 3 * (outer**3 - inner**3)
        entering = multiply(number(area / (2 * 1e3 * _FARADAY * volume)), density)
    return add(entering, negative(divide(subtract(variable(STATE), number(rest)), number(decay))))
