"""The architecture: imports point downwards, heavy packages are met in one place each, and starting is light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hhfast
from hhfast.kernel.jit.cache import sources

PACKAGE = Path(hhfast.__file__).parent
# From the top down; a module may import from its own layer and from those below it.
LAYERS = [
    {"__main__", "cli"},
    {"pages"},
    {"figures"},
    {"analysis", "sweep"},
    {"batch"},
    {"kernel"},
    {"parts"},
    {"model"},
    {
        "sampling",
        "registry",
        "inputs",
        "progress",
        "tables",
        "project",
        "kernel.math",
    },  # functions over numbers and text
    {"errors", "interrupts"},
]
KERNEL = ["jit", "print", "build", "spec", "optimise", "equations", "tree"]  # the rooms of kernel/, in the same way
ANYWHERE = {""}  # `import hhfast`: its version; the rest of it is lazy
ONLY_IN = {  # package -> the modules that may import it
    "numba": {"kernel.jit"},
    "llvmlite": {"kernel.jit"},
    "h5py": {"sweep.store"},
    "matplotlib": {"figures"},
    # formulas; and their derivatives
    "sympy": {"model.algebra", "model.symbolic_functions", "kernel", "batch.linearisation"},
    "distributed": {"sweep"},
    "dask": {"sweep"},
    "typer": {"cli", "__main__"},
}
CODE = {"text", "source", "code", "line", "lines"}  # names that hold code as text


def modules(folder=PACKAGE):
    return sorted(folder.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(p for p in parts if p != "__init__")


def is_module(name):
    """Whether a dotted name below hhfast is one of its modules or packages."""
    path = PACKAGE.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


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
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [name for name in inner if is_module(name.removeprefix("hhfast."))] or [node.module]


def own_imports(path):
    """The modules of hhfast that a file imports, named below it."""
    found = {name.removeprefix("hhfast.") for name in imports(path) if name.startswith("hhfast.")}
    return {name for name in found if is_module(name.split(".")[0])}


def path_of(name):
    """The file of a module or package of hhfast."""
    path = PACKAGE.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def layer(name):
    rooms = name.split(".")
    for room in (".".join(rooms[:2]), rooms[0]):
        for k, members in enumerate(LAYERS):
            if room in members:
                return k
    raise AssertionError(f"hhfast.{name} is in no layer: add it to LAYERS")


@pytest.mark.parametrize("path", [path for path in modules() if name_of(path)], ids=name_of)
def test_imports_point_downwards(path):
    """From the command line over sweeps, batches and kernels to models, names and errors."""
    name = name_of(path)
    for found in own_imports(path):
        assert layer(found) >= layer(name), f"hhfast.{name} imports hhfast.{found}, which is above it"


def test_imports_point_downwards_inside_kernel():
    """Machine code from printed text, from built and optimised trees, from equations; what is told apart below all."""
    upwards = []
    for room in KERNEL:
        files = [PACKAGE / "kernel" / f"{room}.py", *modules(PACKAGE / "kernel" / room)]
        for path in filter(Path.exists, files):
            for found in own_imports(path):
                parts = found.split(".")
                if parts[0] == "kernel" and parts[1] in KERNEL and KERNEL.index(parts[1]) < KERNEL.index(room):
                    upwards.append(f"{name_of(path)} imports {found}")
    assert (PACKAGE / "kernel" / "tree").is_dir() or (PACKAGE / "kernel" / "tree.py").exists()
    assert upwards == []


def test_the_key_of_a_kernel_takes_in_all_that_kernels_import():
    """Whatever a module of kernel/ imports, directly or not, is among the sources that are hashed."""
    reached, ahead = set(), set(modules(PACKAGE / "kernel"))
    while ahead:
        path = ahead.pop()
        reached.add(path)
        ahead |= {path_of(name) for name in own_imports(path)} - reached
    assert {PACKAGE / "errors.py", PACKAGE / "parts" / "tableaux.py", PACKAGE / "model" / "algebra.py"} <= reached
    assert reached - set(sources()) == set()
    assert all(path.exists() for path in sources())


def test_every_room_of_kernel_has_its_place():
    rooms = {path.stem for path in (PACKAGE / "kernel").iterdir() if path.is_dir() or path.suffix == ".py"}
    assert rooms - {"__init__", "__pycache__", "math"} <= set(KERNEL)


def test_kernel_math_needs_numpy_only():
    """It is inlined into every kernel, and runs as plain Python."""
    found = {name for path in modules(PACKAGE / "kernel" / "math") for name in imports(path)}
    others = {name for name in found if not name.startswith("hhfast.kernel.math")}
    assert {name.split(".")[0] for name in others} - sys.stdlib_module_names <= {"numpy"}


def test_analyses_and_sweeps_do_not_know_each_other():
    crossing = [
        f"{name_of(path)} imports {found}"
        for room, other in (("analysis", "sweep"), ("sweep", "analysis"))
        for path in modules(PACKAGE / room) for found in own_imports(path) if found.split(".")[0] == other
    ]  # fmt: skip
    assert crossing == []


def readings_of_code(tree):
    """Where a syntax tree imports `re`, or asks whether something stands in code as text."""
    written = texts_written(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None), *(alias.name for alias in node.names)]
            if "re" in names:
                yield node.lineno
        elif isinstance(node, ast.Compare):
            for operator, right in zip(node.ops, node.comparators, strict=True):
                name = getattr(right, "id", getattr(right, "attr", None))
                if isinstance(operator, ast.In | ast.NotIn) and (name in CODE or right in written):
                    yield node.lineno


def texts_written(tree):
    """The uses of local names that are given a text, put together from others, in the same function."""
    found = set()
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        given = {
            target.id
            for node in ast.walk(function) if isinstance(node, ast.Assign) and isinstance(node.value, ast.JoinedStr)
            for target in node.targets if isinstance(target, ast.Name)
        }  # fmt: skip
        found |= {node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id in given}
    return found


def test_readings_of_code_are_found():
    """The test below sees what it claims to see."""
    found = ["import re", "from re import sub", "'(t ' in self.text", "x not in lines", "1 < 2 in code",
             "def f(): more = f'{a} + b'; return 'b' in more"]  # fmt: skip
    allowed = ["x in names", "for line in lines: pass", "text = 'a' in b", "import ast", "[x for x in text]",
               "def f(): a = f'{b}'; return a in c"]  # fmt: skip
    assert all(list(readings_of_code(ast.parse(text))) == [1] for text in found)
    assert not any(list(readings_of_code(ast.parse(text))) for text in allowed)


def test_code_is_never_searched_as_text():
    """Text is parsed once, by the grammar of formulas; from there on it is a tree."""
    paths = [*modules(PACKAGE / "kernel"), *modules(PACKAGE / "parts")]
    found = [
        f"{name_of(path)}:{line}"
        for path in paths for line in readings_of_code(ast.parse(path.read_text(encoding="utf-8")))
    ]  # fmt: skip
    assert found == []


# Where texts of others are read: names in generated Python, before it is run; what LLVM says of the processor.
READ_OTHERS = {"kernel.jit.whitelist", "kernel.jit.llvm_compiler"}


def decisions_by_name(tree):
    """Where a syntax tree asks how a text begins or ends, or cuts a piece out of a name."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="startswith" | "endswith")):
                yield node.lineno
            case ast.Subscript(value=ast.Name(id="name") | ast.Attribute(attr="name"), slice=ast.Slice()):
                yield node.lineno


