"""What the environment asks of HDF5, which ends the process by a signal where it does not find it.

It is looked at when this module is imported, which is before HDF5 is.
"""

from __future__ import annotations

import os

from hhfast.errors import InputError, shown

_KNOWN = {"HDF5_DRIVER": ("", "sec2", "stdio", "core"), "HDF5_VOL_CONNECTOR": ("", "native")}


def check_environment() -> None:
    """Raise `InputError` where a file would be opened by anything but HDF5 itself."""
    for name, known in _KNOWN.items():
        if (given := os.environ.get(name, "")) not in known:
            raise InputError(f"{name} = {shown(given)}: hhfast does not work with it; take it out of the environment")


check_environment()
