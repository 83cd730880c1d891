"""What the help says beside the docstrings: a line for each command, by what it is for, and examples of its use."""

from __future__ import annotations

from typing import NamedTuple


class Guide(NamedTuple):
    """line : in the list of commands, which has room for 60 characters. examples : to be typed as they stand."""

    line: str
    examples: tuple[str, ...]


GUIDES: dict[str, dict[str, Guide]] = {  # heading -> command -> its guide
    "One model": {
        "models": Guide("List the models, or show one; -o draws its gating curves.",
                        ("hhfast models --cell pyramidal", "hhfast models hodgkin_huxley -o gates.png")),
        "simulate": Guide("Simulate a neuron or a few under a current or stimulus.",
                          ("hhfast simulate hodgkin_huxley --current 10 -o spikes.png",
                           "hhfast simulate connor_stevens --current 10 -p g_A=0,25,47.7 -o cells.png")),
        "explore": Guide("Write an HTML page in which a model or a result is alive.",
                         ("hhfast explore hodgkin_huxley", "hhfast explore scan.h5 -o scan.html")),
        "clamp": Guide("Voltage clamp: currents, I-V, activation, inactivation.",
                       ("hhfast clamp hodgkin_huxley --holding -70 --levels -60:60:10 --channel Na -o clamp.png",)),
        "fi": Guide("Firing rate against current: onset, gain, block, class.",
                    ("hhfast fi hodgkin_huxley --currents 0:40:2 -p celsius=6.3,18.5 -o fi.png",)),
        "rheobase": Guide("Threshold of a current pulse; strength and duration.",
                          ("hhfast rheobase hodgkin_huxley --width log:0.05:20:15 -o strength.png",)),
        "refractory": Guide("Refractory periods; -o draws the recovery curve.",
                            ("hhfast refractory hodgkin_huxley -o recovery.png",)),
        "prc": Guide("Phase response curve of a periodic neuron.",
                     ("hhfast prc hodgkin_huxley --current 10 -o prc.png",)),
        "phase-plane": Guide("The plane of V and a gate: nullclines, equilibria.",
                             ("hhfast phase-plane morris_lecar_1981_class_1 --current 45 -o plane.png",)),
        "bifurcations": Guide("Hopf points and saddle-nodes; -o draws the diagram.",
                              ("hhfast bifurcations morris_lecar_1981_class_2 --currents 40,240 -o diagram.png",)),
        "trials": Guide("Trials with channel noise: efficiency, jitter, reliability.",
                        ("hhfast trials hodgkin_huxley -p count_Na=6000 --current 7 --width 1 -o trials.png",)),
        "fit": Guide("Fit parameters to a trace, spike times or features.",
                     ("hhfast fit hodgkin_huxley recorded.csv --current 10 --free g_Na=40:200",)),
        "bench": Guide("Error against cost of every integrator on a model.",
                       ("hhfast bench hodgkin_huxley -o bench.png",)),
    },
    "Sweeps": {
        "new": Guide("Make a starting project: model, sweep file, script.", ("hhfast new my_project",)),
        "run": Guide("Run a sweep into an HDF5 file; resumes if interrupted.",
                     ("hhfast run scan.toml --dry-run", "hhfast run scan.toml -o scan.h5")),
        "status": Guide("How far a run is; works while it is running.", ("hhfast status scan.h5",)),
        "merge": Guide("Join the parts of a sweep that was run in parts.", ("hhfast merge scan.h5",)),
    },
    "Results": {
        "info": Guide("What a result holds, and where it comes from.", ("hhfast info scan.h5",)),
        "plot": Guide("Draw a feature over the parameters.",
                      ("hhfast plot scan.h5 -o scan.png",
                       "hhfast plot scan.h5 --feature latency --x g_Na --y g_K -o map.png")),
        "trace": Guide("Simulate rows again with full traces, and draw them.",
                       ('hhfast trace scan.h5 --where "rate > 50" -o traces.png',
                        "hhfast trace scan.h5 --row 17 -o row.png")),
        "select": Guide("Choose rows by criteria, as a table for a next sweep.",
                        ('hhfast select scan.h5 --where "40 < rate < 80" -o rows.csv -o corner.png',)),
        "export": Guide("Write rows as CSV, Parquet or NWB.",
                        ("hhfast export scan.h5 scan.parquet", "hhfast export scan.h5 row.nwb --row 17")),
        "verify": Guide("Check a result against its checksums, bit for bit.", ("hhfast verify scan.h5",)),
    },
    "Files and kernels": {
        "import": Guide("A model from NMODL or NeuroML files, with its proof.",
                        ("hhfast import na.mod k.mod -o cell.toml",)),
        "source": Guide("Print the generated kernel of a model, to read.",
                        ("hhfast source hodgkin_huxley -i rk4",)),
        "cache": Guide("Where compiled kernels are kept; --clear removes them.", ("hhfast cache",)),
    },
}  # fmt: skip


def epilog_of(guide: Guide) -> str:
    """The examples, a line each, for the end of a command's help."""
    return "\n\n".join([f"Example{'s' if len(guide.examples) > 1 else ''}:", *guide.examples])
