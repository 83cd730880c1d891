"""The grammar of kernels: what text may say, what is refused, and what statements read and write."""

import inspect

import pytest

from hhfast.errors import InputError
from hhfast.kernel.math import elementary, functions, phi, random, within_step
from hhfast.kernel.tree import nodes, parse
from hhfast.kernel.tree.functions import function_of
from hhfast.kernel.tree.nodes import Binary, Call, Compare, Element, If, Let, Name, Number, Select, Symbol
from hhfast.kernel.tree.straight_line import is_straight_line, reads_and_writes, symbols_read
from hhfast.kernel.tree.walk import rebuilt, walk

a, b, x, array = (Symbol(name) for name in ("a", "b", "x", "array"))
KNOWN = functions("float64") | {
    "a": a,
    "b": b,
    "x": x,
    "array": array,
    "E": Element(array, (Number(0),)),
    "n": Number(3),
}


def statements(text, local=None):
    return parse.statements(text, KNOWN, {} if local is None else local)


# --- what text says ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = a", Let(x, Name(a))),
        ("x += 2.0", Let(x, Binary("+", Name(x), Number(2.0)))),
        ("x = -1.5", Let(x, Number(-1.5))),
        ("x = a if b < 1 else n", Let(x, Select(Compare("<", Name(b), Number(1)), Name(a), Number(3)))),
        ("x = not a", Let(x, Compare("==", Name(a), Number(value=False)))),
        ("x = 0 < a <= b", Let(x, nodes.Logical("and", Compare("<", Number(0), Name(a)),
                                                Compare("<=", Name(a), Name(b))))),
        ("array[2, a] = b", nodes.Store(Element(array, (Number(2), Name(a))), Name(b))),
        ("E = a", nodes.Store(Element(array, (Number(0),)), Name(a))),
        ("x = len(array) + array.shape[1]",
         Let(x, Binary("+", nodes.Length(array, 0), nodes.Length(array, 1)))),
        ("x = exp(a)", Let(x, Call(elementary.exp, (Name(a),)))),
        ("x = np.sqrt(a)", Let(x, Call("sqrt", (Name(a),)))),
        ("x = np.float32(a)", Let(x, nodes.Cast("float32", Name(a)))),
        ("x = a.view(np.int64)", Let(x, nodes.Bits("int64", Name(a)))),
        ("x, a = a, x", nodes.LetAll((x, a), nodes.Several((Name(a), Name(x))))),
        ("if a:\n    pass\nelse:\n    x = b", If(Name(a), (), (Let(x, Name(b)),))),
        ("while a > b:\n    break", nodes.While(Compare(">", Name(a), Name(b)), (nodes.Break(),))),
        ("for x in range(n):\n    return", nodes.For(x, Number(0), Number(3), Number(1), (nodes.Return(),))),
    ],
)  # fmt: skip
def test_text_becomes_nodes(text, expected):
    """One statement of each form."""
    assert statements(text) == (expected,)


def test_names_that_a_text_assigns_become_local():
    """They are told to whoever reads the next text, in the order of their writing."""
    local = {}
    first, second = statements("new = a\nother = new + new", local)
    assert list(local) == ["new", "other"]
    assert first.target is local["new"]
    assert symbols_read(second) == [local["new"], local["new"]]


