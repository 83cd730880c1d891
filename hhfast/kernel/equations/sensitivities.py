"""Forward sensitivities: the derivatives of all states with respect to parameters, as further states of a model.

With x' = f(x, p), the derivative s = dx/dp follows s' = (df/dx) s + df/dp, linear in s, with the Jacobian along the way
(Hairer, Norsett & Wanner 1993, Solving ODEs I, section I.14). Integrated by the steps of x, s is the derivative of what
the method computes, not only of the exact solution.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from hhfast.kernel.equations.jacobian import Jacobian, derivative, without_abs
from hhfast.kernel.equations.system import I_APP, System
from hhfast.model.algebra import symbol
from hhfast.model.symbolic_functions import if_equal, if_less, if_less_equal
from hhfast.parts.sensitivity import sensitivities, sensitivity_name


def with_sensitivities(system: System, parameters: tuple[str, ...], of_stimulus: tuple[str, ...] = ()) -> System:
    """The system with a state d x / d p for every state x and each of these parameters p.

    of_stimulus : those that act through the applied current alone; an initial value acts through no equation.
    """
    jacobian = Jacobian(system)
    entries = {place: symbol(name) for place, name in jacobian.names.items()}
    named = {entries[place].name: entry for place, entry in jacobian.entries.items()}
    a, b = dict(system.a), dict(system.b)
    slopes = {x: without_abs(slope) for x, slope in jacobian.slopes.items()}
    for name, (x, p) in sensitivities(system.states, parameters).items():
        terms = [J * symbol(sensitivity_name(y, p)) for (row, y), J in entries.items() if row == x]
        if p in of_stimulus:
            terms.append(derivative(slopes[x], I_APP.name) * by_stimulus(p))
        a[name], b[name] = sp.Add(*terms, derivative(slopes[x], p)), sp.S.Zero
    states = (*system.states, *sensitivities(system.states, parameters))
    groups = system.groups | {"all": states}
    return replace(system, states=states, groups=groups, a=a, b=b, named=system.named | named)


def has_choices(system: System) -> bool:
    """Whether rates are chosen by comparison, so that derivatives may jump: by `if`, or by a `min` that is derived."""
    return any(e.has(if_less, if_less_equal, if_equal) for e in (*system.a.values(), *system.named.values()))


def by_stimulus(parameter: str) -> sp.Symbol:
    """The derivative of the applied current by a parameter of the stimulus."""
    return symbol(f"i_app_by_{parameter}_")


def slopes_by_current(system: System) -> dict[str, sp.Expr]:
    """x -> the derivative of x' by the applied current, where there is one."""
    found = {x: derivative(without_abs(slope), I_APP.name) for x, slope in Jacobian(system).slopes.items()}
    return {x: e for x, e in found.items() if e != 0}
