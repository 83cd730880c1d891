"""Elementary functions for the lane loop: branch-free, inlined, vectorisable, in float64 and float32.

`math.exp` in a loop stays a scalar call; these are plain arithmetic, so the loop around them vectorises.
Arguments are clamped to the range where the result is finite and normal; NaN stays NaN. The polynomials are
near-minimax (interpolation at Chebyshev nodes in 50 digits). Rounding to the nearest integer is done by adding
1.5 * 2**52 (1.5 * 2**23), which also leaves the integer in the low bits of the sum; it needs a compiler that may
contract but not re-associate. Accuracy is tested in ulps against mpmath.
"""

from __future__ import annotations

import numpy as np

sqrt = np.sqrt

# --- float64 -----------------------------------------------------------------------------------------------------
_LOG2E = 1.4426950408889634
_LN2_HI, _LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # ln 2 in two parts
_ROUND = 6755399441055744.0


def expm1_parts(x):
    """(p, s) with exp(x) = s p + s and exp(x) - 1 = s p + (s - 1): p = expm1(r), s = 2**n, x = n ln 2 + r.

    For -708 <= x <= 709.
    """
    t = x * _LOG2E + _ROUND
    n = t - _ROUND
    r = (x - n * _LN2_HI) - n * _LN2_LO
    r2 = r * r
    r4 = r2 * r2
    q01 = 0.5 + 0.16666666666666667453 * r
    q23 = 0.041666666666624127873 + 0.0083333333333300618325 * r
    q45 = 0.0013888888917213716901 + 0.00019841269863053616878 * r
    q67 = 0.000024801521295954375131 + 2.7557268459997064772e-6 * r
    q89 = 2.7620088445409748161e-7 + 2.5100385495510319078e-8 * r
    q = (q01 + q23 * r2) + r4 * ((q45 + q67 * r2) + r4 * q89)
    s = np.int64((np.float64(t).view(np.int64) + 1023) << 52).view(np.float64)
    return r + r2 * q, s


def exp_plain(x):
    """exp(x) for -708 <= x <= 709, not checked."""
    p, s = expm1_parts(x)
    return s * p + s


def exp(x):
    """exp(x), clamped to exp(-708)..exp(709)."""
    x = -708.0 if x < -708.0 else x
    return exp_plain(709.0 if x > 709.0 else x)


def exp_small(x):
    """exp(x) for |x| <= 0.25."""
    x2 = x * x
    x4 = x2 * x2
    q03 = (0.5 + 0.16666666666665321555 * x) + x2 * (0.041666666666665545884 + 0.0083333333362028189857 * x)
    q47 = (0.001388888889127982929 + 0.00019841253314374943807 * x) + x2 * (
        0.000024801573530729412603 + 2.7592569930959876537e-6 * x)
    return 1.0 + (x + x2 * (q03 + x4 * (q47 + x4 * 2.7586692291043657153e-7)))


def exprelr(u):
    """u / (exp(u) - 1), 1 at u = 0, for |u| < 708 (held beyond)."""
    u = -708.0 if u < -708.0 else u
    u = (708.0 if u > 708.0 else u) + 1e-290
    p, s = expm1_parts(u)
    return u / (s * p + (s - 1.0))


def exprelr_slope(u, r):
    """The derivative of exprelr at u, given r = exprelr(u): by its series, where 1 - r - u would cancel."""
    w = u * u
    near = -0.5 + u * (0.16666666666666667 + w * (-0.005555555555555556 + w * (
        0.0001984126984126984 + w * (-6.613756613756614e-06 + w * 2.08767569878681e-07))))
    far = r * ((1.0 - r) - u) / u
    return near if w < 0.04 else far


def exprelr_of(u, e):
    """exprelr(u), given e = exp(u): by its series, where e - 1 would cancel."""
    w = u * u
    near = (1.0 - 0.5 * u) + w * (0.083333333333307508129 + w * (
        w * 0.000033056385797164625548 - 0.0013888888424028701416))
    far = u / (e - 1.0)
    return near if w < 0.01 else far


