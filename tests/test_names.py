"""One word, one thing: no two classes have the same name; and no function takes more than a reader can hold."""

import ast
import inspect
from collections import defaultdict
from functools import cache
from pathlib import Path

import hhfast

PACKAGE = Path(hhfast.__file__).parent


# What every function that simulates takes, as the contract of `simulate` has it; `method` stands for its fields.
SHARED = {
    "model", "params", "stimulus", "t_stop", "record", "until", "initial", "channel_noise", "progress", "method",
}  # fmt: skip
MOST = 10  # of a function's own


@cache
def classes():
    """Class name, without the underscore of a private one, -> the modules that define it."""
    homes = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes[node.name.lstrip("_")].append(path.relative_to(PACKAGE).as_posix())
    return homes


def test_no_two_classes_have_the_same_name():
    shared = {name: homes for name, homes in classes().items() if len(homes) > 1}
    assert shared == {}


def test_the_walk_finds_the_classes():
    """The test above sees what it claims to."""
    homes = classes()
    assert homes["Sweep"] == ["sweep/sweep.py"]
    assert "sweep/space.py" in homes["Grid"]
    assert homes["SpikeRecording"] == ["parts/recorders.py"]


def own_parameters(function):
    """The parameters of a function but for those that all share, and for further keywords, which are fields of a value."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.name not in SHARED]


def test_no_public_function_has_many_parameters_of_its_own():
    """What goes beyond is grouped in a value: `Method`, `Settled`, `ClampRecording` ..."""
    functions = {name: f for name in hhfast.__all__ if inspect.isfunction(f := getattr(hhfast, name))}
    stimuli = {name for name, f in functions.items() if hasattr(f, "kind")}  # whose parameters are those of a formula
    long = {name: own for name, f in functions.items() if name not in stimuli and len(own := own_parameters(f)) > MOST}
    assert long == {}
    assert own_parameters(hhfast.find_rheobase)[0] == "width"
