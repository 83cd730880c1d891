"""phi(z) = (1 - exp(-z)) / z, 1 at z = 0: an exponential step is x + dt phi(b dt) (a - b x).

The shorter the reach of a polynomial for phi, the lower its degree, so there is one for each of several reaches;
where no polynomial reaches, phi(2 w) = phi(w) (1 - w phi(w) / 2) does. `phi_far` holds everywhere, at the price of
an exponential and a division. See `reach` for which one a kernel takes.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.vmath import expm1_parts, expm1_parts_f, inline

REACHES = (0.1, 0.35, 0.9, 1.8, 3.6)  # phi_k holds for 0 <= z <= REACHES[k]


@inline
def phi_0(z):
    """phi(z) for 0 <= z <= 0.1."""
    z2 = z * z
    low = (1.0 - 0.49999999999998828606 * z) + z2 * (0.16666666665823132082 - 0.041666665681754969602 * z)
    high = (0.0083332912407680243992 - 0.0013880745297540923422 * z) + z2 * 0.00019112491792833847457
    return low + (z2 * z2) * high


@inline
def phi_1(z):
    """phi(z) for 0 <= z <= 0.35."""
    z2 = z * z
    z4 = z2 * z2
    low = (1.0 - 0.49999999999999833134 * z) + z2 * (0.16666666666605626044 - 0.041666666629995412705 * z)
    middle = (0.0083333324930463880368 - 0.001388879417734905571 * z) + z2 * (
        0.00019835457032592828172 - 0.000024602913181221798585 * z)
    return low + z4 * (middle + z4 * 2.3975818108520911434e-6)


@inline
def phi_2(z):
    """phi(z) for 0 <= z <= 0.9."""
    z2 = z * z
    z4 = z2 * z2
    low = (1.0 - 0.49999999999999901386 * z) + z2 * (0.16666666666644744591 - 0.041666666658614142512 * z)
    middle = (0.0083333332184196530376 - 0.0013888880544858228492 * z) + z2 * (
        0.00019840920902488045145 - 0.000024792667007713421047 * z)
    high = (2.7415183124636041689e-6 - 2.6169558361190977768e-7 * z) + z2 * 1.7292362678372606347e-8
    return low + z4 * (middle + z4 * high)


@inline
def phi_3(z):
    """phi(z) for 0 <= z <= 1.8."""
    w = 0.5 * z
    p = phi_2(w)
    return p * (1.0 - 0.5 * (w * p))


@inline
def phi_4(z):
    """phi(z) for 0 <= z <= 3.6."""
    w = 0.5 * z
    p = phi_3(w)
    return p * (1.0 - 0.5 * (w * p))


@inline
def phi_far(z):
    """phi(z) for any z."""
    z = z + 1e-290
    x = 708.0 if z < -708.0 else -z
    p, s = expm1_parts(-708.0 if x < -708.0 else x)
    return (1.0 - s - s * p) / z


# --- float32: every constant is a float32, see `vmath` ---------------------------------------------------------------
_F = np.float32
_ONE, _HALF, _TINY, _HIGH = _F(1.0), _F(0.5), _F(1e-35), _F(87.0)
_C0 = tuple(map(_F, (0.49999974599, 0.16662090246, 0.0404397672574)))
_C1 = tuple(map(_F, (0.499999998174, 0.166666405555, 0.0416606706441, 0.00828487130037, 0.00122700079484)))
_C2 = tuple(map(_F, (0.499999995206, 0.166666282572, 0.0416616508295, 0.00830918948034, 0.00133562512222,
                     0.00014246728792)))


@inline
def phi_0_f(z):
    """`phi_0` in float32."""
    return (_ONE - _C0[0] * z) + z * z * (_C0[1] - _C0[2] * z)


@inline
def phi_1_f(z):
    """`phi_1` in float32."""
    z2 = z * z
    return (_ONE - _C1[0] * z) + z2 * ((_C1[1] - _C1[2] * z) + z2 * (_C1[3] - _C1[4] * z))


@inline
def phi_2_f(z):
    """`phi_2` in float32."""
    z2 = z * z
    return (_ONE - _C2[0] * z) + z2 * ((_C2[1] - _C2[2] * z) + z2 * ((_C2[3] - _C2[4] * z) + z2 * _C2[5]))


@inline
def phi_3_f(z):
    """`phi_3` in float32."""
    w = _HALF * z
    p = phi_2_f(w)
    return p * (_ONE - _HALF * (w * p))


@inline
def phi_4_f(z):
    """`phi_4` in float32."""
    w = _HALF * z
    p = phi_3_f(w)
    return p * (_ONE - _HALF * (w * p))


@inline
def phi_far_f(z):
    """`phi_far` in float32."""
    z = z + _TINY
    x = _HIGH if z < -_HIGH else -z
    p, s = expm1_parts_f(-_HIGH if x < -_HIGH else x)
    return (_ONE - s - s * p) / z


FUNCTIONS = {  # dtype -> name in a kernel -> function of this module
    dtype: {f"phi_{k}_": f"phi_{k}{suffix}" for k in (*range(len(REACHES)), "far")}
    for dtype, suffix in (("float64", ""), ("float32", "_f"))
}
