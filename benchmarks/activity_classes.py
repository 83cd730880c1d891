"""How far the class of a neuron depends on the tolerance: random neurons of a published database, until settled.

    python benchmarks/activity_classes.py [--rows N] [--seed N]

The neurons are those of `examples/prinz_2003.toml`. Each is run at rtol 1e-6 and 1e-9; those whose classes differ are
listed, with their classes at all tolerances from 1e-6 to 1e-11, and why:

    coarse    from 1e-8 on all tolerances agree: 1e-6 is too coarse for this neuron
    border    at 1e-9 a rule 5 % stricter or laxer (plateau, ratio of intervals, looseness) gives another
    sensitive no tolerance decides: chaos, or plateaus whose end rounding moves
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

import hhfast as hh

SWEEP = Path(__file__).parents[1] / "examples" / "prinz_2003.toml"
TOLERANCES = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11)
COARSE, FINE = 0, 3  # of them, the two that are compared
BORDERS = ("plateau_min", "burst_ratio", "looseness")


def some_neurons(n: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rows of the grid, and the parameters of each."""
    space = hh.Sweep.from_toml(SWEEP).space
    rows = np.sort(np.random.default_rng(seed).choice(space.n_rows, n, replace=False))
    columns = [space.columns(row, row + 1) for row in rows.tolist()]
    return rows, {name: np.concatenate([column[name] for column in columns]) for name in space.names}


def classes(params: dict[str, np.ndarray], rtol: float, rule: hh.Settled) -> np.ndarray:
    """(n,) the name of each neuron's class."""
    sweep = hh.Sweep.from_toml(SWEEP)
    found = hh.simulate(
        sweep.model, params, t_stop=sweep.t_stop, until=rule, integrator="tsit5", rtol=rtol,
        record=[hh.Features(["activity"])],
    )  # fmt: skip
    return np.array(found.variables["activity"].flags)[found["activity"]]


def reasons(params: dict[str, np.ndarray], by_tolerance: np.ndarray) -> np.ndarray:
    """(n,) why neurons have other classes at another tolerance; by_tolerance : (n, n_tolerances)."""
    rule = hh.Settled()
    moved = np.zeros(len(by_tolerance), bool)
    for name in BORDERS:
        for factor in (0.95, 1.05):
            other = replace(rule, **{name: factor * getattr(rule, name)})
            moved |= classes(params, TOLERANCES[FINE], other) != by_tolerance[:, FINE]
    agree = (by_tolerance[:, 2:] == by_tolerance[:, FINE, None]).all(axis=1)
    return np.select([agree, moved], ["coarse", "border"], "sensitive")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows, params = some_neurons(options.rows, options.seed)
    found = {rtol: classes(params, rtol, hh.Settled()) for rtol in (TOLERANCES[COARSE], TOLERANCES[FINE])}
    differ = np.flatnonzero(found[TOLERANCES[COARSE]] != found[TOLERANCES[FINE]])
    print(f"{len(differ)} of {len(rows):,} neurons ({100 * len(differ) / len(rows):.2f} %) have another class at rtol")
    print(f"{TOLERANCES[COARSE]:g} than at {TOLERANCES[FINE]:g}:\n")
    some = {name: values[differ] for name, values in params.items()}
    by_tolerance = np.array([classes(some, rtol, hh.Settled()) for rtol in TOLERANCES]).T
    why = reasons(some, by_tolerance)
    print("| row |", " | ".join(f"{rtol:g}" for rtol in TOLERANCES), "| |")
    print("|---" * (len(TOLERANCES) + 2) + "|")
    for k, row in enumerate(rows[differ]):
        print(f"| {row} |", " | ".join(by_tolerance[k]), f"| {why[k]} |")
    names, counts = np.unique(why, return_counts=True)
    print("\n" + ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True)))


if __name__ == "__main__":
    main()
