"""How NeuroML2's cells carry their channels: densities of conductance or permeability."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from hhfast.errors import InputError
from hhfast.model.importers.expressions import Expr, binary, call, divide, multiply, number, subtract, variable
from hhfast.model.importers.neuroml_gates import KELVIN
from hhfast.model.importers.neuroml_units import quantity

if TYPE_CHECKING:
    from hhfast.model.importers.neuroml_channels import Cell, Reading

DENSITIES = {
    "channelDensity",
    "channelDensityVShift",
    "channelDensityNernst",
    "channelDensityGHK",
    "channelDensityGHK2",
}


def add_density(reading: Reading, found: Cell, e: Any) -> None:
    """A density of a cell, as a channel. Raises `InputError` for a channel that is missing."""
    where = f"{reading.source}: {e.tag} '{e.get('id')}'"
    name = e.get("ionChannel")
    if name not in reading.channels:
        raise InputError(f"{where}: there is no channel '{name}' in the files")
    shift = quantity(e.get("vShift", "0mV"), where, "voltage")
    ion = e.get("ion", "") if e.get("ion") != "non_specific" else ""
    found.densities[len(found.parts)] = e
    if e.tag == "channelDensityGHK":
        form = reading.add(found, name, ion, shift, None, 0.0)
        P = quantity(e.get("permeability", ""), where, "permeability")
        form.current = multiply(number(P), multiply(_product(form.opening), call("ghk", variable("v"), *_calcium())))
        return
    g = quantity(e.get("condDensity", ""), where, "conductanceDensity")
    if e.tag == "channelDensityGHK2":
        form = reading.add(found, name, ion, shift, g, 0.0)
        form.current = multiply(variable("g@"), multiply(_product(form.opening), _jaffe()))
    elif e.tag == "channelDensityNernst":
        reading.add(found, name, ion, shift, g, None)
    else:
        reading.add(found, name, ion, shift, g, quantity(e.get("erev", ""), where, "voltage"))


def _calcium() -> tuple[Expr, ...]:
    return variable("cai"), variable("cao"), number(2), variable("celsius")


def _product(opening: list[Expr]) -> Expr:
    result = number(1)
    for factor in opening:
        result = multiply(result, factor)
    return result


def _jaffe() -> Expr:
    """The driving force (mV) of channelDensityGHK2, outward positive: Jaffe et al. 1994, J Neurophysiol 71:1065."""
    k = multiply(number(25.0 / (2 * 293.15)), KELVIN)
    x = divide(variable("v"), k)
    ratio = divide(variable("cai"), variable("cao"))
    exp = call("exp", x)
    force = multiply(
        multiply(k, subtract(number(1), multiply(ratio, exp))), divide(x, binary(exp, ast.Sub(), number(1)))
    )
    return ast.UnaryOp(ast.USub(), force)
