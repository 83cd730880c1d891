"""The equations of a model as LaTeX, in the order of its file."""

from collections.abc import Iterator

from generate.latex import latex, symbol
from hhfast.model import Channel, Compartment, Gate, Model, Scheme


def equations(model: Model) -> Iterator[tuple[str, list[str]]]:
    """(heading, equations) of the membrane, each channel, each pool."""
    shared = [f"{symbol(f.name)} &= {latex(f.text)}" for f in model.formulas]
    for f in model.functions:
        arguments = ", ".join(f.args)
        shared.append(f"{latex(f'{f.name}({arguments})')} &= {latex(f.text)}")
    for section in model.sections:
        where = "" if not model.compartments else f" of the {section.name}"
        yield f"Membrane{where}", [_membrane(model, section)]
        for channel in section.channels:
            yield f"Channel {channel.name}{where}", list(_channel(channel, section.potential))
        for pool in section.pools:
            slope = rf"\frac{{d{symbol(pool.name)}}}{{dt}} &= {latex(f'{pool.a} - ({pool.b}) * {pool.name}')}"
            yield f"Pool {pool.name} ({pool.unit}){where}", [slope]
    if shared:
        yield "Shared formulas", shared


def _membrane(model: Model, section: Compartment) -> str:
    V, C = symbol(section.potential), symbol(section.capacitance)
    applied = "i_app" if section.coupling is None else section.i_app
    terms = [] if applied == "0" else [latex(applied)]
    terms += [f"- {symbol(f'i_{channel.name}')}" for channel in section.channels]
    terms += [f"+ {term}" for term in _couplings(model, section)]
    return rf"{C} \frac{{d{V}}}{{dt}} &= {' '.join(terms).removeprefix('+ ')}"


def _couplings(model: Model, section: Compartment) -> Iterator[str]:
    for other, own, there in model.couplings(section):
        share = other.coupling.fraction
        area = "" if share is None else f" / (1 - ({share}))" if own else f" / ({share})"
        yield latex(f"({other.coupling.g}){area} * ({there} - {section.potential})")


def _channel(channel: Channel, V: str) -> Iterator[str]:
    if channel.current is not None:
        current = channel.current
    elif channel.opening is not None:
        current = f"g_{channel.name} * ({channel.opening}) * ({V} - E_{channel.name})"
    else:
        gates = "".join(f" * {g.name}" + (f"**{g.power}" if g.power > 1 else "") for g in channel.gates)
        current = f"g_{channel.name}{gates} * ({V} - E_{channel.name})"
    yield f"{symbol(f'i_{channel.name}')} &= {latex(current)}"
    if isinstance(channel.E, str):
        yield f"{symbol(f'E_{channel.name}')} &= {latex(channel.E)}"
    if channel.scheme is not None:
        yield from _scheme(channel.scheme, channel.rate_scale)
    for gate in channel.gates:
        yield from _gate(gate, channel.rate_scale)


def _scheme(scheme: Scheme, scale: str) -> Iterator[str]:
    factor = "" if scale == "1" else f"({scale}) * "
    yield f"{' + '.join(map(symbol, scheme.states))} &= 1"
    for reaction in scheme.reactions:
        there, back = latex(factor + f"({reaction.forward})"), latex(factor + f"({reaction.backward})")
        for start, end, rate in ((reaction.here, reaction.there, there), (reaction.there, reaction.here, back)):
            if rate != "0":
                yield rf"{symbol(start)} \to {symbol(end)} &: \; {rate}"


def _gate(gate: Gate, channel_scale: str) -> Iterator[str]:
    x = gate.name
    scale = gate.rate_scale or channel_scale
    factor = "" if scale == "1" else f"({scale}) * "
    if gate.alpha is not None:
        law = f"{factor}(alpha_{x} * (1 - {x}) - beta_{x} * {x})"
        parts = {f"alpha_{x}": gate.alpha, f"beta_{x}": gate.beta}
        if gate.instantaneous:
            law = f"alpha_{x} / (alpha_{x} + beta_{x})"
    elif gate.tau is not None:
        law = f"{factor}(({x}_inf - {x}) / tau_{x})"
        parts = {f"{x}_inf": gate.inf, f"tau_{x}": gate.tau}
    else:
        law, parts = gate.inf, {}
    left = symbol(x) if gate.instantaneous else rf"\frac{{d{symbol(x)}}}{{dt}}"
    yield f"{left} &= {latex(law)}"
    # A shared formula may have the very name, as alpha_m.
    yield from (f"{symbol(name)} &= {latex(text)}" for name, text in parts.items() if text != name)
