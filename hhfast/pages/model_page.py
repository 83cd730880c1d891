"""The page of a model: what its scripts must know."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import hhfast
from hhfast.batch.bounds import conductances
from hhfast.batch.membrane import spike_levels
from hhfast.batch.method import Method
from hhfast.model import Model, models
from hhfast.model.elements import Channel, Parameter
from hhfast.model.names import UNITS
from hhfast.pages.kernels import calling, scripts
from hhfast.pages.page import page
from hhfast.pages.probe import NOTHING, SETTLE, stimulus, suited
from hhfast.pages.protocols import Protocols, protocols

SCRIPTS = ("page", "look", "link", "axes", "plot", "legend", "svg", "save", "workers", "traces", "phase", "rate_curve",
           "presets", "reproduce", "model", "model_view", "model_controls")  # fmt: skip
_ABOUT = "The page runs the model's own kernel, in double precision, and needs no network."
_LABELS = {"0.amplitude": "step: amplitude", "0.start": "step: from", "0.stop": "step: to",
           "1.amplitude": "pulse 1: amplitude", "1.second_amplitude": "pulse 2: amplitude", "1.start": "pulse 1: at",
           "1.width": "pulses: width", "1.interval": "pulse 2: after"}  # fmt: skip


def model_page(model: Model, method: Method | None) -> str:
    """The HTML text of a model's page; method: None for one that suits the model."""
    method = method or Method(suited(model), rtol=1e-8)
    found = protocols(model)
    traced = list(model.variables)
    unnamed = [g.name for c in model.every_channel for g in c.gates if g.instantaneous]
    data = {
        **of_model(model),
        **calling(model, method, stimulus(NOTHING), traced),
        **_view(model, found, unnamed),
        "method": _keywords(method),
        "reference": _reference(model),
    }
    kernels = scripts(model, method, stimulus(NOTHING), traced, unnamed)
    return page("model", data, list(kernels.values()), SCRIPTS)


def of_model(model: Model) -> dict[str, Any]:
    """What a page says of a model, and the ranges of its parameters' sliders."""
    current, conductance = UNITS[model.units]["i"], UNITS[model.units]["g"]
    return {
        "name": model.name,
        "title": model.title,
        "citation": model.citation,
        "about": f"Made by hhfast {hhfast.__version__}. {_ABOUT}",
        "units": {**model.variables, "g": conductance, "i_app": current},
        "parameters": [
            {"name": p.name, "value": p.value, "unit": p.unit, **_range(p, model)} for p in model.parameters.values()
        ],
        "gates": [name for c in model.every_channel for name in (*(g.name for g in c.gates), *_scheme_states(c))],
        "potentials": [s.name for s in model.rows if s.name == s.potential],
        "pools": [s.name for s in model.rows if s.group == "pools" and s.name != s.potential],
        "channels": [_channel(channel) for channel in model.every_channel],
    }


def _scheme_states(channel: Channel) -> tuple[str, ...]:
    return channel.scheme.states if channel.scheme is not None else ()


def _channel(channel: Channel) -> dict[str, Any]:
    """How a channel's conductance follows from traces: its gates with their powers, or the name of its open state."""
    gates: Any = [[gate.name, gate.power] for gate in channel.gates]
    if channel.current is not None or channel.opening is not None:
        gates = None
    opening = channel.opening if channel.current is None else None
    return {"name": channel.name, "current": f"i_{channel.name}", "g": f"g_{channel.name}", "gates": gates,
            "open": opening}  # fmt: skip


def _keywords(method: Method) -> dict[str, str | float]:
    """The method as keywords of `Method`, those of `simulate` and of a sweep file: what is not as by default."""
    given: dict[str, Any] = {f.name: getattr(method, f.name) for f in fields(method)}
    given["integrator"] = method.scheme.name
    kept = ("integrator", "rtol", "atol", "dt_min", "dt_max", "max_steps")
    named = {name: given[name] for name in kept if isinstance(given[name], str | float | int)}
    return named if method.adaptive else {**named, "dt": method.dt}


def _reference(model: Model) -> dict[str, Any]:
    """By what the model is found: its name, if it is the library's own; else a file with this text."""
    is_known = model.name in models and models[model.name] == model
    return {"library": is_known, "file": f"{model.name}.toml", "text": model.to_toml()}


