"""ICGenealogy's tables (`omnimodel.md`) of steady states and time constants, and how finely they were measured.

The tables are runs of NEURON. Three numbers, the same for all files, say what such a run resolves (`clamp_run.py` is
one; it gives the tables' digits):

- CLOCK: time constants are times of samples, 0.01 ms apart. What is faster than two samples was not measured.
- PACE: a run ended when the state changed by less than 1e-6 of itself in a ms: an approach with time constant tau (ms)
  still lacks 1e-6 tau of the steady state then.
- CLAMP: the cell is NEURON's default section (0.00157 cm2), clamped through 1 ohm, with NEURON's reversal potentials of
  ions: the channel's own current i moves the potential by CLAMP i, 0.08 mV in a channel of 1 S/cm2.

Temperatures stand in the names of the columns: `m_6.3`, or `m_5e-05_6.3` with the calcium concentration (mM).
"""

import json
import re
from dataclasses import dataclass

import numpy as np

import hhfast as hh

CLOCK = 0.01  # ms
PACE = 1e-6  # per ms
CLAMP = 1.5708e-6  # mV per uA/cm2
REVERSAL = {"na": 50.0, "k": -77.0, "ca": 132.4579}  # mV; NEURON's
PRECISION = 1e-3
SHARE = 0.9  # of the values of a column that have to agree: single ones are taken at a pole or a jump


@dataclass(frozen=True)
class Column:
    """One state's table at one temperature (degC): potentials (mV), steady states, time constants (ms)."""

    state: str
    celsius: float
    V: np.ndarray
    inf: np.ndarray
    tau: np.ndarray


def columns(text: str, states: list[str]) -> list[Column]:
    """Of an `omnimodel.md` without error flag, those of these states; none where there is a flag."""
    if "## ERROR FLAGS\n\n[]" not in text:
        return []
    V, inf, tau = (_section(text, f"RATE VALS {name}") for name in ("V", "SS", "TAU"))
    found = []
    for x in states:
        for key in inf:
            named = re.fullmatch(rf"{re.escape(x)}(?:_[\d.e-]+)?_([\d.]+)", key)
            if named and len(V.get(x, ())) == len(inf[key]) == len(tau.get(key, ())) > 0:
                found.append(Column(x, float(named[1]), *(np.array(a, float) for a in (V[x], inf[key], tau[key]))))
    return found


def _section(text: str, name: str) -> dict[str, list[float]]:
    found = re.search(rf"^## {name}\n\n```json\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    return json.loads(found[1]) if found else {}


def as_printed(model: hh.Model, column: Column) -> bool:
    """Whether the imported gate has the table's numbers to 1e-3 and two samples, at the table's temperature."""
    inf, tau = model.gate_curves(column.V, _at(model, column))[column.state]
    wrong = (np.abs(inf - column.inf) > PRECISION) | (np.abs(tau - column.tau) > _tolerance(column))
    return bool(wrong.mean() <= 1.0 - SHARE)


def as_measured(model: hh.Model, column: Column, code: str) -> str:
    """What tells a gate from its table beyond what was resolved there; empty where nothing does.

    The file's TABLE, between whose potentials NEURON interpolates rates, is taken in where that agrees better.
    """
    at = _at(model, column) | _ions(model, code)
    nodes = interpolated_at(code)
    moved, slowed = _clamped(model, column, at)
    verdicts = []
    for grid in (None,) if nodes is None else (None, nodes):
        _, tau = _curves(model, column.state, column.V, at, grid)
        inf, end = _curves(model, column.state, moved, at, grid)
        # The potential moves while the time constant is taken.
        taus = np.array([tau, end, end * slowed])
        verdicts.append(_verdict(column, inf, taus.min(axis=0), taus.max(axis=0)))
    return min(verdicts, key=len)


def _verdict(column: Column, inf: np.ndarray, fast: np.ndarray, slow: np.ndarray) -> str:
    wrong_inf = np.abs(inf - column.inf) > PRECISION + 1.05 * PACE * slow * np.abs(inf)
    wrong_tau = (column.tau < fast - _tolerance(column)) | (column.tau > slow + _tolerance(column))
    wrong_tau &= (fast > 2 * CLOCK) & (column.tau > 0.0)
    words = [
        f"{name} at {wrong.sum()} of {len(wrong)} potentials"
        for name, wrong in (("steady state", wrong_inf), ("time constant", wrong_tau))
        if wrong.mean() > 1.0 - SHARE
    ]
    return " and ".join(words)


def _tolerance(column: Column) -> np.ndarray:
    return 2.1 * CLOCK + PRECISION * np.abs(column.tau)


def _at(model: hh.Model, column: Column) -> dict[str, float]:
    return {"celsius": column.celsius} if "celsius" in model.parameters else {}


def _ions(model: hh.Model, code: str) -> dict[str, float]:
    """NEURON's reversal potential instead of the file's, if it is an ion's."""
    ion = re.search(r"USEION\s+(na|k|ca)\s+READ\s[^\n]*\be(na|k|ca)\b", code)
    return {name: REVERSAL[ion[1]] for name in model.parameters if name.startswith("E_")} if ion else {}


def _curves(
    model: hh.Model, x: str, V: np.ndarray, at: dict[str, float], grid: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if grid is None:
        return model.gate_curves(V, at)[x]
    inf, tau = model.gate_curves(grid, at)[x]
    return np.interp(V, grid, inf), np.interp(V, grid, tau)


def _clamped(model: hh.Model, column: Column, at: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Where the potential comes to rest, pools as they start; and by how much its move slows the gate there."""
    V, C = column.V, model.parameters["C_m"].value
    start = {s.name: np.full_like(V, float(s.initial)) for s in model.rows if isinstance(s.initial, float)}

    def slopes(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return model.derivatives({x: state[x] for x in model.states}, at)

    def brought(state: dict[str, np.ndarray]) -> np.ndarray:
        return V + CLAMP * C * slopes(state)["V"]

    moved = V
    for _ in range(3):
        steady = {x: inf for x, (inf, _) in model.gate_curves(moved, at).items() if x in model.states}
        state = start | {"V": moved} | steady
        moved = brought(state)
    ends = []
    for d in (-1e-4, 1e-4):
        beside = state | {"V": moved, column.state: state[column.state] + d}
        held = slopes(beside)[column.state]
        ends.append((held, slopes(beside | {"V": brought(beside)})[column.state]))
    (a, a_free), (b, b_free) = ends
    with np.errstate(all="ignore"):
        slowed = (b - a) / (b_free - a_free)
    return moved, np.where(np.isfinite(slowed) & (slowed > 0), slowed, 1.0)


def interpolated_at(code: str) -> np.ndarray | None:
    """The potentials of a file's TABLE; None where there is none."""
    found = re.search(r"\bTABLE\b[^:]*?\bFROM\s+(\S+)\s+TO\s+(\S+)\s+WITH\s+(\d+)", code)
    if found is None:
        return None
    ends = []
    for word in found.groups()[:2]:
        given = re.search(rf"\b{re.escape(word)}\s*=\s*(-?[\d.]+)", code)
        number = given[1] if given else word
        if not re.fullmatch(r"-?[\d.]+", number):
            return None
        ends.append(float(number))
    return np.linspace(*ends, int(found[3]) + 1)
