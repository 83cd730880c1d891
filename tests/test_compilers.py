"""The compiler that always works gives the same bits, and takes over when llvmlite is not as hhfast knows it."""

import json

import pytest
from processes import finished, start_python

RUN = """
import json, warnings
import numpy as np
import hhfast as hh
from hhfast.kernel.jit import llvm_compiler

if BROKEN:
    def gone(*arguments):
        raise AttributeError("module 'llvmlite.binding' has no attribute 'create_lljit_compiler'")
    llvm_compiler.object_code = gone
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    found = []
    for integrator in ("exp_euler", "rk4"):
        r = hh.simulate("hodgkin_huxley", {"g_Na": np.linspace(90, 150, 5)}, stimulus=hh.Step(12.0, start=1.0), t_stop=20.0,
                        dt=0.025, integrator=integrator, threads=1,
                        record=[hh.Spikes(), hh.Final(), hh.Features(["V_max", "V_mean"]), hh.Trace("V", every=2.0)])
        found += [r[name].tobytes().hex() for name in ("spike_time", "V_final", "m_final", "V_max", "V_mean", "V")]
print(json.dumps({"found": found, "told": [str(w.message) for w in told]}))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What each compiler finds, in processes of their own side by side, each with an empty cache."""
    by = {"llvm": ("llvm", "False"), "numba": ("numba", "False"), "broken": ("", "True")}
    started = {
        name: start_python(
            RUN.replace("BROKEN", broken),
            HHFAST_COMPILER=compiler,
            HHFAST_CACHE_DIR=str(tmp_path_factory.mktemp(name)),
        )
        for name, (compiler, broken) in by.items()
    }
    return {name: json.loads(finished(process)) for name, process in started.items()}


def test_both_compilers_agree_bit_for_bit(runs):
    assert len(set(runs["llvm"]["found"])) == 12  # every recorder of both integrators saw something of its own
    assert runs["numba"]["found"] == runs["llvm"]["found"]
    assert runs["numba"]["told"] == runs["llvm"]["told"] == []


def test_numba_takes_over_from_an_llvmlite_that_has_changed(runs):
    """One warning for all kernels of a process, which says why; the same bits."""
    (warning,) = runs["broken"]["told"]
    assert "create_lljit_compiler" in warning
    assert "the results are the same" in warning
    assert runs["broken"]["found"] == runs["llvm"]["found"]
