"""The JavaScript printer: the numbers of the printed Python to the bit, in a real browser; text that a page can hold."""

import json
from dataclasses import replace

import numpy as np
import pytest
from small_kernels import as_python, kernel_of_text

import hhfast as hh
from hhfast.errors import InputError
from hhfast.kernel.build.kernel import kernel_of, one_lane, rates_kernel
from hhfast.kernel.math import functions
from hhfast.kernel.print.javascript import printed
from hhfast.kernel.spec import kernel_spec
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Symbol
from hhfast.kernel.tree.walk import walk

# Called with the arrays' values; gives back all arrays of floats. Whole numbers are two words each, several axes a shape.
CALL = """(given) => {
  const arrays = given.map(([dtype, shape, values]) => {
    if (shape === null) return values;
    const array = dtype === "int64" ? Int32Array.from(values)
      : dtype === "uint8" ? Uint8Array.from(values) : Float64Array.from(values);
    array.shape = shape;
    return array;
  });
  NAME(...arrays);
  return arrays.map((array) => array.length === undefined ? array : Array.from(array));
}"""


@pytest.fixture(scope="module")
def blank(chromium):
    """A page of a browser, with nothing in it."""
    return chromium.new_page()


def in_browser(page, kernel, *arguments):
    """The arrays after a call of the kernel."""
    given = []
    for kind, value in zip(kernel.arguments.values(), arguments, strict=True):
        if isinstance(value, np.ndarray):
            words = value.ravel().view(np.int32) if value.dtype == np.int64 else value.ravel()
            given.append([kind.partition("[")[0], value.shape, words.tolist()])
        else:
            given.append([kind, None, value])
    call = CALL.replace("NAME", kernel.name)
    found = page.evaluate(f"(given) => {{ {printed(kernel)}\nreturn ({call})(given); }}", given)
    arrays = []
    for x, value in zip(found, arguments, strict=True):
        if isinstance(value, np.ndarray):
            words = np.array(x, np.int32).view(np.int64) if value.dtype == np.int64 else np.array(x, value.dtype)
            arrays.append(words.reshape(value.shape))
        else:
            arrays.append(x)
    return arrays


def both(page, kernel, *arguments):
    """The arrays after a call as JavaScript, and as Python."""
    there = in_browser(page, kernel, *arguments)
    here = [x.copy() if isinstance(x, np.ndarray) else x for x in arguments]
    as_python(kernel)(*here)
    return there, here


def assert_same(there, here):
    for a, b in zip(there, here, strict=True):
        np.testing.assert_array_equal(a, b, strict=isinstance(b, np.ndarray))


def test_functions_of_kernels_are_the_same_to_the_bit(blank):
    """Every function that kernels call, over many numbers, infinities and NaN: bits of doubles, random words, loops."""
    rng = np.random.default_rng(1)
    wide = np.concatenate([rng.normal(size=300) * 10.0 ** rng.integers(-8, 3, 300), [0.0, -0.0, 1e300, -1e300, np.nan, np.inf, -np.inf, 709.5, -708.5]])  # fmt: skip
    n = len(wide)
    named = functions("float64") | {"floor": np.floor}
    one = [
        "exp",
        "log",
        "exprelr",
        "exp_small",
        "exp_plain",
        "sin",
        "phi_0",
        "phi_1",
        "phi_2",
        "phi_3",
        "phi_4",
        "phi_far",
    ]
    text = "for i in range(len(x)):\n    z = x[i]\n    v = u[i]\n"
    text += "".join(f"    y[{k}, i] = {name}(z)\n" for k, name in enumerate(one))
    text += "    y[12, i] = exprelr_of(z, exp(z))\n    y[13, i] = exprelr_slope(z, exprelr(z))\n"
    text += "    y[14, i] = window(z, z + 0.1, v, v + 3.0)\n    y[15, i] = train(z, z + 0.1, v, 1.0, 5.0, 3.0)\n"
    text += "    y[16, i] = crossing(-10.0, v, z, v, 0.1, -3.0)\n    y[17, i] = normal(floor(abs(v) * 1e9), float(i), 7.0)\n"
    text += "    keep, kick = ornstein_uhlenbeck(abs(z), abs(v))\n    y[18, i] = keep\n    y[19, i] = kick\n"
    kernel = kernel_of_text(text, {"x": "float64[::1]", "u": "float64[::1]", "y": "float64[:, ::1]"}, floor="floor")
    kinds = {f for f in named.values() if callable(f)}
    called = {n.function for n in walk(*kernel.body) if isinstance(n, nodes.Call)} - {"floor", "abs"}
    assert len(called) >= 18
    assert called <= kinds
    assert_same(*both(blank, kernel, wide, rng.normal(size=n) * 40.0, np.full((20, n), -1.0)))


