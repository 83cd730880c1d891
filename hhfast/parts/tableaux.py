"""Coefficients of the adaptive methods: embedded Runge-Kutta pairs, and a Rosenbrock method, with dense output.

Butcher's letters, in one notation for both. Stage j has an increment w_j, for each state: h f(X_j) in an explicit
method, and in a Rosenbrock method the solution of (1 / (gamma h) - J) w_j = f(X_j) + sum_l C[j][l] w_l / h + d[j] h
df/dt. X_j = x + sum_l A[j][l] w_l, at the time t + c_j h; the step ends at x + sum b_j w_j, its error is estimated by
sum e_j w_j, and within it, at a fraction s, the solution is x + sum_j w_j sum_p dense[j][p] s**(p + 1).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tableau:
    """An adaptive method of s stages.

    c : time of each stage, as a fraction of the step. A : lower triangle, a row for each stage after the first.
    b, e : (s,) weights of the end of the step and of its error. dense : (s, degree) weights inside the step.
    error_order : order in the step of the error that is estimated, the local error of the less accurate solution.
    gamma, C, d : of Rosenbrock methods only (gamma = 0: explicit).
    """

    c: tuple[float, ...]
    A: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    e: tuple[float, ...]
    dense: tuple[tuple[float, ...], ...]
    error_order: int
    gamma: float = 0.0
    C: tuple[tuple[float, ...], ...] = ()
    d: tuple[float, ...] = ()

    @property
    def stages(self) -> int:
        return len(self.c)

    @property
    def first_same_as_last(self) -> bool:
        """Whether the last stage is evaluated at the end of the step, and so is the first stage of the next."""
        return self.gamma == 0.0 and self.b == (*self.A[-1], 0.0)


# Bogacki & Shampine 1989, Appl Math Lett 2:321-325. Inside the step: the cubic of the values and slopes at its ends.
BOGACKI_SHAMPINE = Tableau(
    c=(0.0, 1 / 2, 3 / 4, 1.0),
    A=((1 / 2,), (0.0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)),
    b=(2 / 9, 1 / 3, 4 / 9, 0.0),
    e=(5 / 72, -1 / 12, -1 / 9, 1 / 8),
    dense=((1.0, -4 / 3, 5 / 9), (0.0, 1.0, -2 / 3), (0.0, 4 / 3, -8 / 9), (0.0, -1.0, 1.0)),
    error_order=3,
)

# Tsitouras 2011, Comput Math Appl 62:770-775, with his interpolant of fourth order.
TSITOURAS = Tableau(
    c=(0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0),
    A=(
        (0.161,),
        (-0.008480655492356989, 0.335480655492357),
        (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
        (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
        (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
        (0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774),
    ),
    b=(0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0.0),
    e=(
        -0.00178001105222577714,
        -0.0008164344596567469,
        0.007880878010261995,
        -0.1447110071732629,
        0.5823571654525552,
        -0.45808210592918697,
        1 / 66,
    ),
    dense=(
        (1.0, -2.763706197274826, 2.9132554618219126, -1.0530884977290216),
        (0.0, 0.1317, -0.2234, 0.1017),
        (0.0, 3.9302962368947516, -5.941033872131505, 2.490627285651253),
        (0.0, -12.411077166933676, 30.33818863028232, -16.548102889244902),
        (0.0, 37.50931341651104, -88.1789048947664, 47.37952196281928),
        (0.0, -27.896526289197286, 65.09189467479366, -34.87065786149661),
        (0.0, 1.5, -4.0, 2.5),
    ),
    error_order=5,
)

# Hairer & Wanner 1996, Solving ODEs II, sec. IV.7 and IV.10 (RODAS): stiffly accurate, L-stable.
_RODAS_LAST = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895)
_RODAS_INSIDE = (  # the two rows of its interpolant, for s (1 - s) and s**2 (1 - s)
    (10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662, 0.0),
    (-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872, 0.0),
)
RODAS = Tableau(
    c=(0.0, 0.386, 0.21, 0.63, 1.0, 1.0),
    A=(
        (1.544,),
        (0.9466785280815826, 0.2557011698983284),
        (3.314825187068521, 2.896124015972201, 0.9986419139977817),
        _RODAS_LAST,
        (*_RODAS_LAST, 1.0),
    ),
    b=(*_RODAS_LAST, 1.0, 1.0),
    e=(0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    dense=tuple((b + p, q - p, -q) for b, p, q in zip((*_RODAS_LAST, 1.0, 1.0), *_RODAS_INSIDE, strict=True)),
    error_order=4,
    gamma=0.25,
    C=(
        (),
        (-5.6688,),
        (-2.430093356833875, -0.2063599157091915),
        (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
        (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616),
        (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
    ),
    d=(0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0),
)