def log(x):
    """Natural logarithm; NaN below zero, about -709 at zero."""
    y = 2.2250738585072014e-308 if (x >= 0.0) & (x < 2.2250738585072014e-308) else x
    bits = np.float64(y).view(np.int64)
    # Take the exponent so that the mantissa m lies in [sqrt(1/2), sqrt(2)).
    shifted = bits - 0x3FE6A09E667F3BCD
    e = np.int64((shifted >> 52) + 0x4338000000000000).view(np.float64) - _ROUND
    m = np.int64(bits - (shifted & -0x10000000000000)).view(np.float64)
    f = (m - 1.0) / (m + 1.0)
    w = f * f
    w2 = w * w
    q = (0.66666666666666666463 + 0.40000000000000885223 * w) + w2 * (
        (0.28571428570798569649 + 0.22222222392856263302 * w)
        + w2 * ((0.18181795518146331483 + 0.15386246333523782623 * w)
                + w2 * (0.13268595678963153734 + 0.13088480786329567773 * w))
    )
    result = e * _LN2_HI + (2.0 * f + (f * w * q + e * _LN2_LO))
    return result if y >= 0.0 else y * np.nan


def log_rough(x):
    """log(x) to 2e-4, for positive x that is normal: to choose a step by."""
    bits = np.float64(x).view(np.int64)
    shifted = bits - 0x3FE6A09E667F3BCD
    e = np.int64((shifted >> 52) + 0x4338000000000000).view(np.float64) - _ROUND
    f = np.int64(bits - (shifted & -0x10000000000000)).view(np.float64) - 1.0
    return e * _LN2_HI + f * ((0.9997310679 - 0.5023236559 * f) + f * f * (0.3536320725 - 0.2236256323 * f))


def reciprocal_rough(x):
    """1 / x to 0.3 %, for positive x that is normal: a third of a division's time, to weigh an estimated error by."""
    y = np.int64(0x7FDE623822FC16E6 - np.float64(x).view(np.int64)).view(np.float64)
    return y * (2.0 - x * y)


def sin(x):
    """sin(x), for |x| up to about 1e9 (absolute error there: that of the argument)."""
    t = x * 0.31830988618379067154 + _ROUND
    n = t - _ROUND
    r = ((x - n * 3.1415926218032836914) - n * 3.1786509424591713469e-08) - n * 1.2246467991473531772e-16
    w = r * r
    w2 = w * w
    q = (-0.16666666666666666633 + 0.0083333333333333157466 * w) + w2 * (
        (-0.00019841269841254884688 + 2.7557319219139182201e-6 * w)
        + w2 * ((-2.5052107613934760314e-8 + 1.6058977114074673182e-10 * w)
                + w2 * (-7.6439639659253536933e-13 + 2.7313658674939846529e-15 * w))
    )
    value = r + r * w * q
    # The parity of n, in the lowest bit of t, is the sign.
    return np.int64(np.float64(value).view(np.int64) ^ (np.float64(t).view(np.int64) << 63)).view(np.float64)


# --- float32: every constant is a float32, or the lane loop would be done in double ---------------------------------
_F = np.float32
_ONE, _HALF, _TWO, _ZERO = _F(1.0), _F(0.5), _F(2.0), _F(0.0)
_LOG2E_F, _ROUND_F = _F(1.4426950408889634), _F(12582912.0)
_LN2_HI_F, _LN2_LO_F = _F(0.693359375), _F(-2.12194440e-4)
_LOW_F, _HIGH_F, _TINY_F, _NORMAL_F = _F(-87.0), _F(88.0), _F(1e-35), _F(1.17549435e-38)
_E0, _E1, _E2 = _F(0.5), _F(0.16666576989698775683), _F(0.041666554617204574203)
_E3, _E4 = _F(0.0083631790527225773704), _F(0.0013926183587713491)
_L0, _L1, _L2, _L3 = _F(0.66666666553897675), _F(0.40000122329721600), _F(0.28550765271670934), _F(0.23331977629904121)
_LN2_F, _Q1, _Q2 = _F(0.6931471805599453), _F(0.9997310679), _F(-0.5023236559)  # of log_rough
_Q3, _Q4 = _F(0.3536320725), _F(-0.2236256323)
_T3, _T4 = _F(0.16666506696485069728), _F(0.041666466815268495992)  # of exp_small
_T5, _T6 = _F(0.0083732038878041704161), _F(0.0013938704875143528868)
_R2, _R4, _NEAR_F = _F(1 / 12), _F(1 / 720), _F(0.25)  # of exprelr
_S1, _S3, _S5 = _F(1 / 6), _F(-1 / 180), _F(1 / 5040)  # and its slope
_NAN_F = _F(np.nan)
_RECIPROCAL = np.int32(0x7EF311C7)
_BIAS, _SHIFT, _SQRT_HALF, _EXPONENT, _MAGIC = (
    np.int32(127), np.int32(23), np.int32(0x3F3504F3), np.int32(-0x800000), np.int32(0x4B400000))