def test_whole_numbers_keep_their_64_bits(blank):
    """Bits above 32, signs, carries, comparisons; and counters beside them, which are plain numbers."""
    text = """
act = 0
for i in range(len(a)):
    act = act | a[i]
    if (a[i] & bit) != 0 and i // 2 >= 1:
        y[i] = 1.0
    elif (a[i] & 3) == 2:
        y[i] = min(float(i), 2.5)
    else:
        y[i] = -float(a[i])
    b[i] = b[i] + 1
if (act & bit) == 0:
    y[0] = 7.0
elif (act & 1) != 0:
    y[0] = max(y[0], 11.0)
"""
    kernel = kernel_of_text(text, {"a": "int64[::1]", "b": "int64[::1]", "y": "float64[::1]"}, bit=1 << 40)
    a = np.array([5, 2, 1 << 40, 3, -1, -(1 << 45), (1 << 41) - 1])
    assert_same(*both(blank, kernel, a, np.arange(7), np.zeros(7)))


@pytest.mark.parametrize("integrator", ["rk4", "exp_euler", "tsit5", "rodas4"])
def test_a_kernel_of_one_lane_is_the_printed_python_to_the_bit(blank, integrator):
    """Fixed and adaptive steps, with a stimulus that jumps, varies and has noise, spikes and traces."""
    from hhfast.batch.method import Method
    from hhfast.batch.simulate import simulate

    model = hh.models["hodgkin_huxley"]
    stimulus = hh.Step(20.0, 0.5) + hh.Sine(1.0, 100.0, stop=4.0) + hh.Noise(2.0, 1.0, seed=3)
    record = [hh.Spikes(), hh.Trace("V", "i_Na", every=0.5)]
    method = Method(integrator, threads=1)
    captured = captured_call(model, stimulus, record, method, t_stop=6.0, simulate=simulate)
    kernel = one_lane(kernel_of(kernel_spec(model, method.scheme, stimulus, record, "float64")))
    sizes = dict(kernel.scratch.values())
    scratch = [np.zeros(sizes[s], kernel.arguments[s].partition("[")[0]) for s in list(kernel.arguments)[:4]]
    there, here = both(blank, kernel, *scratch, *captured)
    names = [symbol.name for symbol in kernel.arguments]
    assert here[names.index("stored_count_0")][0] >= 1
    assert_same(there, here)


def captured_call(model, stimulus, record, method, t_stop, simulate):
    """The arguments with which `simulate` calls a kernel, as they were before the call."""
    from hhfast.batch import simulation as module

    found = []

    def instead(spec):
        def kernel(*arguments):
            found.append([a.copy() if isinstance(a, np.ndarray) else a for a in arguments])

        return kernel

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "compiled", instead)
        simulate(model, t_stop=t_stop, stimulus=stimulus, record=record, method=method)
    return found[0]


def test_rates_are_the_printed_python_to_the_bit(blank):
    model = hh.models["hodgkin_huxley_1952_markov"]
    kernel = rates_kernel(model)
    n, states = 5, len(model.states)
    X = np.random.default_rng(2).uniform(0.0, 0.1, (states, n))
    X[0] = np.linspace(-90.0, 40.0, n)
    p0 = np.array([p.value for p in model.parameters.values()])
    shape = np.zeros((states, n))
    assert_same(
        *both(blank, kernel, 0, n, p0, np.full(len(p0), -1), np.zeros((0, n)), X, np.ones(n), shape, shape.copy())
    )


# --- the text ---------------------------------------------------------------------------------------------------------
def test_names_of_a_model_meet_no_words_of_javascript(blank):
    """Gates and parameters called as keywords, as helpers of the script, or as each other."""
    text = "let = 2.0 * new[0]\nF64 = let + 1.0\nthis = F64 if F64 > let else let\nnew[0] = exp(0.1 * this)"
    kernel = kernel_of_text(text, {"new": "float64[::1]"})
    twins = [Symbol("exp"), Symbol("exp")]
    more = tuple(nodes.Let(s, nodes.Number(float(k))) for k, s in enumerate(twins))
    kernel = replace(kernel, body=(*more, *kernel.body))
    assert_same(*both(blank, kernel, np.array([1.25])))


def test_no_text_of_a_user_ends_the_script():
    """Titles and notes stand in comments of one line, in which nothing is markup."""
    notes = ("</script><script>alert(1)</script>", "one\nline();", "two\u2028line();", "<!-- a comment")
    kernel = Kernel("</script>", "kernel", {}, (nodes.Comment("</SCRIPT>\u2029x()"),), notes=notes)
    text = printed(kernel)
    assert "</" not in text
    assert "<!" not in text
    assert not any(line.lstrip().startswith(("line", "x()")) for line in text.splitlines())
    assert json.dumps(text)


def test_single_precision_is_refused():
    kernel = kernel_of(kernel_spec(hh.models["hodgkin_huxley"], "rk4", None, [hh.Spikes()], "float32"))
    with pytest.raises(InputError, match="float32; JavaScript computes in float64"):
        printed(kernel)
