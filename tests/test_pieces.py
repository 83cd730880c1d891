"""Cutting the text of a lane into loops."""

from hhfast.kernel.optimise.loop_fission import crossing, cut


def chain(n, name="x"):
    return [f"{name}{k + 1} = {name}{k} * c + d" for k in range(n)]


def test_nothing_is_lost_or_moved():
    """The pieces are the lines, in order."""
    lines = [*chain(60), "y = exp(x60) / x3", *chain(5, "z"), "x0 = phi_2_(y) * z5"]
    pieces = cut(lines)
    assert [line for piece in pieces for line in piece] == lines
    assert all(pieces)
    assert cut([]) == []


def test_a_long_chain_is_cut_where_little_crosses():
    """Stages of a chain with four values inside each, and one between two."""
    lines = []
    for k in range(20):
        lines += [f"p{k} = x{k} * c", f"q{k} = x{k} * d", f"r{k} = q{k} + p{k}", f"x{k + 1} = p{k} * q{k} + r{k}"]
    pieces = cut(lines)
    assert 3 < len(pieces) < 20
    assert all(piece[0].startswith("p") for piece in pieces)
    assert len(crossing(pieces)) == len(pieces) - 1


def test_as_many_independent_lines_are_not_cut():
    """Their lanes wait for nothing."""
    lines = [f"x{k} = a{k} * c + d" for k in range(50)]
    assert cut(lines) == [lines]


def test_values_that_would_cross_keep_a_piece_together():
    """A short chain through many values is cheaper whole."""
    lines = [*(f"x{k} = a * {k}.0" for k in range(10)), f"y = {' + '.join(f'x{k}' for k in range(10))}"]
    assert cut(lines) == [lines]
