"""Parameter spaces: every row can be computed alone, and mistakes are named."""

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hhfast.errors import InputError
from hhfast.sweep.axis import Axis, Values
from hhfast.sweep.space import Grid, Rows
from hhfast.sweep.table import Table, open_table


@pytest.mark.core
def test_grid_is_the_product_with_the_last_axis_fastest():
    grid = Grid.of({"a": [1, 2], "b": [10, 20, 30]})
    columns = grid.columns(0, grid.n_rows)
    assert columns["a"].tolist() == [1, 1, 1, 2, 2, 2]
    assert columns["b"].tolist() == [10, 20, 30, 10, 20, 30]
    assert (grid.shape, grid.dims, grid.names) == ((2, 3), ("a", "b"), ("a", "b"))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_any_range_of_a_grid_equals_that_part_of_the_whole(sizes, data):
    grid = Grid.of({f"p{k}": np.arange(n) + 0.5 for k, n in enumerate(sizes)})
    start = data.draw(st.integers(0, grid.n_rows))
    stop = data.draw(st.integers(start, grid.n_rows))
    whole, part = grid.columns(0, grid.n_rows), grid.columns(start, stop)
    assert all(np.array_equal(whole[name][start:stop], part[name]) for name in grid.names)


def test_a_grid_of_many_rows_is_computed_by_index():
    grid = Grid.of({"a": range(10_000), "b": range(10_000), "c": [1, 2]})
    last = grid.columns(grid.n_rows - 1, grid.n_rows)
    assert [float(v[0]) for v in last.values()] == [9999, 9999, 2]


def test_zipped_parameters_share_an_axis():
    pair = Axis("pair", (("a", Values("values", (1.0, 2.0))), ("b", Values("linspace", (5.0, 6.0, 2)))))
    grid = Grid((pair, Axis("c", (("c", Values("values", (7.0, 8.0))),))))
    assert (grid.shape, grid.dims, grid.names) == ((2, 2), ("pair", "c"), ("a", "b", "c"))
    assert grid.columns(2, 3) == {"a": [2.0], "b": [6.0], "c": [7.0]}
    with pytest.raises(InputError, match="a has 1, b has 2"):
        Axis("pair", (("a", Values("values", (1.0,))), ("b", Values("values", (1.0, 2.0)))))


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        ("linspace", (0, 1, 3), [0, 0.5, 1]),
        ("logspace", (-1, 2, 4), [0.1, 1, 10, 100]),
        ("arange", (0, 0.3, 0.1), [0, 0.1, 0.2]),
        ("arange", (3,), [0, 1, 2]),
        ("arange", (3, 0, -1), [3, 2, 1]),
        ("values", (5, 1), [5, 1]),
    ],
)
def test_values(kind, arguments, expected):
    assert Values(kind, arguments).array.tolist() == pytest.approx(expected, rel=1e-15)


def test_logspace_hits_powers_of_ten_exactly():
    assert Values("logspace", (-3, 3, 7)).array.tolist() == [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("values", (), "no values"),
        ("linspace", (0, 1, 0), "no values"),
        ("linspace", (0, 1), "takes"),
        ("linspace", (0, 1, 2.5), "takes"),
        ("arange", (1, 0), "no values"),
        ("arange", (0, 1, 0), "step 0"),
        ("logspace", (90, 150, 3), "powers of ten"),
        ("values", (1, float("nan")), "finite"),
    ],
)
def test_bad_values_are_refused(kind, arguments, message):
    with pytest.raises(InputError, match=message):
        Values(kind, arguments)


def test_rows_are_what_was_given():
    rows = Rows({"a": np.array([1, 2, 3]), "b": [4.0, 5.0, 6.0]})
    assert rows.columns(1, 3)["b"].tolist() == [5, 6]
    assert rows.limits("a") == (1, 3)
    with pytest.raises(InputError, match="one length"):
        Rows({"a": [1.0], "b": [1.0, 2.0]})


def write(path, text):
    path.write_text(text)
    return path


def test_table_gives_any_range_of_its_rows(tmp_path):
    values = np.random.default_rng(0).normal(size=(10_000, 2))
    lines = "\n".join(f"{a!r},{b!r}" for a, b in values.tolist())
    table = Table.open(write(tmp_path / "rows.csv", f"g_Na, g_K\n{lines}\n\n"))
    assert (table.names, table.n_rows) == (("g_Na", "g_K"), 10_000)
    for start, stop in [(0, 10), (4090, 4100), (9999, 10_000), (0, 10_000)]:
        assert np.array_equal(np.column_stack(list(table.columns(start, stop).values())), values[start:stop])
    assert table.limits("g_K") == (values[:, 1].min(), values[:, 1].max())


def test_table_is_identified_by_content_not_place(tmp_path):
    first = Table.open(write(tmp_path / "a.csv", "a\n1\n2\n"))
    second = Table.open(write(tmp_path / "b.csv", "a\n1\n2\n"))
    assert first.canonical() == second.canonical()
    assert first.canonical() != Table.open(write(tmp_path / "c.csv", "a\n1\n3\n")).canonical()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,x\n", r"line 3, column 2: 'x' is not a finite number"),
        ("a,b\n1,2\n3\n", "line 3: has 1 fields, the header has 2"),
        ("a,b\n1,2\n\n3,4\n", "line 3: has 1 fields"),
        ("a,b\n1,nan\n", "line 2, column 2"),
        ("a,b\n", "no rows"),
        ("", "is empty"),
        ("a,a\n1,2\n", "appears twice"),
        ("1,2\n3,4\n", "header"),
    ],
)
def test_mistakes_in_a_table_are_named_by_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        Table.open(write(tmp_path / "rows.csv", text))


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Table.open(tmp_path / "rows.csv")


@pytest.mark.core
def test_an_hdf5_file_is_a_table(tmp_path):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["g_Na"] = np.arange(100.0)
        file["g_K"] = np.arange(100)
    table = open_table(tmp_path / "rows.h5")
    assert (set(table.names), table.n_rows, table.limits("g_K")) == ({"g_Na", "g_K"}, 100, (0.0, 99.0))
    assert table.columns(7, 9)["g_K"].tolist() == [7.0, 8.0]


def bad_length(file):
    file["b"] = np.arange(3.0)


def bad_number(file):
    file["b"] = np.array([1.0, np.nan])


def bad_type(file):
    file["b"] = ["x", "y"]


BAD_TABLES = [(bad_length, "one length"), (bad_number, "not a finite number"), (bad_type, "not numbers")]


@pytest.mark.parametrize(("add", "message"), BAD_TABLES)
def test_mistakes_in_an_hdf5_table_are_named(tmp_path, add, message):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["a"] = np.arange(2.0)
        add(file)
    with pytest.raises(InputError, match=message):
        open_table(tmp_path / "rows.h5")


def test_what_is_no_hdf5_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        open_table(tmp_path / "rows.h5")
    with pytest.raises(InputError, match="not a readable HDF5 file"):
        open_table(write(tmp_path / "rows.h5", "a,b"))
