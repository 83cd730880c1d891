"""find_model: the one place that decides which model a user means."""

from __future__ import annotations

from pathlib import Path

from hhfast.errors import InputError, UnknownName, unknown
from hhfast.model import Model, load_model, models


def find_model(model: str | Path | Model, folder: Path = Path()) -> Model:
    """A model itself, a library model by name, or a model file; a relative path is relative to `folder`.

    Raises `InputError` with the nearest name of the library, or the reason why the file is no model.
    """
    if isinstance(model, Model):
        return model
    if isinstance(model, str) and model in models:
        return models[model]
    if not isinstance(model, (str, Path)):
        what = "None" if model is None else f"of type {type(model).__name__}"
        raise InputError(f"model: is {what}; give a name of the library, the path of a TOML file, or a Model")
    if isinstance(model, Path) or model.endswith(".toml") or "/" in model or "\\" in model:
        return load_model(folder / model)
    raise UnknownName(f"{unknown('model', model, models)} (a model file ends in .toml)")
