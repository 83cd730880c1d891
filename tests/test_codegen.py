"""Generated kernels: always the same text, vectorised machine code, single precision throughout, and plain Python."""

import ast
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from reference_models import MODELS

import hhfast as hh
from hhfast.errors import InputError
from hhfast.kernel.build.kernel import generate, kernel_source, kernel_spec
from hhfast.kernel.jit import object_code as machine
from hhfast.kernel.optimise.loop_fission import reads_and_writes
from hhfast.model import Channel, Gate, Model, Parameter

DTYPES = ("float64", "float32")
ALWAYS = [*(("hodgkin_huxley", i, "float64") for i in hh.integrators if i not in ("bs32", "tsit5")),
          ("hodgkin_huxley", "exp_euler", "float32"), ("hodgkin_huxley", "tsit5", "float32"),
          ("prinz_stg", "exp_euler", "float64")]
OTHERS = [(m, i, d) for m in MODELS for i in hh.integrators for d in DTYPES if (m, i, d) not in ALWAYS]


def run_python(code, **env):
    """Run code in a fresh interpreter; its standard output."""
    env = os.environ | {"PYTHONPATH": str(Path(hh.__file__).parent.parent)} | env
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the text ---------------------------------------------------------------------------------------------------------
TEXTS = """
import hhfast as hh
from hhfast.kernel.build.kernel import generate_rates, kernel_source
record = [hh.Spikes(), hh.Features(["rate", "V_mean"]), hh.Trace("V", "i_L" if "{model}" != "prinz_stg" else "i_H")]
for integrator in ("exp_euler", "strang", "rk4", "rodas4"):
    print(kernel_source(hh.models["{model}"], integrator, hh.Step(1.0) + hh.Sine(1.0, 2.0), record, "float32"))
print(generate_rates(hh.models["{model}"]))
"""


@pytest.mark.parametrize("model", ["hodgkin_huxley", "prinz_stg"])
def test_the_text_does_not_depend_on_the_hash_seed(model):
    """Sets and dictionaries leave no trace: the same parts give the same text in every process."""
    texts = {run_python(TEXTS.replace("{model}", model), PYTHONHASHSEED=seed) for seed in ("0", "1", "4242")}
    assert len(texts) == 1
    assert len(texts.pop()) > 5_000


def test_lane_constants_share_what_is_common():
    """The rates' common factor q10**((celsius - 6.3)/10), times the step, is computed once, its logarithm here."""
    text = kernel_source(hh.models["hodgkin_huxley"], "exp_euler", hh.Step(1.0))
    assert re.findall(r"\bexp\((.*)\)\n", text) == ["(0.1 * celsius - 0.63) * 1.0986122886681098"]


def test_the_text_can_be_had_and_read():
    """kernel_source is a Python module with one function `kernel`; an unknown trace variable is named."""
    text = kernel_source(hh.models["hodgkin_huxley"], "rk4", hh.Step(1.0), [hh.Spikes()])
    compile(text, "kernel", "exec")
    assert text.count("def kernel(") == 1
    assert max(map(len, text.splitlines())) < 400
    with pytest.raises(InputError, match="did you mean 'V'"):
        kernel_source(hh.models["hodgkin_huxley"], "rk4", None, [hh.Trace("v")])


def test_values_are_not_in_the_text():
    """Varying parameters, durations, steps, levels or sizes never makes another kernel."""
    model = hh.models["hodgkin_huxley"]
    one = kernel_source(model, "rk4", hh.Step(1.0, 2.0), [hh.Spikes(), hh.Trace("V", every=0.1)])
    other = kernel_source(model, "rk4", hh.Step(np.ones(7), start=9.0, stop=11.0),
                          [hh.Spikes(-10.0, -50.0, 7, (1.0, 2.0)), hh.Trace("V", every=3.0)])
    assert one == other


# --- the machine code -----------------------------------------------------------------------------------------------
ARITHMETIC = r"= (?:fadd|fsub|fmul|fdiv|fneg)[a-z ]* "
PRODUCTS = r"= (?:fmul|fdiv)[a-z ]* "  # every loop over the equations has some; sums occur in checks and counts, too
UNROLLED = 4  # vectors in one round of a loop
INTRINSIC = r"call[a-z ]* {type} @llvm\.(?:fma|fmuladd)\."


