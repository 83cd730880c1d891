"""import_neuroml: channels and cells of NeuroML2 as a model, proven against the files."""

from __future__ import annotations

from pathlib import Path

from hhfast.errors import InputError, understood
from hhfast.inputs import path_of
from hhfast.model.importers.assemble import Assembly
from hhfast.model.importers.imported import Imported
from hhfast.model.importers.neuroml_channels import Reading
from hhfast.model.importers.neuroml_file import read_neuroml
from hhfast.model.importers.neuroml_source import source_of
from hhfast.model.importers.verification import verify
from hhfast.model.load import parse_model
from hhfast.model.toml_text import toml_text


def import_neuroml(*files: str | Path, name: str | None = None) -> Imported:
    """A model from NeuroML2 files: channels, with LEMS types of their own, and a cell of one segment; a pulse.

    name : of the model (default: the cell's).
    files : paths; what they include must lie below the folder of the including file, or be given, too. Standard rates,
    ComponentTypes with derived variables and cases, q10, kinetic schemes, Nernst and GHK densities, calcium by a
    concentration model; a cell that is one ComponentType. Nothing is executed, no entity expanded, nothing fetched.
    `Imported.stimulus` has the keys of a sweep file's [stimulus] for a pulseGenerator. Rates are compared with the
    files' own, evaluated in SI units by PyLEMS' parser. Raises `InputError` for what is not supported.
    Cannon et al. 2014, Front Neuroinform 8:79 (LEMS).
    """
    if not 1 <= len(files) <= 50:
        raise InputError(f"give 1 to 50 files, not {len(files)}")
    paths = [path_of("files", f) for f in files]
    with understood(paths[0].name):
        return _imported(paths, name)


def _imported(paths: list[Path], name: str | None) -> Imported:
    reading = Reading(read_neuroml(paths), paths[0].name)
    cell = reading.cell()
    if not cell.parts:
        raise InputError(f"{paths[0].name}: there is no channel in the files")
    assembly = Assembly(cell.parts)
    assembly.notes.append(f"Imported from {', '.join(p.name for p in paths)}. Converted to mV, ms, mS/cm2.")
    table = assembly.table(name or cell.name or cell.parts[0].name, "") | {"V_init": cell.V_init}
    table["parameters"]["C_m"]["value"] = cell.C_m
    model = parse_model(toml_text(table), paths[0].name)
    return Imported(model, verify(model, source_of(model, reading, cell, assembly)), reading.stimulus(cell.area))
