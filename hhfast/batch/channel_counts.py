"""How many channels cells have, and what following them costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.model import Model
from hhfast.model.formulas import evaluate
from hhfast.parts.channel_noise import MOST_CHANNELS

_DIFFUSION = 4.0  # steps without noise that take as long as one with it
# Of transitions: how often a channel changes its state per ms (the squid axon's at rest and when it fires), and steps
# without noise that take as long as one transition, or as placing one channel at the start.
_PER_MS, _OF_ONE = 2.0, 10.0


def channel_counts(model: Model, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Name of what says it -> how many channels there are, for values of all parameters."""
    found = {}
    for section in model.sections:
        for channel in section.channels:
            if isinstance(channel.count, str):
                count = evaluate(model.written_out(channel.count, section), values)
                found[f"count of channel {channel.name}"] = np.asarray(count, np.float64)
            elif channel.count is not None:
                found[f"count_{channel.name}"] = np.asarray(values[f"count_{channel.name}"], np.float64)
    return found


def check_followed_one_by_one(counts: Mapping[str, np.ndarray]) -> None:
    """Refuse more channels than can be followed transition by transition, and what is rounded to none."""
    for name, values in counts.items():
        if np.any((values > 0) & (values < 0.5)):
            few = f"{np.min(values[values > 0]):g} is no whole channel; give 1 at least, or channel_noise = 'diffusion'"
            raise InputError(f"{name}: {few}")
        if np.any(np.isfinite(values) & (values > MOST_CHANNELS)):
            most = f"at most {MOST_CHANNELS:g} channels are followed one by one; give channel_noise = 'diffusion'"
            raise InputError(f"{name}: {most}, or inf")


def work_of_a_step(kind: str, counts: Mapping[str, np.ndarray], dt: float, n_steps: int) -> float:
    """About how many steps without noise take as long as one of a cell with it; 1 without noise.

    counts : of which the most of each channel matter. n_steps : of a run, in which every channel is placed once.
    """
    if not kind:
        return 1.0
    if kind == "diffusion":
        return _DIFFUSION
    most = sum(float(np.max(values, initial=0.0, where=np.isfinite(values))) for values in counts.values())
    return 1.0 + _OF_ONE * most * (_PER_MS * dt + 1.0 / max(n_steps, 1))


def check_countable(model: Model, parameter: str) -> None:
    """Say why a channel has no count, where a name that is no parameter asks for it."""
    for channel in model.every_channel:
        if parameter != f"count_{channel.name}":
            continue
        if not channel.fluctuates:
            raise InputError(f"{parameter}: channel '{channel.name}' has neither gates that move in time nor a scheme")
        if channel.open is not None:
            raise InputError(
                f"{parameter}: channel '{channel.name}' gives open = '{channel.open}', a formula that says nothing of "
                "single channels; write it as a scheme, or as one channel for each product of gates"
            )
        if channel.current is not None:
            raise InputError(
                f"{parameter}: channel '{channel.name}' has a current of its own; give it a count in the model file"
            )
