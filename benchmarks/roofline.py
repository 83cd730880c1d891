"""How far the kernels are from what the machine can do: arithmetic of a step against the measured FMA peak.

    python benchmarks/roofline.py [--models NAME ...] [--integrators NAME ...] [--mixed CELLS]

The arithmetic is counted in the machine code of the vectorised loops over lanes (a fused multiply-add is two
operations, times the lanes of its register), the peak is measured here with independent chains of fused multiply-adds.
Steps are those of fixed length, or the trial steps of integrators that choose their own. Times are of cells that all
differ, under currents from 0 to 20; so where cells choose their steps, lanes fall idle at the end of a call: the
occupancy says how many are at work, trial steps of cells over those of all lanes.
"""

from __future__ import annotations

import argparse
import ctypes
import re
import subprocess
import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from machine_code import ITEM_BITS, StepCount, count_step


# --- machine code ------------------------------------------------------------------------------------------------
@lru_cache(maxsize=64)
def count_hhfast(model: str, integrator: str, dtype: str) -> StepCount | None:
    """Arithmetic of a time step (adaptive: of a trial step) of a kernel that counts spikes under a step current."""
    from common_path import common_path

    import hhfast as hh
    from hhfast.kernel.build.kernel import kernel_of
    from hhfast.kernel.jit.llvm_compiler import assembly
    from hhfast.kernel.print import llvm
    from hhfast.kernel.spec import kernel_spec

    record = [hh.recorders["spike_count"]()]
    spec = kernel_spec(hh.models[model], integrator, hh.Step(amplitude=10.0), record, dtype, dt=0.01)
    kernel = kernel_of(spec)
    # Fixed steps are in loops over blocks, nodes of the time grid, steps; trial steps in a loop of their own.
    depth = 1 if spec.integrator.adaptive else 3
    return count_step(assembly(llvm.printed(common_path(kernel))), dtype, depth=depth, block_lanes=kernel.lanes)


