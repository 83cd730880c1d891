"""Method: how cells are simulated (integrator, step, tolerances, precision, threads), as one value.

Every function that simulates takes `method=`, or the fields of a `Method` as keywords of its own
(`integrator="tsit5", rtol=1e-8`), or both: keywords replace what the method says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from numbers import Integral
from typing import Any, TypedDict, cast

from hhfast.batch.step_control import CONTROL, StepControl
from hhfast.batch.time_grid import check_step
from hhfast.errors import InputError, did_you_mean, shown
from hhfast.kernel.spec import LANES
from hhfast.parts.integrators import DEFAULT, Integrator, integrators


class MethodOptions(TypedDict, total=False):
    """The fields of `Method` as keywords."""

    integrator: str | Integrator
    dt: float
    rtol: float | None
    atol: float | Mapping[str, float] | None
    dt_min: float | None
    dt_max: float | None
    max_steps: int | None
    dtype: str
    threads: int | None


@dataclass(frozen=True, repr=False)
class Method:
    """How cells are simulated.

    integrator : name in `hhfast.integrators`, or an `Integrator` of your own; afterwards always an `Integrator`.
    dt : ms; the largest step. Of an adaptive integrator the first step, and the one after each edge of the stimulus;
        with channel noise also the interval at which that is renewed.
    rtol, atol, dt_min, dt_max, max_steps : of adaptive integrators only, see `StepControl`; None: as there.
    dtype : "float64" or "float32", the arithmetic of the kernel (spike times are float64 in either).
    threads : number of threads; None: all processors this process may use. It never changes a result.

    Raises `InputError` for unknown names, values out of range, and tolerances of an integrator with fixed steps.
    """

    integrator: str | Integrator = DEFAULT
    dt: float = 0.025
    rtol: float | None = None
    atol: float | Mapping[str, float] | None = field(default=None, hash=False)
    dt_min: float | None = None
    dt_max: float | None = None
    max_steps: int | None = None
    dtype: str = "float64"
    threads: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.integrator, Integrator):
            object.__setattr__(self, "integrator", integrators[self.integrator])
        object.__setattr__(self, "dt", check_step("dt", self.dt))
        if not isinstance(self.dtype, str) or self.dtype not in LANES:
            raise InputError(f"dtype = {shown(self.dtype)}; known: {', '.join(map(repr, LANES))}")
        whole = isinstance(self.threads, Integral) and not isinstance(self.threads, bool)
        if self.threads is not None and not (whole and self.threads >= 1):
            raise InputError(f"threads = {shown(self.threads)}: must be a whole number, at least 1")
        if self.adaptive:
            _ = self.control  # which checks the values
        else:
            refuse(self.given_control, self.scheme.name)

    @classmethod
    def of(cls, method: Method | None, options: MethodOptions) -> Method:
        """The method that a function is given: `method` (None: the default) with some fields replaced.

        Raises `TypeError` for a keyword that is no field, as Python does for any function.
        """
        if method is not None and not isinstance(method, Method):
            raise InputError(f"method: is of type {type(method).__name__}; give a Method, or its fields as keywords")
        names = [f.name for f in fields(cls)]
        for name in options:
            if name not in names:
                raise TypeError(f"unexpected keyword argument '{name}'; {did_you_mean(name, names)}")
        return replace(method, **options) if method is not None else cls(**options)

    @property
    def scheme(self) -> Integrator:
        """The integrator."""
        return cast("Integrator", self.integrator)

    @property
    def adaptive(self) -> bool:
        """Whether each cell chooses its own steps."""
        return self.scheme.adaptive

    @property
    def given_control(self) -> dict[str, Any]:
        """The fields of the step control, as far as they are given."""
        return {name: getattr(self, name) for name in CONTROL if getattr(self, name) is not None}

    @cached_property
    def control(self) -> StepControl:
        """The step control of an adaptive integrator."""
        return StepControl(**self.given_control)

    @property
    def attributes(self) -> dict[str, str]:
        """What a result says of its method: every field on which the numbers depend."""
        given = {name: repr(value) for name, value in self.given_control.items()}
        return {"integrator": self.scheme.name, "dtype": self.dtype, "dt": repr(self.dt), **given}

    def __repr__(self) -> str:
        told = ((f.name, getattr(self, f.name)) for f in fields(self)[1:] if getattr(self, f.name) != f.default)
        return f"Method({', '.join([repr(self.scheme.name), *(f'{name}={value!r}' for name, value in told)])})"


def refuse(given: Mapping[str, Any], integrator: str) -> None:
    """Raise `InputError` if a fixed-step integrator is given what only an adaptive one takes."""
    for name in given:
        raise InputError(f"{name}: only for adaptive integrators; {integrator} takes steps of dt")
