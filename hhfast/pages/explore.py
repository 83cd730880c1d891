"""explore: a model, or a result, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from hhfast.batch.method import Method, MethodOptions
from hhfast.errors import InputError
from hhfast.inputs import check_writable, path_of
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.sweep.durable_files import write_durably

_ENDINGS = (".html", ".htm")
_RESULTS = (".h5", ".hdf5", ".nc")


def explore(
    what: str | Path | Model,
    output: str | Path | None = None,
    *,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> Path:
    """Write a page in which a model, or a result, lives: one HTML file that needs neither server nor network.

    The page runs the model's own kernel, printed as JavaScript, in double precision: sliders for every parameter and
    the current, traces, phase plane with nullclines, gating curves, the f-I curve, presets, and a link that holds all.
    Of a result: a map of a feature over two parameters, sliders for the others, parallel coordinates with brushes; a
    click simulates the row in the page. A million rows are shown in bins, some thousands as they are.

    Parameters
    ----------
    what : name in `hhfast.models`, path of a TOML file, or Model; or the path of a result, which ends in .h5.
    output : where to, a path that ends in .html; None: the model's name, in the working folder, or beside the result.
    method, options : of a model: how the page simulates, as in `simulate`; by default at rtol = 1e-8, with tsit5, or
        rodas4 where the model is stiff.

    Returns
    -------
    The path of the file.

    Raises
    ------
    InputError : for unknown names, a path that cannot be written, a method in single precision.
    """
    chosen = None if method is None and not options else Method.of(method, options)
    target = None if output is None else path_of("output", output)
    if chosen is not None and chosen.dtype != "float64":
        raise InputError(f"dtype = '{chosen.dtype}': a page computes in float64; leave it out")
    if not isinstance(what, Model) and path_of("what", what).suffix.lower() in _RESULTS:
        if chosen is not None:
            raise InputError(f"{what}: rows of a result are simulated as they were; leave the method out")
        return _of_result(Path(what), target)
    model = find_model(what)
    path = checked(Path(f"{model.name}.html") if target is None else target)
    from hhfast.pages.model_page import model_page

    write_durably(path.resolve(), model_page(model, chosen).encode("utf-8"))
    return path


def _of_result(result: Path, target: Path | None) -> Path:
    from hhfast.pages.result_page import result_page

    path = checked(result.with_suffix(".html") if target is None else target)
    write_durably(path.resolve(), result_page(result).encode("utf-8"))
    return path


def checked(path: Path) -> Path:
    """Raise `InputError` where no page can be written; before the work, not after it."""
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(f"{path}: the name of a page ends in .html")
    check_writable(path)
    return path
