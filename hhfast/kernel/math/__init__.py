"""The functions called in kernels: plain Python, without branches where lanes call them.

They run as they are, are compiled with the kernel that calls them, and import nothing but NumPy.
"""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType
from typing import Any

from hhfast.kernel.math import (
    channel_noise,
    elementary,
    endings,
    phi,
    random,
    random_events,
    settling,
    synapses,
    within_step,
)

_OF_A_STEP = (
    "window", "train", "waveform", "crossing", "cubic_through", "slope_of_cubic", "polynomial_crossing",
    "upward_crossing",
)  # fmt: skip
_OF_SYNAPSES = ("alpha_train", "double_exponential_train", "rectified")
_OF_RANDOM_EVENTS = (
    "next_event", "alpha_events", "alpha_sum", "double_exponential_events", "double_exponential_sum",
    "double_exponential_scale",
)  # fmt: skip
_OF_CHANNEL_NOISE = ("noise_words", "deviates", "initial_deviate", "uniforms")
_OF_SETTLING = ("begin", "spread", "extremum", "plateau", "section")


@lru_cache(maxsize=2)
def functions(dtype: str) -> dict[str, Any]:
    """Name -> function, for kernels whose lanes are of this type; the functions of time are in float64 in any."""
    names = {name: getattr(elementary, there) for name, there in elementary.FUNCTIONS[dtype].items()}
    names |= {"sin": elementary.sin} | {name: getattr(within_step, name) for name in _OF_A_STEP}
    names |= {name: getattr(synapses, name) for name in _OF_SYNAPSES}
    names |= {name: getattr(random_events, name) for name in _OF_RANDOM_EVENTS}
    names |= {name: getattr(phi, there) for name, there in phi.FUNCTIONS[dtype].items()}
    names |= {name: getattr(channel_noise, name) for name in _OF_CHANNEL_NOISE}
    names |= {f"settling_{name}": getattr(settling, name) for name in _OF_SETTLING}
    names["settling_finish"] = endings.finish
    return names | {"normal": random.normal, "ornstein_uhlenbeck": random.ornstein_uhlenbeck}


def is_kernel_function(function: Any) -> bool:
    """Whether something is a function of this folder."""
    return isinstance(function, FunctionType) and function.__module__.rpartition(".")[0] == __name__
