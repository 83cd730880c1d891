"""The Python printer: text that people read, that is always the same, and that runs as it is."""

import json

import numpy as np
import pytest
from processes import run_python
from small_kernels import as_python, by_llvm, by_numba, kernel_of_text
from standard import random_params, random_states

import hhfast as hh
from hhfast.errors import InputError
from hhfast.kernel.build.kernel import kernel_of, rates_kernel
from hhfast.kernel.print import llvm, python
from hhfast.kernel.print.source import kernel_source
from hhfast.kernel.spec import kernel_spec
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Comment, Let, Name, Number, Symbol
from hhfast.kernel.tree.straight_line import reads_and_writes
from hhfast.kernel.tree.walk import walk
from hhfast.model import Channel, Gate, Model, Parameter, Pool

# --- the text ---------------------------------------------------------------------------------------------------------
TEXTS = """
import hhfast as hh
from hhfast.kernel.build.kernel import kernel_of, rates_kernel
from hhfast.kernel.print import llvm, python
from hhfast.kernel.spec import kernel_spec
model = hh.models["{model}"]
record = [hh.Spikes(), hh.Features(["rate", "V_mean"]), hh.Trace("V", "i_L" if "{model}" != "prinz_stg" else "i_H")]
stimulus = hh.Step(1.0) + hh.Sine(1.0, 2.0) + hh.Noise(1.0, 2.0)
kernels = [kernel_of(kernel_spec(model, integrator, stimulus, record, "float32"))
           for integrator in ("exp_euler", "strang", "rk4", "rodas4")]
for kernel in [*kernels, rates_kernel(model)]:
    print(python.printed(kernel))
    print(llvm.printed(kernel))
"""


@pytest.mark.parametrize("model", ["hodgkin_huxley", "prinz_stg"])
def test_the_text_does_not_depend_on_the_hash_seed(model):
    """Sets and dictionaries leave no trace: the same parts give the same Python and LLVM text in every process."""
    texts = {run_python(TEXTS.replace("{model}", model), PYTHONHASHSEED=seed) for seed in ("0", "1", "4242")}
    assert len(texts) == 1
    assert len(texts.pop()) > 50_000


def test_lane_constants_share_what_is_common():
    """The rates' common factor q10**((celsius - 6.3)/10), times the step, is computed once, its logarithm here."""
    text = kernel_source(hh.models["hodgkin_huxley"], "exp_euler", hh.Step(1.0))
    found = [line.partition("exp(")[2] for line in text.splitlines() if " exp(" in line and "#" not in line]
    assert found == ["(0.1 * celsius - 0.63) * 1.0986122886681098)"]


@pytest.mark.parametrize("integrator", hh.integrators)
def test_the_text_can_be_had_and_read(integrator):
    """A Python module with one function, the model's equations above it, in lines that fit on a screen."""
    text = kernel_source(hh.models["hodgkin_huxley"], integrator, hh.Step(1.0), [hh.Spikes()])
    compile(text, "kernel", "exec")
    assert text.count("\ndef ") == text.count("\ndef kernel(") == 1
    assert text.startswith(f'"""hodgkin_huxley, {integrator}, step, float64.')
    assert "C_m dV/dt = i_app - i_Na - i_K - i_L" in text
    body = text.partition("\ndef ")[2]
    assert max(len(line) for line in body.splitlines()[1:]) < 200


def test_what_cannot_be_traced_is_named():
    with pytest.raises(InputError, match="did you mean 'V'"):
        kernel_source(hh.models["hodgkin_huxley"], "rk4", None, [hh.Trace("v")])


def test_values_are_not_in_the_text():
    """Varying parameters, durations, steps, levels or sizes never makes another kernel."""
    model = hh.models["hodgkin_huxley"]
    one = kernel_source(model, "rk4", hh.Step(1.0, 2.0), [hh.Spikes(), hh.Trace("V", every=0.1)])
    other = kernel_source(model, "rk4", hh.Step(np.ones(7), start=9.0, stop=11.0),
                          [hh.Spikes(-10.0, -50.0, 7, (1.0, 2.0)), hh.Trace("V", every=3.0)])  # fmt: skip
    assert one == other


# --- names ------------------------------------------------------------------------------------------------------------
# What printers and kernels call things themselves, letters that integrators use, words of Python and of NumPy.
NAMES = ["i", "W", "s", "q", "w", "g", "step", "cell", "stop", "dt", "x", "a", "b", "f", "X", "P", "A", "np_", "exp",
         "log", "sin", "c0", "kernel", "rates", "range", "len", "min", "node", "block", "turns", "float64", "int",
         "phi", "part", "u1", "k1", "V_was", "m_row", "m", "i_row", "window", "normal", "error", "h", "any_due", "t"]  # fmt: skip


