"""What until settled saves against a fixed time: a scan, f-I curves; and how busy it keeps the lanes of a kernel.

    python benchmarks/settled.py [--cells N]

Times are of the processor, in one thread, best of three after compilation. The scan is of random rows of
`examples/fi_scan.toml` for at most, or for all of, 1000 ms. The f-I curves are of squid axons under 40 currents from 4
to 80 uA/cm2; their error is against the same until settled at rtol 1e-10, as the share of spiking cells and currents
whose rate is within 1e-5.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from occupancy import occupancy, trials_of

import hhfast as hh

EXAMPLES = Path(__file__).parents[1] / "examples"


def some_rows(file: str, n: int) -> tuple[hh.Sweep, dict[str, np.ndarray]]:
    """A sweep of the examples, and random rows of it."""
    sweep = hh.Sweep.from_toml(EXAMPLES / file)
    rows = np.sort(np.random.default_rng(1).choice(sweep.space.n_rows, n, replace=False))
    columns = [sweep.space.columns(row, row + 1) for row in rows.tolist()]
    return sweep, {name: np.concatenate([column[name] for column in columns]) for name in sweep.space.names}


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor, and the result."""
    run()
    best, found = np.inf, None
    for _ in range(3):
        start = time.process_time()
        found = run()
        best = min(best, time.process_time() - start)
    return best, found


def scan(n: int) -> None:
    """A scan until settled against 1000 ms."""
    sweep, params = some_rows("fi_scan.toml", n)
    stimulus = hh.Step(amplitude=params.pop("stimulus.amplitude"), start=10.0)
    spent = {}
    for until in ("settled", "t_stop"):
        record = [hh.Features(["rate", "activity"] if until == "settled" else ["rate"])]
        how = {"stimulus": stimulus, "t_stop": 1000.0, "until": until, "record": record, "threads": 1}
        spent[until], found = timed(lambda how=how: hh.simulate(sweep.model, params, **how))
        trials = trials_of(found)
        print(
            f"scan, {n:,} cells, until {until}: {spent[until]:.3f} s, {trials.mean():.0f} trial steps a cell,", end=" "
        )
        print(f"{1e9 * spent[until] / trials.sum():.1f} ns each")
    print(f"ratio {spent['t_stop'] / spent['settled']:.1f}\n")


def curves(n: int) -> None:
    """f-I curves until settled against the default of 1000 ms."""
    rng = np.random.default_rng(2)
    params = {"g_Na": rng.uniform(90, 150, n), "g_K": rng.uniform(28, 44, n)}
    currents = np.linspace(4, 80, 40)
    exact = hh.fi_curve("hodgkin_huxley", currents, params, until="settled", rtol=1e-10).rate
    spent = {}
    for until in ("settled", "t_stop"):
        spent[until], found = timed(
            lambda until=until: hh.fi_curve("hodgkin_huxley", currents, params, until=until, threads=1)
        )
        spiking = exact > 0
        right = (np.abs(found.rate - exact)[spiking] <= 1e-5 * exact[spiking]).mean()
        print(f"f-I, {n:,} cells x 40, until {until}: {spent[until]:.3f} s, {100 * right:.1f} % within 1e-5")
    print(f"ratio {spent['t_stop'] / spent['settled']:.1f}\n")


def lanes(n: int) -> None:
    """The occupancy of calls of the database of Prinz et al. 2003, whose cells need very different numbers of steps."""
    sweep, params = some_rows("prinz_2003.toml", n)
    record = [hh.Features(["activity"])]
    trials = trials_of(hh.simulate(sweep.model, params, t_stop=sweep.t_stop, until="settled", record=record))
    print(f"Prinz, {n:,} cells: {trials.mean():.0f} trial steps on average, {trials.max()} at most")
    for cells in (1024, 2048, 4096, 8192, 16384, 32768):
        some = np.random.default_rng(3).choice(trials, 4 * cells)
        print(f"{cells:6,} cells a call: occupancy {100 * occupancy(some, cells):.0f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=8000, help="of the scan; a tenth of the f-I curves and of Prinz")
    options = parser.parse_args()
    scan(options.cells)
    curves(options.cells // 10)
    lanes(options.cells // 10)


if __name__ == "__main__":
    main()
