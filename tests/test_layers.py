"""The architecture: imports point downwards, heavy packages are met in one place each, and starting is light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hhfast

PACKAGE = Path(hhfast.__file__).parent
# From the top down; a module may import from its own layer and from those below it.
LAYERS = [
    {"__main__", "cli"},
    {"figures"},
    {"analysis", "sweep"},
    {"batch"},
    {"kernel"},
    {"parts"},
    {"model"},
    {"sampling", "registry", "inputs", "progress", "kernel.math"},  # functions over numbers, for kernels and for others
    {"errors", "interrupts"},
]
ANYWHERE = {""}  # `import hhfast`: its version; the rest of it is lazy
ONLY_IN = {  # package -> the modules that may import it
    "numba": {"kernel.jit"},
    "h5py": {"sweep.store"},
    "matplotlib": {"figures"},
    "sympy": {"model.algebra", "kernel", "analysis.linearisation"},  # formulas; and their derivatives
    "distributed": {"sweep"},
    "dask": {"sweep"},
    "typer": {"cli", "__main__"},
    "llvmlite": {"kernel.jit"},
}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(p for p in parts if p != "__init__")


def imports(path):
    """Absolute names of everything a file imports, at the top and inside functions; not what only type checkers see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guards = (n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test))
    hidden = {id(n) for guard in guards for n in ast.walk(guard)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            if node.module == "hhfast":
                yield from (f"hhfast.{alias.name}" for alias in node.names)


def layer(name):
    rooms = name.split(".")
    for room in (".".join(rooms[:2]), rooms[0]):
        for k, members in enumerate(LAYERS):
            if room in members:
                return k
    raise AssertionError(f"hhfast.{name} is in no layer: add it to LAYERS")


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_downwards(path):
    """cli, plots -> analysis, sweep -> simulate -> cells -> kernel -> result -> model -> registry -> errors."""
    name = name_of(path)
    if not name:
        return
    for found in imports(path):
        top, _, inner = found.partition(".")
        home = PACKAGE / inner.split(".")[0]
        if top != "hhfast" or inner in ANYWHERE or not (home.is_dir() or home.with_suffix(".py").exists()):
            continue
        assert layer(inner) >= layer(name), f"hhfast.{name} imports {found}, which is above it"


@pytest.mark.parametrize("package", ONLY_IN)
def test_heavy_packages_have_one_home(package):
    """So that each can be left out, replaced, or imported late."""
    users = {name_of(p) for p in modules() if any(i.split(".")[0] == package for i in imports(p))}
    allowed = ONLY_IN[package]
    assert {u for u in users if not any(u == a or u.startswith(f"{a}.") for a in allowed)} == set()


def test_walking_the_imports_finds_them():
    """The tests above see what they claim to: Numba in its two modules."""
    users = {name_of(p) for p in modules() if "numba" in {i.split(".")[0] for i in imports(p)}}
    assert {"kernel.jit.lowering", "kernel.jit.object_code"} <= users


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import hhfast", ("numba", "sympy", "scipy", "matplotlib", "h5py", "xarray", "pydantic")),
        ("import hhfast; list(hhfast.models)", ("numba", "sympy", "scipy", "matplotlib", "h5py")),
        ("import hhfast; hhfast.integrators, hhfast.recorders, hhfast.stimuli", ("numba", "sympy", "matplotlib")),
        ("import hhfast; hhfast.models['hodgkin_huxley']", ("numba", "sympy", "matplotlib", "h5py")),
    ],
)
@pytest.mark.core
def test_light_things_start_light(statement, absent):
    """What needs no kernel does not wait for the packages that make kernels."""
    code = f"{statement}\nimport sys\nprint(*[m for m in {absent!r} if m in sys.modules])"
    env = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.split() == []


def test_every_public_name_exists():
    """What `hhfast.__all__` promises can be had."""
    for name in hhfast.__all__:
        assert getattr(hhfast, name) is not None
    assert set(hhfast.__all__) <= set(dir(hhfast))
    with pytest.raises(AttributeError, match="hhfast attribute nothing"):
        _ = hhfast.nothing
