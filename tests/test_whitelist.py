"""Before a printed kernel is executed: arithmetic passes, anything else does not."""

import ast

import pytest

import hhfast as hh
from hhfast.kernel.jit import python_driver
from hhfast.kernel.jit.whitelist import NotAKernelError, check_kernel

HEAD = 'from hhfast.kernel.math.elementary import exp\nimport numpy as np\n"""x"""\n'
KERNEL = HEAD + "def f(x):\n    for i in range(x.shape[0]):\n        x[i] = exp(x[i]) + np.float64(1.0)\n"
ATTACKS = [
    KERNEL.replace('"""x"""', '"""x"""\nimport os\nos.system("touch OWNED")'),
    KERNEL.replace('"""x"""', "from os import system as exp"),
    KERNEL.replace("import numpy as np", "import os as np"),
    KERNEL.replace("exp(x[i])", "__import__('os').system('x')"),
    KERNEL.replace("exp(x[i])", "open('x')"),
    KERNEL.replace("exp(x[i])", "x.__class__"),
    KERNEL.replace("exp(x[i])", "np.load('x')"),
    KERNEL.replace("exp(x[i])", "np.f2py.compile('x')"),
    KERNEL.replace("exp(x[i])", "(lambda: 1)()"),
    KERNEL.replace("exp(x[i])", "[y for y in x]"),
    KERNEL.replace("exp(x[i])", "x.tofile('x')"),
    KERNEL.replace("exp(x[i])", "eval('1')"),
    KERNEL.replace("exp(x[i])", "f'{x}'"),
    KERNEL.replace("def f", "@np.array\ndef f"),
    KERNEL.replace("def f", "class A: pass\ndef f"),
    KERNEL + "def g(): pass\n",
    KERNEL.replace("        x[i]", "        import os\n        x[i]"),
    KERNEL.replace("        x[i]", "        global x\n        x[i]"),
    KERNEL.replace("        x[i]", "        del x\n        x[i]"),
    KERNEL.replace("        x[i]", "        def h(): pass\n        x[i]"),
]  # fmt: skip


def test_a_kernel_passes():
    check_kernel(ast.parse(KERNEL), "f")


@pytest.mark.parametrize("source", ATTACKS)
def test_anything_else_is_not_executed(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAKernelError):
        python_driver.plain(source, "f", {})
    assert not list(tmp_path.iterdir())


def test_every_printed_kernel_passes(monkeypatch):
    """Of every integrator, with recorders and noise: executed as plain Python."""
    monkeypatch.setenv("HHFAST_DEBUG", "1")
    checked = []

    def check(tree, name):
        checked.append(name)
        check_kernel(tree, name)

    monkeypatch.setattr(python_driver, "check_kernel", check)
    for integrator in hh.integrators:
        record = [hh.Spikes(), hh.Features(["rate", "V_max"]), hh.Trace("V", every=0.025)]
        noise = hh.Noise(mean=1.0, sigma=1.0, tau=1.5)
        hh.simulate("hodgkin_huxley", stimulus=noise, t_stop=0.05, integrator=integrator, record=record, threads=1)
    assert checked.count("kernel") == len(hh.integrators)
