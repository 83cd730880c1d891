"""A model as text for people: equations, parameters, source; and as HTML for notebooks."""

from __future__ import annotations

import html as markup
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hhfast.model.compartment import Compartment
from hhfast.model.elements import Channel, Gate
from hhfast.model.scheme import Scheme
from hhfast.tables import unit_text

if TYPE_CHECKING:
    from hhfast.model.model import Model


def aligned(rows: Iterable[tuple[str, ...]], indent: str = "  ") -> str:
    """Rows of cells in aligned columns."""
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join((indent + line).rstrip() for line in lines)


def equations(model: Model) -> str:
    """One model: equations, parameters with units, citation."""
    sections = [f"{model.name}: {model.title}".rstrip(": "), model.citation]
    if tags := ", ".join(filter(None, ("" if model.species == "none" else model.species, model.cell))):
        sections.append(tags)
    if model.currents:
        sections.append(f"currents: {', '.join(model.currents)}")
    sections += ["", *(f"{f.name} = {f.text}" for f in model.formulas)]
    sections += [f"{f.name}({', '.join(f.args)}) = {f.text}" for f in model.functions]
    if model.formulas or model.functions:
        sections.append("")
    for section in model.sections:
        sections += _section_lines(model, section)
    parameters = aligned((p.name, f"{p.value:g}", unit_text(p.unit)) for p in model.parameters.values())
    sections += ["", f"V(0) = {model.V_init:g} mV", "", "parameters (each can be swept)", parameters]
    if model.notes:
        sections += ["", model.notes.strip()]
    return "\n".join(sections)


def _section_lines(model: Model, section: Compartment) -> list[str]:
    V, C = section.potential, section.capacitance
    applied = "i_app" if section.coupling is None else section.i_app
    terms = ([applied] if applied != "0" else []) + [f"-i_{c.name}" for c in section.channels]
    terms += _coupling_terms(model, section)
    total = " + ".join(terms).replace("+ -", "- ") or "0"
    lines = [f"{C} d{V}/dt = {total}"] if section.coupling is None else ["", f"{C} d{V}/dt = {total}"]
    if section.coupling is not None:
        V_init = model.V_init if section.V_init is None else section.V_init
        lines.append(f"  compartment {section.name}, V there is {V}, initially {V_init:g} mV")
    for channel in section.channels:
        lines += _channel_lines(channel, V)
    for pool in section.pools:
        initial = pool.initial if isinstance(pool.initial, str) else f"{pool.initial:g}"
        lines += [
            "",
            f"pool {pool.name} ({unit_text(pool.unit)}), initially {initial}",
            f"  d{pool.name}/dt = a - b {pool.name}",
            f"  a = {pool.a}",
            f"  b = {pool.b}",
        ]
    return lines


def _coupling_terms(model: Model, section: Compartment) -> list[str]:
    terms = []
    for other, own, there in model.couplings(section):
        assert other.coupling is not None
        share = other.coupling.fraction
        over = "" if share is None else f" / (1 - {share})" if own else f" / {share}"
        terms.append(f"{other.coupling.g}{over} * ({there} - {section.potential})")
    return terms


def _channel_lines(channel: Channel, V: str) -> list[str]:
    if channel.opening is not None:
        gating = f" * ({channel.opening})"
    else:
        gating = "".join(f" * {g.name}" + (f"**{g.power}" if g.power > 1 else "") for g in channel.gates)
    current = channel.current or f"g_{channel.name}{gating} * ({V} - E_{channel.name})"
    lines = ["", f"i_{channel.name} = {current}"]
    if isinstance(channel.E, str):
        lines.append(f"  E_{channel.name} = {channel.E}")
    if channel.scheme is not None:
        lines += _scheme_lines(channel.scheme, channel.rate_scale)
    return lines + [line for gate in channel.gates for line in _gate_lines(gate, channel.rate_scale)]


def _scheme_lines(scheme: Scheme, scale: str) -> list[str]:
    factor = _factor(scale)
    lines = [f"  states {', '.join(scheme.states)}; {' + '.join(scheme.states)} = 1"]
    for reaction in scheme.reactions:
        lines.append(f"    {reaction.here} -> {reaction.there}: {factor}{reaction.forward}")
        if reaction.backward != "0":
            lines.append(f"    {reaction.there} -> {reaction.here}: {factor}{reaction.backward}")
    return lines


def _factor(scale: str) -> str:
    """What multiplies rates, in parentheses unless it is a name or a number; nothing for 1."""
    alone = scale.replace(".", "").replace("_", "").isalnum()
    return "" if scale == "1" else f"{scale} * " if alone else f"({scale}) * "


def _gate_lines(gate: Gate, channel_scale: str) -> list[str]:
    name = gate.name
    factor = _factor(gate.rate_scale or channel_scale)
    if gate.alpha is not None:
        parts = [f"alpha_{name} = {gate.alpha}", f"beta_{name} = {gate.beta}"]
        law = f"d{name}/dt = {factor}(alpha_{name} * (1 - {name}) - beta_{name} * {name})"
        if gate.instantaneous:
            law = f"{name} = alpha_{name} / (alpha_{name} + beta_{name})"
    elif gate.tau is not None:
        law = f"d{name}/dt = {factor}({name}_inf - {name}) / tau_{name}"
        parts = [f"{name}_inf = {gate.inf}", f"tau_{name} = {gate.tau}"]
    else:
        law, parts = f"{name} = {gate.inf}", []
    # A shared formula may have the very name, as alpha_m.
    return [f"  {law}", *(f"    {part}" for part in parts if part.partition(" = ")[0] != part.partition(" = ")[2])]


def html(model: Model) -> str:
    """A heading, and the equations to be folded out."""
    head = markup.escape(f"{model.name}: {model.title}".rstrip(": "))
    facts = markup.escape(f"{len(model.states)} states, {len(model.parameters)} parameters. {model.citation}")
    return (
        f"<div><b>{head}</b><br>{facts}"
        f"<details><summary>equations</summary><pre>{markup.escape(equations(model))}</pre></details></div>"
    )