def model_with_names(names):
    """A model whose gates, parameters and pool have these names, as far as a model may have them."""
    gates, parameters = [], [Parameter("C_m", 1.0, "uF cm-2")]
    for k, name in enumerate(names):
        try:
            _model(gates, [*parameters, Parameter(name, 1.0, "1")])
        except InputError:
            continue  # taken
        if k % 2:
            gates.append(Gate(name, inf=f"1 / (1 + exp(-(V + {40 + k}) / 9))", tau=f"{1 + k / 5}"))
        else:
            parameters.append(Parameter(name, 1.0 + k / 50, "1"))
    used = [p.name for p in parameters[1:]]
    return _model(gates, parameters, " + ".join(used)), [*used, *(gate.name for gate in gates)]


def _model(gates, parameters, total="1"):
    groups = [tuple(gates[k : k + 4]) for k in range(0, len(gates), 4)]
    channels = [Channel("L", g=0.1, E=-65.0)]
    channels += [Channel(f"C{k}", g=0.2, E=-50.0 - k, gates=group, rate_scale=f"0.1 * ({total})")
                 for k, group in enumerate(groups)]  # fmt: skip
    pool = Pool("Ca", "uM", 0.1, a="0.1 - 0.001 * i_L", b="0.1")
    return Model("names", -65.0, tuple(channels), tuple(parameters), pools=(pool,))


@pytest.mark.parametrize("integrator", ["exp_euler", "rk4", "rodas4"])
@pytest.mark.parametrize("turn", [0, 1])
def test_models_may_use_any_name(integrator, turn):
    """Also those of kernels, printers, Python and NumPy: states and parameters mean what the model says."""
    model, used = model_with_names(NAMES[turn:] + NAMES[:turn])
    assert len(used) > 30
    _, names = model_with_names([f"name_{k}" for k in range(len(used))])
    assert len(names) == len(used)
    record, options = [hh.Final(), hh.Spikes(), hh.Features(["V_mean", "V_max"])], {"t_stop": 0.5, "dt": 0.1}
    # The same model with other names, in the same order: the parameters first, then the gates.
    renamed = _renamed(model, dict(zip(used, names, strict=True)))
    found, expected = (hh.simulate(m, stimulus=hh.Sine(2.0, 100.0), integrator=integrator, record=record, **options)
                       for m in (model, renamed))  # fmt: skip
    for x, y in zip(model.states, renamed.states, strict=True):
        np.testing.assert_allclose(found[f"{x}_final"], expected[f"{y}_final"], rtol=1e-12)
    spec = kernel_spec(model, integrator, hh.Sine(2.0, 100.0), record, "float64", 0.1)
    compile(python.printed(kernel_of(spec)), "kernel", "exec")


def _renamed(model, names):
    parameters = [Parameter(names.get(p.name, p.name), p.value, p.unit) for p in model.shared]
    total = " + ".join(p.name for p in parameters[1:])
    gates = [Gate(names[g.name], inf=g.inf, tau=g.tau) for channel in model.channels for g in channel.gates]
    return _model(gates, parameters, total)


def test_rates_of_models_with_any_names():
    """The function of rates, as plain Python, by LLVM and by Numba."""
    model, _ = model_with_names(NAMES)
    rng, n = np.random.default_rng(1), 5
    X, params = random_states(model, n, rng), random_params(model, n, rng)
    P = np.array([params[name] for name in model.parameters])
    found = []
    for make in (as_python, by_llvm, by_numba):
        A, B = np.zeros((2, *X.shape))
        make(rates_kernel(model))(0, n, np.zeros(len(P)), np.arange(len(P)), P, X, np.zeros(n), A, B)
        found.append((A, B))
    for A, B in found[1:]:
        np.testing.assert_allclose(A, found[0][0], rtol=1e-13)
        np.testing.assert_allclose(B, found[0][1], rtol=1e-13)


def test_symbols_of_one_name_are_two():
    """Names are told apart where they are printed; no place of one is that of the other."""
    y, first, second, row = Symbol("y"), Symbol("x"), Symbol("x"), Symbol("x_row")
    rows = {first: ("lane", 0), row: ("lane", 1)}
    lets = (Let(first, Number(1.0)), Let(second, Number(2.0)), Let(row, Number(4.0)),
            nodes.Store(nodes.RowElement(first, Number(0)), Name(first)),
            nodes.Store(nodes.RowElement(row, Number(0)), nodes.Binary("+", Name(second), Name(row))))  # fmt: skip
    kernel = Kernel("two", "kernel", {y: "float64[::1]"}, lets, lanes=1, scratch={"lane": (y, 2)}, rows=rows)
    for make in (as_python, by_llvm, by_numba):
        found = np.zeros(2)
        make(kernel)(found)
        assert found.tolist() == [1.0, 6.0]


