"""One model file from the parts that importers found: names made unique, ions joined."""

from __future__ import annotations

from typing import Any

from hhfast.model.importers.expressions import Expr, add, multiply, number, variable
from hhfast.model.importers.part import Part, states_of
from hhfast.model.importers.part_entries import PartEntries
from hhfast.model.importers.part_writer import PartWriter
from hhfast.model.importers.unique_names import ChannelNames, Names


class Assembly:
    """The table of a model file, made of parts."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.names = Names()
        self.notes: list[str] = []
        self.shared: dict[str, dict[str, Any]] = {"C_m": {"value": 1.0, "unit": "uF cm-2"}}
        self.names.given |= {"C_m"}
        self.channel_names: dict[int, str] = {}  # of a ChannelForm, by identity
        self.state_names: dict[tuple[int, str], str] = {}  # of a state of a part
        self.shared_names: dict[str, str] = {}
        self.nernsts: set[tuple[int, str]] = set()  # (part, reversal potential) that stand for a Nernst potential
        for k, part in enumerate(parts):
            suffix = self.names_suffix(part)
            for channel in part.channels:
                name = ChannelNames(set(self.channel_names.values()), self.names).claim(channel.name)
                self.channel_names[id(channel)] = name
                self.names.given |= {f"g_{name}", f"E_{name}"} if channel.g is not None else set()
            for x in states_of(part):
                self.state_names[k, x] = self.names.claim(x, suffix)

    def names_suffix(self, part: Part) -> str:
        return part.name if len(self.parts) > 1 else ""

    def table(self, name: str, title: str) -> dict[str, Any]:
        """The file's content; `tomllib.loads` of its text gives it back."""
        channels: dict[str, Any] = {}
        pools: dict[str, Any] = {}
        formulas: dict[str, str] = {}
        functions: dict[str, Any] = {}
        for k, part in enumerate(self.parts):
            writer = PartWriter(self, k, part)
            own_channels, own_pools = PartEntries(writer).entries()
            channels |= own_channels
            pools |= own_pools
            formulas |= writer.formulas
            functions |= writer.functions
            self.notes += [f"{part.source}: {note}" for note in part.notes]
        for model_name, entry in self.shared.items():
            entry.setdefault("unit", "1")
            self.shared[model_name] = entry
        head = {"name": name, "title": title, "notes": " ".join(dict.fromkeys(self.notes)), "V_init": -65.0}
        found = {**head, "parameters": self.shared, "functions": functions, "formulas": formulas,
                 "channels": channels, "pools": pools}  # fmt: skip
        return {key: value for key, value in found.items() if value not in ({}, "")}

    # --- ions ---
    def setter(self, name: str) -> tuple[int, Expr] | None:
        """The part that sets a concentration, and the expression that it gives."""
        return next(((k, p.concentrations[name]) for k, p in enumerate(self.parts) if name in p.concentrations), None)

    def shared_parameter(self, name: str, value: float, unit: str) -> str:
        """A parameter that all parts have in common: the temperature, a concentration."""
        if name not in self.shared_names:
            self.shared_names[name] = self.names.claim(name)
            unit = {"celsius": "degC"}.get(name, "mM")
            self.shared[self.shared_names[name]] = {"value": value, "unit": unit}
        elif self.shared[self.shared_names[name]]["value"] != value:
            kept = self.shared[self.shared_names[name]]["value"]
            self.notes.append(f"The files give {name} different values; it is {kept:g}.")
        return self.shared_names[name]

    def is_nernst(self, part: int, name: str) -> bool:
        """Whether a part's reversal potential follows from concentrations."""
        return (part, name) in self.nernsts

    def total_current(self, ion: str) -> Expr:
        """The current of an ion in mA/cm2, as files read it."""
        found = [c for p in self.parts for c in p.channels if c.ion == ion]
        total = number(0)
        for c in found:
            total = add(total, variable(f"i_{self.channel_names[id(c)]}"))
        return multiply(number(1e-3), total) if found else number(0)
