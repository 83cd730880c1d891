"""ComponentTypes of LEMS as XML: constants, requirements and dynamics, from formulas of a model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from hhfast.model.exporters.lems_formula import ALWAYS, Case, LemsWriter, bare, lems_name, number, plain
from hhfast.model.formula_functions import ZERO_CELSIUS
from hhfast.model.formulas import evaluate, names, names_in, parse
from hhfast.model.importers.expressions import rewritten
from hhfast.model.poles import zeros_of_denominators

_CONDITIONAL = "ConditionalDerivedVariable"
_ASIDE, _FAR = 1e-4, 1e-2  # mV; either side of a removable pole
SCALES = {"VOLT_SCALE": ("voltage", "1 mV"), "TIME_SCALE": ("time", "1 ms"), "TEMP_SCALE": ("temperature", "1 K")}


def constants(kind: Element, names: Iterable[str]) -> None:
    """The scales by which quantities become numbers in mV, ms and K."""
    for name in names:
        dimension, value = SCALES[name]
        SubElement(kind, "Constant", name=name, dimension=dimension, value=value)


def derived(dynamics: Element, name: str, value: str, dimension: str = "none", exposure: str = "") -> None:
    """A variable. One that depends on a variable with cases has a case, too: jLEMS works those out after all others."""
    given = {"name": name, "dimension": dimension} | ({"exposure": exposure} if exposure else {})
    late = {e.get("name") for e in dynamics.iter(_CONDITIONAL)}
    if late & set(re.findall(r"\w+", value)):
        SubElement(SubElement(dynamics, _CONDITIONAL, given), "Case", condition=ALWAYS, value=bare(value))
    else:
        SubElement(dynamics, "DerivedVariable", given | {"value": bare(value)})


def conditional(dynamics: Element, name: str, cases: list[Case]) -> None:
    """A variable with cases."""
    found = SubElement(dynamics, _CONDITIONAL, name=name, dimension="none")
    for condition, value in cases:
        SubElement(found, "Case", condition=bare(condition), value=bare(value))


def write_formula(dynamics: Element, writer: LemsWriter, text: str, values: Mapping[str, float], x: str = "V") -> str:
    """A formula, as LEMS; before it, the variables that it needs. `values`: of all its names, for poles."""
    before = len(writer.variables)
    poles = _removable_poles(text, values, x)
    written = writer.text(text, whole=bool(poles))
    if poles:
        own = lems_name(x)
        cases: list[Case] = [(f"({own} .eq. {number(at)})", writer.text(limit)) for at, limit in poles]
        away = [f"({own} .neq. {number(at)})" for at, _ in poles]
        written = writer.variable([*cases, (" .and. ".join(away), written)])
    for name, found in list(writer.variables.items())[before:]:
        if len(found) == 1:
            derived(dynamics, name, found[0][1])
        else:
            conditional(dynamics, name, found)
    return written


def _removable_poles(text: str, values: Mapping[str, float], x: str) -> list[tuple[float, str]]:
    """Where a formula is 0/0 in x, and a formula of its limit there: the mean of both sides."""
    tree = parse(text)
    if x not in names_in(tree):
        return []
    found = []
    for at in zeros_of_denominators(tree, values, x):
        if np.isfinite(evaluate(text, {**values, x: at})):
            continue
        if names(text) == {x}:
            near, far = (np.mean(evaluate(text, {x: at + d * np.array([-1.0, 1.0])})) for d in (_FAR, 2 * _FAR))
            found.append((at, f"{(4.0 * near - far) / 3.0:.12g}"))
        else:
            sides = [ast.unparse(_put(tree, x, at + d)) for d in (-_ASIDE, _ASIDE)]
            found.append((at, f"0.5 * (({sides[0]}) + ({sides[1]}))"))
    return found


def _put(tree: ast.expr, name: str, value: float) -> ast.expr:
    return rewritten(tree, lambda other: ast.Constant(value) if other == name else None)


def rate_type(name: str, base: str, exposure: str, formula: str, values: Mapping[str, float]) -> Element:
    """A rate (1/ms), variable or time course (ms) of V, celsius and parameters, which become constants."""
    used = names(formula)
    scale = {"r": "TIME_SCALE", "t": "TIME_SCALE", "x": ""}[exposure]
    kind = Element("ComponentType", name=name, extends=base)
    wanted = {"VOLT_SCALE": "V" in used, "TIME_SCALE": bool(scale), "TEMP_SCALE": "celsius" in used}
    constants(kind, (n for n, needed in wanted.items() if needed))
    for parameter in sorted(used - {"V", "celsius"}):
        SubElement(kind, "Constant", name=lems_name(parameter), dimension="none", value=plain(values[parameter]))
    if "celsius" in used:
        SubElement(kind, "Requirement", name="temperature", dimension="temperature")
    dynamics = SubElement(kind, "Dynamics")
    if "V" in used:
        derived(dynamics, "V", "v / VOLT_SCALE")
    if "celsius" in used:
        derived(dynamics, lems_name("celsius"), f"(temperature / TEMP_SCALE) - {ZERO_CELSIUS}")
    written = write_formula(dynamics, LemsWriter(used), formula, values)
    value = {"r": f"{written} / TIME_SCALE", "t": f"{written} * TIME_SCALE", "x": written}[exposure]
    dimension = {"r": "per_time", "t": "time", "x": "none"}[exposure]
    derived(dynamics, exposure, value, dimension, exposure)
    return kind