def test_operators_are_printed_with_the_parentheses_they_need():
    """Text read, printed and read again is the same tree."""
    texts = ["x[0] = (1.0 - (n - 2.0)) - 3.0", "x[0] = n / (2.0 * n) / 3.0", "x[0] = -(n + 1.0) * -n", "x[0] = -2.0 - -n",
             "x[0] = (1.0 if n > 0.0 else 2.0) if (n < 1.0 if n > 2.0 else n > 3.0) else (3.0 if n else 4.0)",
             "x[0] = n if (n > 0.0 or n < -1.0) and not n > 5.0 else 0.0", "x[0] = abs(-n) - (n - abs(n - 1.0))",
             "k = (len(x) << 2 & 3 | 4 ^ 1) - (len(x) >> (1 + 1))\nx[0] = k // (2 * 3)",
             "x[0] = (n > 0.0) & (n < 2.0) | (n > 3.0)", "x[0] = 2.0 * (3 if n > 1.0 else 4)"]  # fmt: skip
    for text in texts:
        for n in (-3.5, 0.5, 2.5):
            expected, found = np.zeros((2, 1))
            exec(text, {"x": expected, "n": n})
            as_python(kernel_of_text(text, {"x": "float64[::1]", "n": "float64"}))(found, n)
            assert found[0] == expected[0], text


def test_comments_do_not_become_code():
    """A line break in a title or a note ends no comment."""
    y = Symbol("y")
    nasty = 'a\n""" b\nimport os\r\n\x0c\u2028 c\\'
    kernel = Kernel("t", "kernel", {y: "float64[::1]"}, (Comment(nasty), Comment(nasty)), notes=(nasty,))
    text = python.printed(kernel)
    as_python(kernel)(np.zeros(1))
    assert "\nimport os" not in text
    llvm.printed(kernel)


# --- plain Python -----------------------------------------------------------------------------------------------------
TINY = """
import json, numpy as np, hhfast as hh
r = hh.simulate("hodgkin_huxley", {"g_Na": np.array([110.0, 120.0])}, stimulus=hh.Step(15.0), t_stop=2.5, dt=0.05,
                integrator="INTEGRATOR", dtype="DTYPE", record=[hh.Spikes(), hh.Features(["V_max"]),
                                                                hh.Trace("V", "i_Na", every=0.25)], threads=1)
print(json.dumps({"V": r["V"].tolist(), "i_Na": r["i_Na"].tolist(), "times": r.spike_time.tolist(),
                  "V_max": r["V_max"].tolist(), "status": r.status.tolist()}))
"""


@pytest.mark.parametrize(("integrator", "dtype"), [
    ("rk4", "float64"), ("exp_euler", "float32"), ("bs32", "float32"),
    pytest.param("rodas4", "float64", marks=pytest.mark.slow),
])  # fmt: skip
def test_kernels_run_as_plain_python(integrator, dtype):
    """HHFAST_DEBUG=1: no compiler, the same numbers to rounding."""
    code = TINY.replace("INTEGRATOR", integrator).replace("DTYPE", dtype)
    plain, compiled = (json.loads(run_python(code, HHFAST_DEBUG=debug)) for debug in ("1", "0"))
    assert plain["status"] == compiled["status"] == [0, 0]
    assert len(plain["times"]) == len(compiled["times"]) == 2
    tolerance = 1e-9 if dtype == "float64" else 1e-2
    for name in ("V", "times", "V_max"):
        np.testing.assert_allclose(plain[name], compiled[name], rtol=0, atol=tolerance)
    np.testing.assert_allclose(plain["i_Na"], compiled["i_Na"], rtol=1e-3, atol=100 * tolerance)


PLAIN = """
import sys, traceback
import hhfast as hh
from hhfast.kernel.jit.compile import compiled
from hhfast.kernel.spec import kernel_spec
kernel = compiled(kernel_spec(hh.models["hodgkin_huxley"], "euler", None, [], "float64"))
try:
    kernel(*[None] * 15)
except TypeError:
    print(traceback.format_exc())
print([name for name in ("numba", "llvmlite") if name in sys.modules])
"""


def test_debug_mode_compiles_nothing():
    """Under HHFAST_DEBUG=1 a kernel is an ordinary function: a debugger steps through it, tracebacks quote it."""
    told = run_python(PLAIN, HHFAST_DEBUG="1")
    assert "<hhfast kernel" in told
    assert "in kernel" in told
    assert "for block in range(" in told
    assert "numba" not in told.splitlines()[-1]


# --- loops ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("integrator", hh.integrators)
@pytest.mark.parametrize("model", ["hodgkin_huxley", "prinz_stg"])
def test_no_loop_reads_a_local_of_another(model, integrator):
    """A lane's value that one loop leaves and another needs has a row; a local would be the last lane's."""
    record = [hh.Spikes(), hh.Features(list(hh.Features.known)), hh.Trace("V", every=1.0)]
    for stimulus in (None, hh.Step(1.0), hh.Sine(1.0, 5.0)):
        kernel = kernel_of(kernel_spec(hh.models[model], integrator, stimulus, record, "float64"))
        loops = [node.body for node in walk(*kernel.body) if isinstance(node, nodes.LaneLoop)]
        assert len(loops) > 4
        found = [reads_and_writes(body) for body in loops]
        local = {symbol for _, writes in found for symbol in writes if not symbol.is_flag}
        for reads, _ in found:
            assert not set(reads) & local