REFUSED = [  # whatever is not in the grammar
    "import os", "from os import path", "x = a.real", "x = a.__class__", "x = ().__class__.__bases__[0]",
    "x = lambda: 1", "x = 'text'", "x = b'bytes'", "x = f'{a}'", "x = [a]", "x = [k for k in range(3)]",
    "x = {a: b}", "x = {a}", "x = sum(k for k in array)", "def f():\n    return 1", "class C:\n    pass", "x = yield",
    "x = await a", "with a:\n    pass", "try:\n    x = a\nexcept a:\n    pass", "raise a", "del x", "global x",
    "assert a", "x = a ** 2", "x = a % b", "x = a @ b", "x = +a", "x = ~a", "x = a is b", "x = a in array",
    "x = array[1:]", "x = array[...]", "x = 1j", "x = None", "x = ...", "(x := a)", "x: float = a", "x = y = a",
    "a", "exp(a)", "array.shape[0] = a", "a.b = x", "for x, a in range(3):\n    pass", "for x in array:\n    pass",
    "while a:\n    pass\nelse:\n    x = b", "for k in range(3):\n    pass\nelse:\n    x = b", "continue",
    "for k in range(3):\n    continue", "x = exp(a, *b)", "x = exp(x=a)", "x = np.load(a)", "x = np.linalg.norm(a)",
    "x = os.system(a)", "x = open(a).read", "x = array.sum()", "x = np.array(a)", "x = a.view(a)", "x = np.int8(a)",
    "x = (a, b)[0]", "match a:\n    case 1:\n        pass", "nonlocal x", "async def f():\n    pass", "x = print",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_everything_else_is_refused(text):
    """In one line that quotes the place."""
    with pytest.raises(InputError) as caught:
        statements(text)
    assert "\n" not in str(caught.value).replace(text, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = aa", "unknown name 'aa'; did you mean 'a'"),
        ("x = exq(a)", "unknown function 'exq'; did you mean 'exp'"),
        ("x = eval(a)", "unknown function 'eval'"),
        ("x = exp(a, b)", "'exp' takes 1 argument, not 2"),
        ("x = min(a)", "'min' takes 2 arguments, not 1"),
        ("x = abs()", "'abs' takes 1 argument, not 0"),
        ("x = float(a, b)", "'float' takes 1 argument, not 2"),
        ("x = len()", "'len' takes 1 argument, not 0"),
        ("x = window(a, b)", "'window' takes 4 arguments, not 2"),
        ("exp = a", "exp cannot be assigned; choose another name"),
        ("n = a", "n cannot be assigned; choose another name"),
        ("for k in range(5, 0, -1):\n    x = a", "steps are upwards"),
        ("for k in range():\n    x = a", "range takes one to three numbers"),
        ("x = (a", "was never closed"),
        ("x = 1 +", "invalid syntax"),
        ("  x = a\n y = b", "indent"),
        ("x = a\0", "grammar of kernels"),
        ("x = " + "(" * 500 + "a" + ")" * 500, "grammar of kernels"),
    ],
)
def test_mistakes_are_named(text, message):
    """What is wrong, and what comes next to it."""
    with pytest.raises(InputError, match=message):
        statements(text)


def test_an_expression_is_one_expression():
    """Stimuli are expressions: statements in them are refused, and nothing is assigned."""
    assert parse.expression("2.0 * a", KNOWN) == Binary("*", Number(2.0), Name(a))
    for text in ("x = a", "a; b", "", "return a", "pass"):
        with pytest.raises(InputError, match="is not one expression"):
            parse.expression(text, KNOWN)


# --- straight statements ----------------------------------------------------------------------------------------------
def test_the_functions_of_lane_loops_are_straight():
    """All but those of the rare work between the loops, which have branches and loops of their own."""
    found = {name: f for module in (elementary, phi, random, within_step) for name, f in vars(module).items()
             if inspect.isfunction(f) and f.__module__ == module.__name__}  # fmt: skip
    assert len(found) > 40
    assert {name for name, f in found.items() if not all(map(is_straight_line, function_of(f).body))} == {
        "waveform", "polynomial_crossing", "upward_crossing", "ornstein_uhlenbeck_path"}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "straight"),
    [
        ("x = a * b", True),
        ("x, a = b, x", True),
        ("array[a] = x if a > b else -b", True),
        ("for k in range(3):\n    x = x * b", True),
        ("for k in range(a):\n    x = x * b", False),
        ("if a:\n    x = b", False),
        ("while a:\n    x = b", False),
        ("break", False),
    ],
)
def test_straight_statements_have_no_branch(text, straight):
    (statement,) = statements(text)
    assert is_straight_line(statement) == straight


@pytest.mark.parametrize(
    ("text", "reads", "writes"),
    [
        ("x = a\nb = x", [a], [x, b]),
        ("x = x + a", [x, a], [x]),
        ("a = b\na = a + x", [b, x], [a]),
        ("if a:\n    x = b", [a, b, x], [x]),  # it keeps its value where the branch is not taken
        ("for k in range(3):\n    x = a", [a], [x]),
        ("while a > b:\n    a = x", [a, b, x], [a]),
        ("array[a] = x", [a, x], []),
    ],
)
def test_what_statements_read_and_write(text, reads, writes):
    """Read is what is used before it surely has a value of its own."""
    found_reads, found_writes = reads_and_writes(statements(text))
    assert set(found_reads) == set(reads)
    assert [s for s in found_writes if s.name != "k"] == writes


def test_a_rebuilt_tree_is_the_same_but_for_the_change():
    """Every node is met once, its parts before itself."""
    tree = statements("if a > b:\n    x = exp(a + 1.0) if b < 2.0 else array[0]\nelse:\n    x = 3.0")
    assert rebuilt(tree, lambda node: node) == tree
    doubled = rebuilt(tree, lambda n: Number(2 * n.value) if isinstance(n, Number) else n)
    assert [n.value for n in walk(*doubled) if isinstance(n, Number)] == [4.0, 2.0, 0, 6.0]