@lru_cache(maxsize=4)
def count_cpp(kind: str, dtype: str) -> StepCount | None:
    """The same of the hand-written C++."""
    from rivals.with_cpp import SOURCE, flags

    command = ["g++", *flags(), "-S", "-fPIC", str(SOURCE), "-o", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    letter, how = ("d" if dtype == "float64" else "f"), kind.capitalize()
    functions = re.split(r"\n(?=_Z\w+:|[a-z]\w*:)", text)
    named = {
        name: [f for f in functions if re.match(rf"_Z\w*{name}I{letter}\d+{how}\w*", f)] for name in ("block", "run")
    }
    # The loop over steps is the outermost of `block`, or inside the one over blocks where that was inlined.
    depth, code = (1, named["block"]) if named["block"] else (2, named["run"])
    return count_step("\n".join(code), dtype, depth=depth, block_lanes=128)


# --- what the machine can do -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Peak:
    """Measured rates of one thread: operations per ns in fused multiply-adds, divisions per ns."""

    flops: float
    divisions: float


@lru_cache(maxsize=4)
def measured_peak(dtype: str) -> Peak:
    """The best rate over register widths and numbers of independent chains."""
    item = ITEM_BITS[dtype]
    fma = max(_rate(dtype, bits // item, chains, "fma") for bits in (128, 256, 512) for chains in (8, 10, 12, 16, 20))
    div = max(_rate(dtype, bits // item, chains, "div") for bits in (128, 256, 512) for chains in (4, 8))
    return Peak(2 * fma, div)


def _rate(dtype: str, lanes: int, chains: int, operation: str, loops: int = 200_000) -> float:
    """Lane operations per ns of `chains` independent chains of vectors."""
    function, keep = _chain_function(dtype, lanes, chains, operation)
    out = np.zeros(lanes * chains, dtype)
    best = np.inf
    for _ in range(7):
        start = time.process_time()
        function(loops, out.ctypes.data)
        best = min(best, time.process_time() - start)
    del keep
    return lanes * chains * loops / best * 1e-9


def _chain_function(dtype: str, lanes: int, chains: int, operation: str):
    """Compile `for i in range(n): x_k = x_k * a + b` (or x_k = a / x_k) for k < chains, in registers, with llvmlite."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        opt=2, cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten()
    )
    module = llvm.parse_assembly(_chain_text(dtype, lanes, chains, operation))
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(engine.get_function_address("chains"))
    return function, engine


def _chain_text(dtype: str, lanes: int, chains: int, operation: str) -> str:
    number = "double" if dtype == "float64" else "float"
    vector, name = f"<{lanes} x {number}>", f"v{lanes}f{ITEM_BITS[dtype]}"
    same = lambda value: "<" + ", ".join([f"{number} {value}"] * lanes) + ">"  # noqa: E731
    one = {
        "fma": f"call {vector} @llvm.fma.{name}({vector} %x{{k}}, {vector} {same('0.5')}, {vector} {same('1.0')})",
        "div": f"fdiv {vector} {same('3.0')}, %x{{k}}",
    }[operation]
    phis = [f"%x{k} = phi {vector} [ {same(f'{k + 1}.0')}, %entry ], [ %y{k}, %loop ]" for k in range(chains)]
    steps = [f"%y{k} = {one.format(k=k)}" for k in range(chains)]
    stores = [
        line
        for k in range(chains)
        for line in (f"%p{k} = getelementptr {vector}, ptr %out, i64 {k}", f"store {vector} %y{k}, ptr %p{k}, align 4")
    ]
    return "\n".join(
        [
            f"declare {vector} @llvm.fma.{name}({vector}, {vector}, {vector})",
            "define void @chains(i64 %n, ptr %out) {",
            "entry:",
            "br label %loop",
            "loop:",
            "%i = phi i64 [ 0, %entry ], [ %next, %loop ]",
            *phis,
            *steps,
            "%next = add i64 %i, 1",
            "%more = icmp slt i64 %next, %n",
            "br i1 %more, label %loop, label %done",
            "done:",
            *stores,
            "ret void",
            "}",
        ]
    )


# --- report --------------------------------------------------------------------------------------------------------
def limit_ns(count: StepCount, dtype: str) -> float:
    """ns per neuron-step if all arithmetic ran at the measured peak."""
    return count.flops / measured_peak(dtype).flops


def measured(model: str, integrator: str, dtype: str, n: int = 4096, t_stop: float = 20.0) -> tuple[float, float]:
    """Median ns per neuron-step (adaptive: per trial step) of `simulate` with one thread, spikes counted; occupancy."""
    from occupancy import occupancy, trials_of

    import hhfast as hh

    dt, rng = 0.01, np.random.default_rng(1)
    adaptive = hh.integrators[integrator].adaptive
    given = {name: p.value for name, p in hh.models[model].parameters.items() if name.startswith("g_")}
    params = {name: value * rng.uniform(0.8, 1.2, n) for name, value in given.items()}
    current = hh.Step(amplitude=rng.uniform(0.0, 20.0, n))
    busy = 1.0  # n is a multiple of the lanes

    def run() -> float:
        nonlocal busy
        start = time.process_time()
        found = hh.simulate(
            model,
            params,
            stimulus=current,
            t_stop=t_stop,
            dt=dt,
            integrator=integrator,
            record=[hh.recorders["spike_count"]()],
            dtype=dtype,
            threads=1,
        )
        seconds = time.process_time() - start
        if not adaptive:
            return seconds / (n * round(t_stop / dt)) * 1e9
        busy = occupancy(trials_of(found), n, dtype)
        return seconds / trials_of(found).sum() * 1e9

    run()
    return float(np.median([run() for _ in range(7)])), busy


def row(name: str, dtype: str, count: StepCount | None, found: tuple[float, float] | None) -> str:
    """One line of the table; found : as of `measured`."""
    if count is None:
        return f"| {name} | {dtype} | not found in the machine code {'| ' * 11}|"
    limit, divider = limit_ns(count, dtype), count.divisions / measured_peak(dtype).divisions
    kinds = (count.instructions, count.divisions, count.loads_and_stores, count.stack, count.moves)
    parts = [
        name,
        dtype,
        f"{count.bits}",
        f"{count.flops:.0f}",
        *(f"{n:.0f}" for n in kinds),
        f"{limit:.2f}",
        f"{divider:.2f}",
        *((f"{found[0]:.2f}", f"{100 * limit / found[0]:.0f} %", f"{100 * found[1]:.0f} %") if found else [""] * 3),
    ]
    return "| " + " | ".join(parts) + " |"


_COLUMNS = (
    "",
    "type",
    "vector bits",
    "flops",
    "vector instructions",
    "divisions",
    "memory operands",
    "of these stack",
    "register moves",
    "ns at FMA peak",
    "ns of divider",
    "measured ns",
    "of peak",
    "occupancy",
)
HEAD = f"| {' | '.join(_COLUMNS)} |\n|---|---|{'---:|' * (len(_COLUMNS) - 2)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["hodgkin_huxley", "prinz_stg"])
    parser.add_argument("--integrators", nargs="+", default=["exp_euler", "rk4", "tsit5"])
    parser.add_argument("--no-cpp", action="store_true", help="leave out the hand-written C++")
    parser.add_argument(
        "--mixed", type=int, metavar="CELLS", help="the occupancy of so many silent, bursting ... ones, too"
    )
    options = parser.parse_args()
    for dtype in ITEM_BITS:
        peak = measured_peak(dtype)
        print(f"{dtype}: {peak.flops:.1f} Gflop/s (multiply-adds), {peak.divisions:.2f} G divisions/s, one thread")
    print("\nFlops: per neuron-step. Instructions: per step of one vector of neurons.\n")
    print(HEAD)
    for model in options.models:
        for integrator in options.integrators:
            for dtype in ITEM_BITS:
                count = count_hhfast(model, integrator, dtype)
                print(row(f"{model}, {integrator}", dtype, count, measured(model, integrator, dtype)), flush=True)
    if not options.no_cpp:
        for dtype in ITEM_BITS:
            print(row("C++ by a specialist", dtype, count_cpp("expert", dtype), None))
    if options.mixed:
        from settled import lanes

        print("\nOccupancy where cells need very different numbers of steps, until settled:")
        lanes(options.mixed)


if __name__ == "__main__":
    main()
