"""Rows of a result as an NWB file (Neurodata Without Borders): potential, current and spikes as of a current clamp."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hhfast
from hhfast.errors import InputError
from hhfast.inputs import positive
from hhfast.sweep.durable_files import atomic_file
from hhfast.sweep.export import check_rows
from hhfast.sweep.resimulate import Resimulated, resimulate

if TYPE_CHECKING:
    from pynwb import NWBFile

    from hhfast.sweep.store import ResultFile

_EVERY = 0.05  # ms between samples: 20 kHz, as recordings have


def to_nwb(path: str | Path, out: str | Path, rows: Sequence[int], every: float = _EVERY) -> Path:
    """Write some rows of a result as an NWB file, each simulated again from the file alone. Needs the extra `nwb`.

    A row is a `CurrentClampSeries` (V), its applied current, an intracellular recording with the row's parameters,
    status and features as columns, and a unit with its spike times. NWB counts in seconds, volts and amperes; a
    current per area is a `TimeSeries` in uA cm-2.

    path : of a result. out : the file to write. rows : their numbers. every : about how far apart the samples are, ms.
    Raises `InputError` for a file that is no result, rows that it has not, and where `out` cannot be written.
    """
    try:
        import pynwb
    except ImportError:
        raise InputError("NWB needs pynwb; install it with: pip install 'hhfast[nwb]'") from None
    from hhfast.sweep.store import ResultFile

    every = positive("every", every)
    with ResultFile(path) as result:
        rows = list(dict.fromkeys(check_rows(result, rows)))
        file = _file(result)
        names = [*result.parameters, "status", *result.features]
        about = {name: f"{result.long_name(name)} ({result.unit(name)})" for name in names}
        values = {row: {name: result.read(name, row, row + 1)[0].item() for name in names} for row in rows}
    device = file.create_device("hhfast", description=f"simulated with hhfast {hhfast.__version__}")
    for row in rows:
        _add_row(file, device, row, resimulate(Path(path), row, every))
    table = file.intracellular_recordings
    for name in names:
        table.add_column(_plain(name), about[name], data=[values[row][name] for row in rows])
    with atomic_file(out, ".nwb") as temporary, pynwb.NWBHDF5IO(temporary, "w") as io:
        io.write(file)
    return Path(out)


def _file(result: ResultFile) -> NWBFile:
    """An empty NWB file about a result; its session began when the result was written."""
    import pynwb

    attributes = result.attributes
    try:
        began = datetime.fromisoformat(attributes["history"].split(": ")[0])
    except (KeyError, ValueError):
        began = datetime.fromtimestamp(result.path.stat().st_mtime, UTC)
    file = pynwb.NWBFile(
        session_description=f"Simulation: {attributes.get('title', result.path.name)}",
        identifier=attributes["hhfast_spec_sha256"],
        session_start_time=began if began.tzinfo else began.replace(tzinfo=UTC),
        source_script=attributes["hhfast_spec"],
        source_script_file_name="spec.json",
        data_collection=attributes["hhfast_model"],
        notes=attributes.get("source"),
        was_generated_by=[("hhfast", hhfast.__version__)],
    )
    file.add_unit_column("row", "row of the result")
    return file


def _add_row(file: NWBFile, device: Any, row: int, again: Resimulated) -> None:
    from pynwb import TimeSeries
    from pynwb.icephys import CurrentClampSeries, CurrentClampStimulusSeries

    traces, model = again.traces, again.sweep.model
    name = f"row_{row}"
    text = f"{model.title or model.name}, {again.title}"
    electrode = file.create_icephys_electrode(name=f"cell_{name}", description=text, device=device)
    common = {"starting_time": 0.0, "rate": 1000.0 / float(traces.time[1] - traces.time[0])}
    clamped = {**common, "electrode": electrode, "gain": 1.0}
    potential = CurrentClampSeries(name=f"V_{name}", data=traces["V"][0], conversion=1e-3, description=text, **clamped)
    file.add_acquisition(potential)
    current, text = traces.variables["i_app"], "applied current, inward positive"
    if current.unit == "pA":
        kind, settings = CurrentClampStimulusSeries, {**clamped, "conversion": 1e-12}
    else:  # per area, for which NWB has no kind of its own
        kind, settings = TimeSeries, {**common, "unit": current.unit}
    stimulus = kind(name=f"i_app_{name}", data=current.values[0], description=text, **settings)
    file.add_stimulus(stimulus)
    file.add_intracellular_recording(electrode=electrode, stimulus=stimulus, response=potential, id=row)
    file.add_unit(id=row, row=row, spike_times=traces.spike_times[0] / 1000.0)


def _plain(name: str) -> str:
    """A parameter's name as that of a column, which tools like to make an attribute."""
    return name.replace(".", "_")