class Operations:
    """Floating-point operations in the optimised LLVM IR of a kernel."""

    def __init__(self, model, integrator, dtype, stimulus=None):
        spec = kernel_spec(hh.models[model], integrator, stimulus, [hh.SpikeCount()], dtype)
        self.source = generate(spec)
        (self.text,) = machine.dispatcher(self.source, "kernel", spec.arguments).inspect_llvm().values()

    def count(self, kind, operations=ARITHMETIC):
        """Operations on a type, given as a regular expression."""
        fused = re.findall(INTRINSIC.format(type=kind), self.text)
        return len(re.findall(f"{operations}{kind} ", self.text)) + len(fused)

    @property
    def blocks(self):
        """Basic blocks: a label, then straight code."""
        return re.split(r"\n(?=[\w.\"]+:)", self.text)

    def scalar_products_in_loops(self):
        """Products in blocks that are a loop by themselves, as lane loops are: none in one that is vectorised."""
        loops = (b for b in self.blocks if re.search(rf"br i1 [^\n]*label %{re.escape(b.partition(':')[0])}\b", b))
        return sum(len(re.findall(PRODUCTS + "(?:double|float) ", b)) for b in loops)

    def mixed_blocks(self):
        """Basic blocks that compute with vectors of both precisions."""
        return [b for b in self.blocks if re.search(ARITHMETIC + r"<\d+ x float> ", b)
                and re.search(ARITHMETIC + r"<\d+ x double> ", b)]


def check_machine_code(model, integrator, dtype):
    lane, other = ("double", "float") if dtype == "float64" else ("float", "double")
    operations = Operations(model, integrator, dtype)
    vector = operations.count(rf"<\d+ x {lane}>")
    assert vector > 100
    scalar = operations.count("double", PRODUCTS) + operations.count("float", PRODUCTS)
    doubles = operations.count(rf"<\d+ x {other}>", PRODUCTS)
    if hh.integrators[integrator].adaptive:
        # Cells begin and end one by one. The time and the step are doubles, and three products size the step.
        assert operations.scalar_products_in_loops() <= 3
        assert doubles <= 3 * UNROLLED
    else:
        # The time of a step is a scalar product, and so is the number in a constant times the step.
        assert scalar <= 2 + len(re.findall(r"\bk\d+_ = .*\bdt_\b", operations.source))
        # Counts of spikes are doubles, added to when there is a spike; the equations stay in the lane's precision.
        assert doubles == 0
    assert not re.search(r"call [^\n]*@(?:llvm\.)?(?:exp|log|pow)[.(f]", operations.text)


@pytest.mark.parametrize(("model", "integrator", "dtype"), ALWAYS)
def test_lane_loops_are_vectorised(model, integrator, dtype):
    """Packed arithmetic in the lane's precision, next to no scalar arithmetic, no calls of exp, nothing mixed."""
    check_machine_code(model, integrator, dtype)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "integrator", "dtype"), OTHERS)
def test_lane_loops_are_vectorised_in_every_combination(model, integrator, dtype):
    """The complete matrix."""
    check_machine_code(model, integrator, dtype)


def test_a_stimulus_in_double_does_not_make_single_precision_loops_double():
    """The applied current is computed in float64, in loops of its own; no other loop mixes the two."""
    operations = Operations("hodgkin_huxley", "exp_euler", "float32", hh.Step(1.0))
    assert operations.count(r"<\d+ x float>") > 100
    assert operations.mixed_blocks() == []


def test_a_scalar_loop_would_be_noticed():
    """The count above tells a vectorised loop from one that is not."""
    operations = object.__new__(Operations)

    def kernel(x):
        for i in range(1, len(x)):
            x[i] = math.exp(x[i - 1]) * x[i] / 3.0

    compiled = numba.njit("void(float64[::1])", fastmath=machine.FASTMATH)(kernel)
    (operations.text,) = compiled.inspect_llvm().values()
    assert re.search(r"call [^\n]*@(?:llvm\.)?(?:exp|log|pow)[.(f]", operations.text)
    assert operations.count("double", PRODUCTS) >= 2
    assert operations.scalar_products_in_loops() >= 2
    assert operations.count(r"<\d+ x double>") == 0


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
])
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


def test_debug_mode_compiles_nothing():
    """Under HHFAST_DEBUG=1 the kernel is an ordinary function that a debugger can step through."""
    code = ("import hhfast as hh, inspect\n"
            "from hhfast.kernel.jit.cache import compiled\nfrom hhfast.kernel.build.kernel import kernel_spec\n"
            "f = compiled(kernel_spec(hh.models['hodgkin_huxley'], 'euler', None, [], 'float64'))\n"
            "print(inspect.isfunction(f))")
    assert run_python(code, HHFAST_DEBUG="1").strip() == "True"


# --- the cache --------------------------------------------------------------------------------------------------------
CACHED = """
import hhfast as hh, sys
from hhfast.model import parse_model
model = parse_model(open(sys.argv[1] if len(sys.argv) > 1 else "cell.toml").read())
print(hh.simulate(model, t_stop=1.0, integrator="euler", initial={"V": 0.0}, record=[hh.Final()])["V_final"][0])
print("numba" in sys.modules, file=open("compiled", "w"))
"""


