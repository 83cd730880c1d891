"""Names in printed code and in algebra: each unlike all that are taken."""

from __future__ import annotations


def free_name(wanted: str, taken: set[str]) -> str:
    """The wanted name, with a number if it is taken; it is taken then."""
    name, k = wanted, 1
    while name in taken:
        k += 1
        name = f"{wanted}_{k}"
    taken.add(name)
    return name
