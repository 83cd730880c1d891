"""Integrators as text: an integrator is a few lines for every state x, for x' = a - b x.

A `Stage` evaluates a and b of a group of states at the current values and then runs its text for each of them: `x` is
the value, `a`, `b` its coefficients, `f` = a - b x, `dt` the step; any other name, e.g. `old`, is a value of the
state's own that lives until the end of the step. The evaluation comes before all updates of its stage. In a stage
`over` a fraction of the step, `a`, `b` and `f` are multiplied by that time; an exponential update is then `phi(b) *
f`, with phi(z) = (1 - exp(-z)) / z. Adding an integrator is adding an entry to `integrators`.

An adaptive integrator is a `Tableau` instead of stages; every cell then takes steps of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hhfast.parts.grammar import names_used
from hhfast.parts.tableaux import BOGACKI_SHAMPINE, RODAS, TSITOURAS, Tableau
from hhfast.registry import Registry


@dataclass(frozen=True)
class Stage:
    """Lines run for each state of a group.

    states : "all", "V", "gates" or "pools".
    c : time of the stimulus, as a fraction of the step; one for each repetition.
    when : "linear" or "curved": only for models in which the group's own a and b do not (do) depend on the group,
        so that one exponential does not (does) solve it exactly when the other groups are held.
    coefficients : name -> value at each repetition; the stage is repeated once for each.
    over : the fraction of the step that a, b and f are multiplied by; None: they are rates.
    """

    states: str
    text: str
    c: tuple[float, ...] = (0.0,)
    when: str = "always"
    coefficients: tuple[tuple[str, tuple[float, ...]], ...] = ()
    over: float | None = None

    @property
    def evaluates(self) -> bool:
        """Whether the stage asks for the rates, and does not only copy or combine."""
        return not {"a", "b", "f"}.isdisjoint(names_used(self.text))


@dataclass(frozen=True)
class Integrator:
    """A time-stepping method.

    name : by which it is asked for. order : its measured and proven order of convergence. stages : of a fixed step, as
    text; tableau : of one that chooses its steps. stability, citation : what is known of it, and where it was
    published.

    longest : of a fixed step, relative to the fastest time constant: beyond it the method is unstable, or, where it
        stays bounded, wrong by more than numbers are good for. A run warns of longer steps; None: it does not.
    """

    name: str
    order: int
    stages: tuple[Stage, ...] = field(repr=False)
    stability: str
    citation: str
    tableau: Tableau | None = field(default=None, repr=False)
    longest: float | None = field(default=None, repr=False)

    @property
    def adaptive(self) -> bool:
        """Whether each cell takes steps of its own, as long as `rtol` and `atol` allow."""
        return self.tableau is not None

    @property
    def stiff(self) -> bool:
        """Whether steps may be much longer than the fastest time constant."""
        return self.tableau is not None and self.tableau.gamma > 0.0

    @property
    def explicit(self) -> bool:
        """Whether all states advance by their slopes alone, as Runge-Kutta methods do: the derivative of such a step is
        the same step of the derivatives.
        """
        if self.tableau is not None:
            return not self.stiff
        used = (names_used(stage.text) for stage in self.stages)
        return all(s.states == "all" for s in self.stages) and not any({"phi", "a", "b"} & names for names in used)

    @property
    def evaluations(self) -> int:
        """How often a step evaluates the rates of all gates."""
        if self.tableau is not None:
            return self.tableau.stages - self.tableau.first_same_as_last
        asking = (s for s in self.stages if s.evaluates and s.states in ("all", "gates") and s.when != "curved")
        return sum(len(stage.c) for stage in asking)


_EXPONENTIAL = "x = x + phi(b) * f"


def _flow(states: str, fraction: float, c: float) -> tuple[Stage, ...]:
    """Advance one group by `fraction` of the step, the others held, to second order.

    Exactly, where the group is linear in itself; else by an exponential midpoint rule.
    """
    return (
        Stage(states, _EXPONENTIAL, (c,), "linear", over=fraction),
        Stage(states, "start = x\n" + _EXPONENTIAL, (c,), "curved", over=fraction / 2),
        Stage(states, "f = a - b * start\nx = start + phi(b) * f", (c,), "curved", over=fraction),
    )


EULER = Integrator(
    name="euler",
    order=1,
    stages=(Stage("all", "x = x + dt * f"),),
    stability="dt below 2 / the fastest rate (about 0.04 ms during a squid-axon spike)",
    citation="Euler 1768; Hairer, Norsett & Wanner 1993, Solving ODEs I, sec. I.7",
    longest=2.0,
)
EXP_EULER = Integrator(
    name="exp_euler",
    order=1,
    # V first, then the gates at the new V: as cheap as all from the old state, and more accurate in practice.
    stages=tuple(Stage(group, _EXPONENTIAL, (0.5,), over=1.0) for group in ("V", "gates", "pools")),
    stability="no dt blows up, long ones are wrong",
    citation="Rush & Larsen 1978, IEEE Trans Biomed Eng 25:389-392; MacGregor 1987",
    longest=2.0,
)
EXP_MIDPOINT = Integrator(
    name="exp_midpoint",
    order=2,
    stages=(
        Stage("all", "old = x\n" + _EXPONENTIAL, (0.0,), over=0.5),
        Stage("all", "f = a - b * old\nx = old + phi(b) * f", (0.5,), over=1.0),
    ),
    stability="no dt blows up, long ones are wrong",
    citation="Oh & French 2006, J Neurosci Methods 156:231-242; Boerner et al. 2013",
    longest=2.785,
)
STRANG = Integrator(
    name="strang",
    order=2,
    stages=(
        *_flow("V", 0.5, c=0.25),
        *_flow("pools", 0.5, c=0.5),
        *_flow("gates", 1.0, c=0.5),
        *_flow("pools", 0.5, c=0.5),
        *_flow("V", 0.5, c=0.75),
    ),
    stability="no dt blows up, long ones are wrong",
    citation="Strang 1968, SIAM J Numer Anal 5:506-517; Hines 1984 (staggered form)",
    longest=2.785,
)
RK4 = Integrator(
    name="rk4",
    order=4,
    stages=(
        Stage("all", "old = x\nsum = 0.0 * x"),
        Stage(
            "all",
            "sum = sum + weight * f\nx = old + ahead * dt * f",
            c=(0.0, 0.5, 0.5, 1.0),
            coefficients=(("weight", (1 / 6, 1 / 3, 1 / 3, 1 / 6)), ("ahead", (0.5, 0.5, 1.0, 0.0))),
        ),
        Stage("all", "x = old + dt * sum"),
    ),
    stability="dt below 2.8 / the fastest rate (about 0.055 ms during a squid-axon spike)",
    citation="Kutta 1901; Hairer, Norsett & Wanner 1993, Solving ODEs I, table II.1.2",
    longest=2.785,
)

BS32 = Integrator(
    name="bs32",
    order=3,
    stages=(),
    stability="the step follows the fastest rate (at most 2.5 / it)",
    citation="Bogacki & Shampine 1989, Appl Math Lett 2:321-325",
    tableau=BOGACKI_SHAMPINE,
)
TSIT5 = Integrator(
    name="tsit5",
    order=5,
    stages=(),
    stability="the step follows the fastest rate (at most 3.5 / it)",
    citation="Tsitouras 2011, Comput Math Appl 62:770-775",
    tableau=TSITOURAS,
)
RODAS4 = Integrator(
    name="rodas4",
    order=4,
    stages=(),
    stability="L-stable: time constants far below the step are no obstacle",
    citation="Hairer & Wanner 1996, Solving ODEs II, sec. IV.7 and IV.10",
    tableau=RODAS,
)

integrators: Registry[Integrator] = Registry.of(
    "integrator", (EULER, EXP_EULER, EXP_MIDPOINT, STRANG, RK4, BS32, TSIT5, RODAS4)
)
# Of 65 published models its spikes are right on all at rtol 1e-6; steps of RK4 of 0.025 ms are too long for nine.
DEFAULT = TSIT5.name
