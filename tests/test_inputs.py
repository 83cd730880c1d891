"""Values that users give: what passes, and the one line that says what does not."""

import numpy as np
import pytest

from hhfast import inputs
from hhfast.errors import InputError


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        (inputs.per_cell, 3, 3.0),
        (inputs.per_cell, [1, 2], [1.0, 2.0]),
        (inputs.number, np.inf, np.inf),
        (inputs.finite, np.float32(0.5), 0.5),
        (inputs.positive, np.array(2), 2.0),
        (inputs.numbers, -1, [-1.0]),
        (inputs.positive_numbers, (0.5, 2), [0.5, 2.0]),
        (inputs.interval, [0, 20], (0.0, 20.0)),
        (inputs.truth, np.True_, True),
    ],
)
def test_what_passes(check, value, expected):
    """Numbers of any type, as float64."""
    np.testing.assert_array_equal(check("x", value), expected)


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (inputs.per_cell, "a", "x = 'a' is not a number"),
        (inputs.per_cell, np.nan, "must be a number, not NaN"),
        (inputs.per_cell, [[1.0]], "x has 2 dimensions"),
        (inputs.number, [1.0, 2.0], "x: is an array"),
        (inputs.finite, np.inf, "x = inf: must be a finite number"),
        (inputs.positive, 0.0, "x = 0.0: must be a positive number"),
        (inputs.positive, np.inf, "x = inf: must be a positive number"),
        (inputs.numbers, [], "x = nothing: give finite numbers, one at least"),
        (inputs.numbers, [1.0, np.nan], "x = 1, nan: give finite"),
        (inputs.positive_numbers, np.arange(10.0), "x = 0, 1, 2, 3, 4, 5, ...: give positive numbers"),
        (inputs.interval, [2.0, 1.0], "the smaller one first"),
        (inputs.interval, [1.0, 2.0, 3.0], "give two numbers"),
        (inputs.truth, 1, "must be true or false"),
    ],
)
def test_what_does_not(check, value, message):
    """The name, the value, what to do."""
    with pytest.raises(InputError) as error:
        check("x", value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_one_of():
    """A choice suggests the nearest."""
    assert inputs.one_of("x", "up", ("up", "down")) == "up"
    with pytest.raises(InputError, match="x = 'dwn': did you mean 'down'"):
        inputs.one_of("x", "dwn", ("up", "down"))