def _range(p: Parameter, model: Model) -> dict[str, float]:
    """From where to where a parameter's slider goes."""
    v = p.value
    if p.unit == "degC":
        return {"low": min(0.0, v), "high": max(45.0, v)}
    if p.unit == "mV":
        return {"low": v - 50.0, "high": v + 50.0}
    if v == 0 and p.name in conductances(model):
        others = [model.parameters[name].value for name in conductances(model)]
        return {"low": 0.0, "high": max(others) or 1.0}
    if v == 0:
        return {"low": -1.0, "high": 1.0}
    if p.name in {section.capacitance for section in model.sections}:
        return {"low": 0.1 * v, "high": 4.0 * v}
    return {"low": min(0.0, 2.5 * v), "high": max(0.0, 2.5 * v)}


def _view(model: Model, found: Protocols, unnamed: list[str]) -> dict[str, Any]:
    """What the page shows at first, and where its sliders and axes end."""
    t, scale = found.duration, found.current
    planes = [name for name in model.states if name != "V"]
    presets = [
        {"name": p.name, "sentence": p.sentence, "state": {**_quiet(t), **_named(p.state)}} for p in found.presets
    ]
    return {
        "currents": _current_sliders(found, UNITS[model.units]["i"]),
        "t_stop": t,
        "start": "model" if found.is_pacemaker else "rest",
        "levels": spike_levels(model),
        "potential_range": [-100.0, 40.0] if abs(model.V_init) > 10.0 else [model.V_init, model.V_init],
        "settle": SETTLE,
        "plane": _recovery(model, planes),
        "planes": planes,
        "gating": [gate.name for channel in model.every_channel for gate in channel.gates],
        "quantities": unnamed,
        "presets": presets,
        "absent": found.absent,
        "occupancies": _occupancies(model),
        "fi_range": [-2 * scale, 2 * scale] if found.is_pacemaker else [0.0, 5 * scale],
        "fi_time": max(t, min(max(400.0, 4 * t), 3000.0)),  # of slow bursters as long as what is shown
    }


def _current_sliders(found: Protocols, unit: str) -> list[dict[str, Any]]:
    """The sliders of the step and the two pulses: where each is at first, and where it ends."""
    t, scale, strongest = found.duration, found.current, _strongest(found)
    value = {**NOTHING, "0.stop": t, "0.start": 0.1 * t, "1.start": 0.5 * t, "1.interval": 0.1 * t}
    if found.fires:
        value["0.amplitude"] = scale
    elif not found.is_pacemaker:
        value |= {"1.amplitude": scale, "1.start": 0.1 * t}
    ends = {
        "0.amplitude": (-4 * scale, 6 * scale), "0.start": (0.0, 2 * t), "0.stop": (0.0, 2 * t),
        "1.amplitude": (-strongest, strongest), "1.second_amplitude": (-strongest, strongest),
        "1.start": (0.0, 2 * t), "1.width": (0.1, max(10.0, 0.1 * t)), "1.interval": (0.0, 2 * t),
    }  # fmt: skip
    return [
        {"name": name, "label": _LABELS[name], "unit": unit if "amplitude" in name else "ms", "value": value[name],
         "low": ends[name][0], "high": ends[name][1]}
        for name in value
    ]  # fmt: skip


def _recovery(model: Model, planes: list[str]) -> str:
    """The state that the phase plane shows against V at first: what ends a spike, as far as names tell."""
    openings = [channel.opening for channel in reversed(model.channels) if channel.opening is not None]
    return next((name for name in ("n", "w", *openings, "h", "Ca", *planes) if name in planes), "")


def _occupancies(model: Model) -> str:
    """What the panel of gates is called where there are states of kinetic schemes; "" for gates alone."""
    if all(channel.scheme is None for channel in model.every_channel):
        return ""
    return "Gates and channel states" if any(channel.gates for channel in model.every_channel) else "Channel states"


def _strongest(found: Protocols) -> float:
    """The largest pulse that a slider gives: some times those of the presets."""
    given = [p.state.get(name) for p in found.presets for name in ("1.amplitude", "1.second_amplitude")]
    return max([3 * found.current, *(3 * abs(v) for v in given if isinstance(v, float))])


def _quiet(t: float) -> dict[str, Any]:
    """No current: what a preset does not name."""
    return _named({**NOTHING, "0.stop": t, "0.start": 0.0, "1.start": 0.5 * t, "1.interval": 0.1 * t})


def _named(state: dict[str, Any]) -> dict[str, Any]:
    return {f"s.{name}" if name in NOTHING else name: value for name, value in state.items()}