def test_decisions_by_name_are_found():
    found = ['x.startswith("g_")', 'any(n.endswith(("_a", "b")) for n in names)', "name[2:]", "self.name[:-1]"]
    allowed = ["names[1:]", "name in known", "starts(x)", "name[0]", "values[:2]"]
    assert all(list(decisions_by_name(ast.parse(text))) == [1] for text in found)
    assert not any(list(decisions_by_name(ast.parse(text))) for text in allowed)


def test_what_a_thing_is_is_never_read_from_its_name():
    """Objects have attributes; a model's author may call things as they like."""
    paths = [*modules(PACKAGE / "kernel"), *modules(PACKAGE / "parts")]
    found = [
        f"{name_of(path)}:{line}"
        for path in paths if name_of(path) not in READ_OTHERS
        for line in decisions_by_name(ast.parse(path.read_text(encoding="utf-8")))
    ]  # fmt: skip
    assert found == []


# Where names are made and kept apart (of currents), and where names of others are read: the
# reversal potentials of NeuroML, whose ions we name by them; columns NAME and NAME_error of CSV files that people write;
# functions of float32 (`exp_f`) in printed Python.
NAMES_PARTS = {"model.names", "model.importers.part_entries", "sweep.target_file", "kernel.print.python"}


def named_parts(tree):
    """Where a syntax tree asks whether a name ends in `_something` or begins with `something_`, or takes that away."""
    said = {
        target.id: node.value
        for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets
        if isinstance(target, ast.Name)
    }  # fmt: skip
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="endswith" | "removesuffix" | "startswith" | "removeprefix" as asked),
                args=[argument, *_],
            ):
                argument = said.get(argument.id, argument) if isinstance(argument, ast.Name) else argument
                parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
                texts = [str(part.value) for part in parts if isinstance(part, ast.Constant)]
                at_end = asked in ("endswith", "removesuffix")
                if any(text[:1] == "_" if at_end else text[-1:] == "_" for text in texts):
                    yield node.lineno


