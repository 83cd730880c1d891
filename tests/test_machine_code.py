"""Machine code of kernels: vectorised, in the lanes' precision throughout, without calls of exp."""

import re

import pytest
from reference_models import MODELS

import hhfast as hh
from hhfast.kernel.build.adaptive import Adaptive
from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.fixed_step import FixedStep
from hhfast.kernel.jit import llvm_compiler
from hhfast.kernel.print import llvm
from hhfast.kernel.spec import kernel_spec

DTYPES = ("float64", "float32")
ALWAYS = [*(("hodgkin_huxley", i, "float64") for i in hh.integrators if i not in ("bs32", "tsit5")),
          ("hodgkin_huxley", "exp_euler", "float32"), ("hodgkin_huxley", "tsit5", "float32"),
          ("prinz_stg", "exp_euler", "float64")]  # fmt: skip
OTHERS = [(m, i, d) for m in MODELS for i in hh.integrators for d in DTYPES if (m, i, d) not in ALWAYS]

ARITHMETIC = r"= (?:fadd|fsub|fmul|fdiv|fneg)[a-z ]* "
PRODUCTS = r"= (?:fmul|fdiv)[a-z ]* "  # every loop over the equations has some; sums occur in checks and counts, too
UNROLLED = 4  # vectors in one round of a loop
INTRINSIC = r"call[a-z ]* {type} @llvm\.(?:fma|fmuladd)\."
CALLS_OF_FUNCTIONS = r"call [^\n]*@(?:llvm\.)?(?:exp|log|pow|sin)[.(f]"


class Operations:
    """Floating-point operations in the optimised LLVM IR of a kernel."""

    def __init__(self, model, integrator, dtype, stimulus=None, record=(hh.SpikeCount(),)):
        spec = kernel_spec(hh.models[model], integrator, stimulus, record, dtype)
        self.builder = Builder(spec)
        make = Adaptive if spec.integrator.adaptive else FixedStep
        self.text = optimised(llvm.printed(make(self.builder).kernel()))

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
                and re.search(ARITHMETIC + r"<\d+ x double> ", b)]  # fmt: skip


def optimised(text):
    return str(llvm_compiler.optimised(text)[0])


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
        # The time of a step is a scalar product, and so is the number in a constant times the step; the middle of the
        # bounds of a block's potentials, and how far they are from there, are two more.
        assert scalar <= 3 + len(operations.builder.constants.of_step)
        # Counts of spikes are doubles, added to when there is a spike; the equations stay in the lane's precision.
        assert doubles == 0
    assert not re.search(CALLS_OF_FUNCTIONS, operations.text)


@pytest.mark.parametrize(("model", "integrator", "dtype"), ALWAYS)
def test_lane_loops_are_vectorised(model, integrator, dtype):
    """Packed arithmetic in the lane's precision, next to no scalar arithmetic, no calls of exp, nothing mixed."""
    check_machine_code(model, integrator, dtype)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "integrator", "dtype"), OTHERS)
def test_lane_loops_are_vectorised_in_every_combination(model, integrator, dtype):
    """The complete matrix."""
    check_machine_code(model, integrator, dtype)


@pytest.mark.parametrize("stimulus", [hh.Step(1.0), hh.Sine(1.0, 5.0)], ids=["step", "sine"])
def test_a_stimulus_in_double_does_not_make_single_precision_loops_double(stimulus):
    """The applied current is computed in float64, in loops of its own; no other loop mixes the two."""
    operations = Operations("hodgkin_huxley", "exp_euler", "float32", stimulus)
    assert operations.count(r"<\d+ x float>") > 100
    assert operations.mixed_blocks() == []


def test_features_do_not_make_single_precision_loops_double():
    """Running values of every step are of the lanes' type."""
    record = [hh.Features(list(hh.Features.known))]
    operations = Operations("hodgkin_huxley", "exp_euler", "float32", record=record)
    assert operations.mixed_blocks() == []
    assert operations.count(r"<\d+ x double>", PRODUCTS) == 0


SCALAR = """
define void @kernel(ptr %x, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 1, %entry ], [ %next, %loop ]
  %before = phi double [ 1.0, %entry ], [ %y, %loop ]
  %e = call double @exp(double %before)
  %place = getelementptr double, ptr %x, i64 %i
  %here = load double, ptr %place
  %p = fmul double %e, %here
  %y = fdiv double %p, 3.0
  store double %y, ptr %place
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}
declare double @exp(double)
"""


def test_a_scalar_loop_would_be_noticed():
    """The counts above tell a vectorised loop from one that is not."""
    operations = object.__new__(Operations)
    operations.text = optimised(SCALAR)
    assert re.search(CALLS_OF_FUNCTIONS, operations.text)
    assert operations.count("double", PRODUCTS) >= 2
    assert operations.scalar_products_in_loops() >= 2
    assert operations.count(r"<\d+ x double>") == 0


@pytest.mark.parametrize(("integrator", "dtype", "lanes"), [("exp_euler", "float64", "2d"), ("tsit5", "float32", "4s")])
def test_lane_loops_are_vectorised_for_arm(monkeypatch, integrator, dtype, lanes):
    """Compiled for a processor with NEON, which need not be this one: packed arithmetic, no calls of exp.

    What is rare (the time of a spike, a turn of V near the threshold) is scalar, and alike in all kernels.
    """
    binding = pytest.importorskip("llvmlite.binding")
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    monkeypatch.setattr(llvm_compiler, "processor", lambda: ("aarch64-unknown-linux-gnu", "neoverse-n1", ""))
    spec = kernel_spec(hh.models["hodgkin_huxley"], integrator, None, (hh.SpikeCount(),), dtype)
    make = Adaptive if spec.integrator.adaptive else FixedStep
    text = llvm_compiler.assembly(llvm.printed(make(Builder(spec)).kernel()))
    packed = re.findall(rf"\tf(?:mla|mls|mul|add|sub|div)\tv\d+\.{lanes}", text)
    scalar = re.findall(r"\tf(?:madd|msub|nmadd|nmsub|mul|add|sub|div)\t[sd]\d+", text)
    assert len(packed) > 100
    assert len(scalar) < len(packed) / 2
    assert not re.search(r"\tbl\t(?:exp|log|pow|sin)f?\b", text)
