"""The kernels of a page as scripts, and what the page must know to call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from hhfast.batch.bounds import MARGIN, WIDE_MARGIN, bounded_by, conductances, currents_of
from hhfast.batch.method import Method
from hhfast.batch.result import DIVERGED, REASON_MEANINGS, STEP_LIMIT
from hhfast.batch.turning_potentials import HALVINGS, can_turn, opened_states
from hhfast.kernel.build.kernel import beginnings_kernel, kernel_of, one_lane, quantities_kernel, rates_kernel
from hhfast.kernel.print.javascript import printed
from hhfast.kernel.spec import BAD_PARAMETER, REASON, kernel_spec
from hhfast.kernel.tree.kernel import Kernel
from hhfast.model import Model
from hhfast.model.dependencies import steady_levels
from hhfast.model.typical_values import initial_value
from hhfast.parts.clamp_command import WIDEST
from hhfast.parts.recorders import Spikes, Trace
from hhfast.parts.stimuli import Stimulus


def scripts(
    model: Model, method: Method, stimulus: Stimulus, traced: Sequence[str], quantities: Sequence[str] = ()
) -> dict[str, str]:
    """Name -> source of what a page runs: `kernel`, a run of one cell; `rates` of every state; what else it needs."""
    kernels = [one_lane(_kernel(model, method, stimulus, traced)), rates_kernel(model)]
    kernels += [quantities_kernel(model, quantities)] if quantities else []
    beginnings, formulas = beginnings_kernel(model)
    kernels += [beginnings] if formulas else []
    return {kernel.name: _script(replace(kernel, notes=())) for kernel in kernels}


def _script(kernel: Kernel) -> str:
    """A kernel in a function of its own, so that its constants meet no others."""
    return f"const {kernel.name} = (() => {{\n{printed(kernel)}return {kernel.name};\n}})();\n"


def _kernel(model: Model, method: Method, stimulus: Stimulus, traced: Sequence[str]) -> Kernel:
    record = (Spikes(), Trace(*traced))
    return kernel_of(kernel_spec(model, method.scheme, stimulus, record, "float64", method.dt))


def calling(model: Model, method: Method, stimulus: Stimulus, traced: Sequence[str]) -> dict[str, Any]:
    """What the page's `simulate` must know: arguments, scratch space, steps, and how a cell begins."""
    kernel = one_lane(_kernel(model, method, stimulus, traced))
    return {
        "arguments": [symbol.name for symbol in kernel.arguments],
        "scratch": [
            [symbol.name, kernel.arguments[symbol].partition("[")[0], size] for symbol, size in kernel.scratch.values()
        ],
        "traced": list(traced),
        "states": list(model.states),
        "guards": _guards(model, stimulus),
        "failures": _failures(),
        "stimulus": [{"kind": kind.name, "parameters": list(kind.parameters)} for kind, _ in stimulus.parts],
        **_steps(model, method),
        **_beginning(model),
    }


def _guards(model: Model, stimulus: Stimulus) -> dict[str, Any]:
    """What a cell's potential and parameters can be, for the page to work out, since parameters move."""
    by = bounded_by(model, stimulus)
    return {
        "widest": WIDEST,
        "margin": MARGIN,
        "parameters": list(model.parameters),
        "conductances": list(conductances(model)),
        "impossible": REASON + BAD_PARAMETER,
        "by": None if by is None else asdict(by),
        "turning": _turning(model, stimulus) if by is None else None,
    }


def _turning(model: Model, stimulus: Stimulus) -> dict[str, Any] | None:
    """What the page needs to look for the potentials at which currents turn that are not ohmic; None: 1 V bounds V."""
    currents = currents_of(stimulus)
    if currents is None or not can_turn(model):
        return None
    return {
        "currents": currents,
        "channels": opened_states(model),
        "halvings": HALVINGS,
        "margin": WIDE_MARGIN * MARGIN,
    }


def _failures() -> dict[int, str]:
    """Status that a kernel leaves -> why the run has no end."""
    reasons = {REASON + code: name.replace("_", " ") for code, name in enumerate(REASON_MEANINGS) if code}
    diverged = {code: f"The run diverged: {reason}." for code, reason in reasons.items()}
    return {DIVERGED: "The run diverged.", STEP_LIMIT: "The run needs too many steps."} | diverged


def _steps(model: Model, method: Method) -> dict[str, Any]:
    if not method.adaptive:
        return {"adaptive": False, "dt": method.dt}
    control = method.control
    limits = {name: getattr(control, name) for name in ("rtol", "dt_min", "dt_max", "steps_allowed")}
    return {"adaptive": True, "dt": method.dt, "atol": control.absolute(model.states).tolist(), **limits}


def _beginning(model: Model) -> dict[str, Any]:
    """Where states start, and which of them, by number, are then made steady, one level after another."""
    values: dict[str, Any] = {name: p.value for name, p in model.parameters.items()}
    values |= {s.name: s.initial for s in model.rows if s.name == s.potential}
    steady = [s.name for s in model.rows if s.initial == "steady"]
    initial = [
        (0.0 if s.group == "gates" else 1.0)
        if s.initial == "steady"
        else float(initial_value(model, s.initial, s.potential, values))
        for s in model.rows
    ]
    number = {name: k for k, name in enumerate(model.states)}
    levels = steady_levels(model, tuple(steady)) if steady else ()
    return {
        "initial": initial,
        "formulas": beginnings_kernel(model)[1],
        "steady_levels": [[[number[name] for name in names], coupled] for names, coupled in levels],
    }