def test_named_parts_are_found():
    found = [
        'name.endswith("_error")', 'x.removesuffix("_error")', 'n.endswith((".a", "_b"))', 'x.startswith("dV_")',
        'x.removeprefix("d")[1:].startswith("g_")', 'OF = "count_"; x.startswith(OF)',
    ]  # fmt: skip
    allowed = [
        'path.endswith(".toml")', 'name.removesuffix(".parts")', "x.endswith(suffix)", 'f"{name}_error"',
        'text.startswith("#")', 'line.startswith("_private")', "x.startswith(given)",
    ]  # fmt: skip
    assert all(list(named_parts(ast.parse(text))) == [1] for text in found)
    assert not any(list(named_parts(ast.parse(text))) for text in allowed)


def test_no_part_of_a_name_says_what_a_thing_is():
    """A variable knows whose error or derivative it is, and what of the model: in results and in their files."""
    found = [
        f"{name_of(path)}:{line}"
        for path in modules(PACKAGE) if name_of(path) not in NAMES_PARTS | READ_OTHERS
        for line in named_parts(ast.parse(path.read_text(encoding="utf-8")))
    ]  # fmt: skip
    assert found == []


@pytest.mark.parametrize("package", ONLY_IN)
def test_heavy_packages_have_one_home(package):
    """So that each can be left out, replaced, or imported late."""
    users = {name_of(p) for p in modules() if any(i.split(".")[0] == package for i in imports(p))}
    allowed = ONLY_IN[package]
    assert {u for u in users if not any(u == a or u.startswith(f"{a}.") for a in allowed)} == set()


def test_walking_the_imports_finds_them():
    """The tests above see what they claim to: imports at the top, inside functions, of packages and of modules."""
    users = {name_of(p) for p in modules() if "numba" in {i.split(".")[0] for i in imports(p)}}
    assert users
    assert all(user.startswith("kernel.jit.") for user in users)
    assert {"batch.analysis_status", "tables"} <= own_imports(PACKAGE / "cli" / "cell_table.py")
    assert "figures.canvas" in own_imports(PACKAGE / "cli" / "run_analysis.py")


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
