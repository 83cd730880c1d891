"""phi(z) = (1 - exp(-z)) / z, 1 at z = 0: an exponential step is x + dt phi(b dt) (a - b x).

The shorter the reach of a polynomial for phi, the lower its degree, so there is one for each of several reaches;
where no polynomial reaches, phi(2 w) = phi(w) (1 - w phi(w) / 2) does. `phi_far` holds everywhere, at the price of
an exponential and a division. See `reach` for which one a kernel takes.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.elementary import expm1_parts, expm1_parts_f

RANGES = (0.08, 0.32, 0.85, 1.7, 3.4)  # phi_k holds for 0 <= z <= RANGES[k]


def phi_0(z):
    """phi(z) for 0 <= z <= 0.08."""
    z2 = z * z
    low = (1.0 - 0.4999999999999969088 * z) + z2 * (0.1666666666638842395 - 0.041666666260636281263 * z)
    high = (0.0083333116496803889207 - 0.0013883648331566592243 * z) + z2 * 0.00019255833607195548083
    return low + (z2 * z2) * high


def phi_1(z):
    """phi(z) for 0 <= z <= 0.32."""
    z2 = z * z
    z4 = z2 * z2
    low = (1.0 - 0.49999999999999917641 * z) + z2 * (0.16666666666633715564 - 0.041666666645017221071 * z)
    middle = (0.008333332790866355449 - 0.0013888822037540111421 * z) + z2 * (
        0.00019836784945663561872 - 0.000024634104868352322125 * z)
    return low + z4 * (middle + z4 * 2.4262168881973895681e-6)


def phi_2(z):
    """phi(z) for 0 <= z <= 0.85."""
    z2 = z * z
    z4 = z2 * z2
    low = (1.0 - 0.49999999999999943263 * z) + z2 * (0.16666666666653312294 - 0.041666666661473249467 * z)
    middle = (0.0083333332548761161118 - 0.001388888285873988427 * z) + z2 * (
        0.00019841002955948872764 - 0.00002479436834355090415 * z)
    high = (2.7435660437402583097e-6 - 2.6302003780930278159e-7 * z) + z2 * 1.7648204265028866199e-8
    return low + z4 * (middle + z4 * high)


def phi_3(z):
    """phi(z) for 0 <= z <= 1.7."""
    w = 0.5 * z
    p = phi_2(w)
    return p * (1.0 - 0.5 * (w * p))


def phi_4(z):
    """phi(z) for 0 <= z <= 3.4."""
    w = 0.5 * z
    p = phi_3(w)
    return p * (1.0 - 0.5 * (w * p))


def phi_far(z):
    """phi(z) for any z."""
    z = z + 1e-290
    x = 708.0 if z < -708.0 else -z
    p, s = expm1_parts(-708.0 if x < -708.0 else x)
    return (1.0 - s - s * p) / z


# --- float32: every constant is a float32, see `vmath` ---------------------------------------------------------------
_F = np.float32
_ONE, _HALF, _TINY, _HIGH = _F(1.0), _F(0.5), _F(1e-35), _F(87.0)
_C0 = tuple(map(_F, (0.499999869299, 0.166637237185, 0.0406814937515)))
_C1 = tuple(map(_F, (0.499999998823, 0.166666482536, 0.0416620438426, 0.00829250331097, 0.00124000093375)))
_C2 = tuple(map(_F, (0.499999996542, 0.166666373399, 0.0416626133457, 0.00831269275497, 0.00134075464358,
                     0.00014506604507)))


def phi_0_f(z):
    """`phi_0` in float32."""
    return (_ONE - _C0[0] * z) + z * z * (_C0[1] - _C0[2] * z)


def phi_1_f(z):
    """`phi_1` in float32."""
    z2 = z * z
    return (_ONE - _C1[0] * z) + z2 * ((_C1[1] - _C1[2] * z) + z2 * (_C1[3] - _C1[4] * z))


def phi_2_f(z):
    """`phi_2` in float32."""
    z2 = z * z
    return (_ONE - _C2[0] * z) + z2 * ((_C2[1] - _C2[2] * z) + z2 * ((_C2[3] - _C2[4] * z) + z2 * _C2[5]))


def phi_3_f(z):
    """`phi_3` in float32."""
    w = _HALF * z
    p = phi_2_f(w)
    return p * (_ONE - _HALF * (w * p))


def phi_4_f(z):
    """`phi_4` in float32."""
    w = _HALF * z
    p = phi_3_f(w)
    return p * (_ONE - _HALF * (w * p))


def phi_far_f(z):
    """`phi_far` in float32."""
    z = z + _TINY
    x = _HIGH if z < -_HIGH else -z
    p, s = expm1_parts_f(-_HIGH if x < -_HIGH else x)
    return (_ONE - s - s * p) / z


FUNCTIONS = {  # dtype -> name in a kernel -> function of this module
    dtype: {f"phi_{k}": f"phi_{k}{suffix}" for k in (*range(len(RANGES)), "far")}
    for dtype, suffix in (("float64", ""), ("float32", "_f"))
}
