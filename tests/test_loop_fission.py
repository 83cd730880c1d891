"""Loop fission: cutting the statements of a lane into loops."""

from hhfast.kernel.math import functions
from hhfast.kernel.optimise.loop_fission import crossing, cut
from hhfast.kernel.tree import parse
from hhfast.kernel.tree.nodes import Symbol


def statements(lines):
    """The statements of lines of text; names that they do not assign are known from before."""
    local = {name: Symbol(name) for name in ("a", "b", "c", "d", "x0", "y", "z0")}
    local |= {f"a{k}": Symbol(f"a{k}") for k in range(50)}
    return list(parse.statements("\n".join(lines), functions("float64"), local))


def chain(n, name="x"):
    return [f"{name}{k + 1} = {name}{k} * c + d" for k in range(n)]


def test_nothing_is_lost_or_moved():
    """The pieces are the statements, in order."""
    lets = statements([*chain(60), "y = exp(x60) / x3", *chain(5, "z"), "x0 = phi_2(y) * z5"])
    pieces = cut(lets)
    assert [let for piece in pieces for let in piece] == lets
    assert all(pieces)
    assert cut([]) == []


def test_a_long_chain_is_cut_where_little_crosses():
    """Stages of a chain with four values inside each, and one between two."""
    lines = []
    for k in range(20):
        lines += [f"p{k} = x{k} * c", f"q{k} = x{k} * d", f"r{k} = q{k} + p{k}", f"x{k + 1} = p{k} * q{k} + r{k}"]
    pieces = cut(statements(lines))
    assert 3 < len(pieces) < 20
    assert all(piece[0].target.name.startswith("p") for piece in pieces)
    assert len(crossing(pieces)) == len(pieces) - 1


def test_functions_count_as_what_they_cost():
    """Exponentials make a chain long: it is cut where as many sums are not."""
    assert len(cut(statements([f"x{k + 1} = x{k} + c" for k in range(8)]))) == 1
    assert len(cut(statements([f"x{k + 1} = exp(x{k})" for k in range(8)]))) > 1


def test_independent_statements_are_not_cut():
    """Their lanes wait for nothing."""
    lets = statements([f"x{k} = a{k} * c + d" for k in range(50)])
    assert cut(lets) == [lets]


def test_values_that_would_cross_keep_a_piece_together():
    """A short chain through many values is cheaper whole."""
    lets = statements([*(f"x{k} = a * {k}.0" for k in range(10)), f"y = {' + '.join(f'x{k}' for k in range(10))}"])
    assert cut(lets) == [lets]


def test_flags_do_not_cross():
    """A flag is one value for the whole block; only values of lanes need a place between two loops."""
    flag, x, y = Symbol("flag", is_flag=True), Symbol("x"), Symbol("y")
    first = parse.statements("flag = flag | (x > 0.0)\ny = 2.0 * x", {"flag": flag, "x": x, "y": y}, {})
    second = parse.statements("x = y\nflag = flag | (y > 0.0)", {"flag": flag, "x": x, "y": y}, {})
    assert crossing([first, second]) == [y]