def test_cached_kernels_survive_damage(passive, tmp_path, monkeypatch):
    """A second process needs no compiler; a damaged file is made again, with the same result."""
    monkeypatch.chdir(tmp_path)
    Path("cell.toml").write_text(passive.to_toml(), encoding="utf-8")
    cache = str(tmp_path / "cache")
    first = run_python(CACHED, HHFAST_CACHE_DIR=cache)
    assert Path("compiled").read_text() == "True\n"
    files = {p: p.stat().st_mtime_ns for p in Path(cache).rglob("*.code")}
    assert files
    assert run_python(CACHED, HHFAST_CACHE_DIR=cache) == first
    assert {p: p.stat().st_mtime_ns for p in Path(cache).rglob("*.code")} == files
    assert Path("compiled").read_text() == "False\n"
    for damage in (slice(100), slice(-1), slice(0), slice(1, None)):
        for path in files:
            path.write_bytes(path.read_bytes()[damage])
        assert run_python(CACHED, HHFAST_CACHE_DIR=cache) == first
        assert Path("compiled").read_text() == "True\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_is_replaced(passive, tmp_path, monkeypatch):
    """A read-only home costs compile time, not the run."""
    monkeypatch.chdir(tmp_path)
    Path("cell.toml").write_text(passive.to_toml(), encoding="utf-8")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert float(run_python(CACHED, HHFAST_CACHE_DIR=str(locked / "cache"))) < 0


# --- forms that are easily lost -------------------------------------------------------------------------------------
def one_gate(name, **formulas):
    channels = (Channel("L", g=0.1, E=-65.0), Channel("C", g=0.5, E=-80.0, gates=(Gate("x", **formulas),)))
    shared = (Parameter("C_m", 1.0, "uF cm-2"), Parameter("k", 2.0, "1"))
    return Model(name, -65.0, channels, shared)


@pytest.mark.parametrize(
    ("inf", "tau", "x"),
    [
        ("0.5", "5 if V < -20 else 2", lambda V: (0.5, np.where(V < -20, 5, 2))),
        ("0.2 if V < -20 else 0.7", "5 if V < -20 else 2", lambda V: np.where(V < -20, [[0.2], [5.0]], [[0.7], [2.0]])),
        ("0.5", "k * 3 if V >= -20 + k else k", lambda V: (0.5, np.where(V >= -18, 6, 2))),
        ("min(max(V + 30, 0) / 40, 1)", "max(k, abs(V) / 10)",
         lambda V: (np.clip((V + 30) / 40, 0, 1), np.maximum(2, np.abs(V) / 10))),
        ("sqrt(1 / (1 + exp(-V / 9)))", "1 + tanh(V / 30) ** 2",
         lambda V: (np.sqrt(1 / (1 + np.exp(-V / 9))), 1 + np.tanh(V / 30) ** 2)),
        ("0.3", "3 + sinh(V / 100) ** 2 + cosh(V / 50)", lambda V: (0.3, 3 + np.sinh(V / 100) ** 2 + np.cosh(V / 50))),
    ],
)
def test_conditions_and_functions_reach_the_kernel(inf, tau, x):
    """a if c else b (shared between formulas too), min, max, abs and the hyperbolic functions, in a compiled step."""
    V = np.linspace(-90, 40, 66)
    model = one_gate("forms", inf=inf, tau=tau)
    r = hh.simulate(model, initial={"V": V, "x": 0.4}, t_stop=0.01, dt=0.01, integrator="euler", record=[hh.Final()])
    x_inf, tau_x = x(V)
    np.testing.assert_allclose(r["x_final"], 0.4 + 0.01 * (x_inf - 0.4) / tau_x, rtol=1e-12)
    np.testing.assert_allclose(r["V_final"], V - 0.01 * (0.1 * (V + 65) + 0.5 * 0.4 * (V + 80)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("integrator", list(hh.integrators))
@pytest.mark.parametrize("model", MODELS)
def test_no_loop_reads_a_local_of_another(model, integrator):
    """A lane's value that one loop leaves and another needs has a row; a local would be the last lane's."""
    record = [hh.Spikes(), hh.Features(list(hh.Features.known)), hh.Trace("V", every=1.0)]
    for stimulus in (None, hh.Step(1.0), hh.Sine(1.0, 5.0)):
        tree = ast.parse(kernel_source(hh.models[model], integrator, stimulus, record))
        loops = [n for n in ast.walk(tree) if isinstance(n, ast.For) and ast.unparse(n.target) == "i_"]
        straight = [n.body for n in loops if all(isinstance(x, ast.Assign) for x in n.body)]
        assert len(straight) > 4
        names = [reads_and_writes([ast.unparse(x) for x in body]) for body in straight]
        locals_ = {name for _, writes in names for name in writes}
        for reads, _ in names:
            assert not {x for x in reads if x in locals_ and not x.startswith(("hit_", "wide_", "far_", "any_"))}
