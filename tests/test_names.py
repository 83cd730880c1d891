"""One word, one thing: no two classes of the package have the same name."""

import ast
from collections import defaultdict
from pathlib import Path

import hhfast

PACKAGE = Path(hhfast.__file__).parent


def classes():
    """Class name -> the modules that define it; names that begin with an underscore belong to their module."""
    homes = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(path.relative_to(PACKAGE).as_posix())
    return homes


def test_no_two_classes_have_the_same_name():
    shared = {name: homes for name, homes in classes().items() if len(homes) > 1}
    assert shared == {}


def test_the_walk_finds_the_classes():
    """The test above sees what it claims to."""
    homes = classes()
    assert homes["Sweep"] == ["sweep/sweep.py"]
    assert "sweep/space.py" in homes["Grid"]