def expm1_parts_f(x):
    """`expm1_parts` in float32, for -87 <= x <= 88."""
    t = x * _LOG2E_F + _ROUND_F
    n = t - _ROUND_F
    r = (x - n * _LN2_HI_F) - n * _LN2_LO_F
    r2 = r * r
    q = (_E0 + _E1 * r) + r2 * ((_E2 + _E3 * r) + r2 * _E4)
    s = np.int32((np.float32(t).view(np.int32) + _BIAS) << _SHIFT).view(np.float32)
    return r + r2 * q, s


def exp_plain_f(x):
    """`exp_plain` in float32, for -87 <= x <= 88."""
    p, s = expm1_parts_f(x)
    return s * p + s


def exp_f(x):
    """`exp` in float32, clamped to exp(-87)..exp(88)."""
    x = _LOW_F if x < _LOW_F else x
    return exp_plain_f(_HIGH_F if x > _HIGH_F else x)


def exp_small_f(x):
    """`exp_small` in float32."""
    x2 = x * x
    return _ONE + (x + x2 * ((_HALF + x * _T3) + x2 * ((_T4 + x * _T5) + x2 * _T6)))


def exprelr_f(u):
    """`exprelr` in float32, for |u| < 87."""
    u = _LOW_F if u < _LOW_F else u
    u = (-_LOW_F if u > -_LOW_F else u) + _TINY_F
    p, s = expm1_parts_f(u)
    return u / (s * p + (s - _ONE))


def exprelr_of_f(u, e):
    """`exprelr_of` in float32."""
    w = u * u
    near = (_ONE - _HALF * u) + w * (_R2 - w * _R4)
    far = u / (e - _ONE)
    return near if w < _NEAR_F else far


def exprelr_slope_f(u, r):
    """`exprelr_slope` in float32."""
    w = u * u
    near = u * (_S1 + w * (_S3 + w * _S5)) - _HALF
    far = r * ((_ONE - r) - u) / u
    return near if w < _NEAR_F else far


def log_f(x):
    """`log` in float32."""
    y = _NORMAL_F if (x >= _ZERO) & (x < _NORMAL_F) else x
    bits = np.float32(y).view(np.int32)
    shifted = np.int32(bits - _SQRT_HALF)
    e = np.int32((shifted >> _SHIFT) + _MAGIC).view(np.float32) - _ROUND_F
    m = np.int32(bits - (shifted & _EXPONENT)).view(np.float32)
    f = (m - _ONE) / (m + _ONE)
    w = f * f
    q = (_L0 + _L1 * w) + w * w * (_L2 + _L3 * w)
    result = e * _LN2_HI_F + (_TWO * f + (f * w * q + e * _LN2_LO_F))
    return result if y >= _ZERO else y * _NAN_F


def log_rough_f(x):
    """`log_rough` in float32."""
    bits = np.float32(x).view(np.int32)
    shifted = np.int32(bits - _SQRT_HALF)
    e = np.int32((shifted >> _SHIFT) + _MAGIC).view(np.float32) - _ROUND_F
    f = np.int32(bits - (shifted & _EXPONENT)).view(np.float32) - _ONE
    return e * _LN2_F + f * ((_Q1 + _Q2 * f) + f * f * (_Q3 + _Q4 * f))


def reciprocal_rough_f(x):
    """`reciprocal_rough` in float32."""
    y = np.int32(_RECIPROCAL - np.float32(x).view(np.int32)).view(np.float32)
    return y * (_TWO - x * y)


_NAMES = (
    "exp", "log", "log_rough", "reciprocal_rough", "exprelr", "exp_small", "exp_plain", "exprelr_of", "exprelr_slope",
)  # fmt: skip
FUNCTIONS = {  # dtype -> name in a kernel -> function of this module
    dtype: {"sqrt": "sqrt"} | {name: name + suffix for name in _NAMES} for dtype, suffix in (("float64", ""),
    ("float32", "_f"))
}
