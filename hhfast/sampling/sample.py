"""Random and quasi-random parameter sets by row index: random, Sobol, Latin hypercube."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hhfast.errors import InputError, shown
from hhfast.inputs import known_name, mapping, whole_number
from hhfast.sampling import sobol
from hhfast.sampling.counter_rng import fraction, permuted, uniform
from hhfast.sampling.distributions import Distribution

MAX_ROWS = 2**48


@dataclass(frozen=True)
class Sample:
    """`n` parameter sets: `Sample("sobol", 1_000_000, {"g_Na": Distribution("uniform", (90, 150))}, seed=1)`.

    n : how many. parameters : name -> `Distribution`, in the unit of the parameter. seed : of the random numbers.
    method : "random" (independent), "sobol" (scrambled; most even when n is a power of two) or "latin_hypercube".
    The same seed gives the same rows on every machine. A parameter's values do not depend on which others vary
    (but for its place in a Sobol sequence).
    """

    kind: ClassVar[str] = "sample"
    formula: ClassVar[bool] = True
    method: str
    n: int
    parameters: Mapping[str, Distribution]
    seed: int = 0

    def __post_init__(self) -> None:
        known_name("method", self.method, METHODS)
        object.__setattr__(self, "n", whole_number("n", self.n, 1, MAX_ROWS))
        object.__setattr__(self, "seed", whole_number("seed", self.seed, 0, 2**63 - 1))
        if not mapping("parameters", self.parameters, "{'g_Na': Distribution('uniform', (90, 150))}"):
            raise InputError("no parameter varies; give at least one, as in g_Na = { uniform = [90, 150] }")
        for name, values in self.parameters.items():
            if not isinstance(values, Distribution):
                raise InputError(
                    f"{name}: is {shown(values)}; give a distribution, as Distribution('uniform', (90, 150))"
                )
        if self.method == "sobol" and len(self.parameters) > sobol.MAX_DIMENSIONS:
            raise InputError(f"sobol has at most {sobol.MAX_DIMENSIONS} parameters; use latin_hypercube or random")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.parameters)

    @property
    def n_rows(self) -> int:
        return self.n

    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]:
        shares = METHODS[self.method]
        return {
            name: distribution.quantile(shares(self, k, name, start, stop))
            for k, (name, distribution) in enumerate(self.parameters.items())
        }

    def limits(self, name: str) -> tuple[float, float]:
        return self.parameters[name].limits

    def canonical(self) -> dict[str, Any]:
        parameters = [[name, distribution.canonical()] for name, distribution in self.parameters.items()]
        return {"kind": "sample", "method": self.method, "n": self.n, "seed": self.seed, "parameters": parameters}


def _random(sample: Sample, k: int, name: str, start: int, stop: int) -> np.ndarray:
    return uniform(sample.seed, f"random {name}", start, stop)


def _sobol(sample: Sample, k: int, name: str, start: int, stop: int) -> np.ndarray:
    directions, shift = sobol.scrambled(k, sample.seed, name)
    return fraction(sobol.points(start, stop, directions, shift))


def _latin_hypercube(sample: Sample, k: int, name: str, start: int, stop: int) -> np.ndarray:
    stratum = permuted(sample.seed, name, sample.n, start, stop)
    shares: np.ndarray = (stratum + uniform(sample.seed, f"latin_hypercube {name}", start, stop)) / sample.n
    return shares


METHODS: dict[str, Callable[[Sample, int, str, int, int], np.ndarray]] = {
    "random": _random,
    "sobol": _sobol,
    "latin_hypercube": _latin_hypercube,
}
