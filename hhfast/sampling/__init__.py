"""Random and quasi-random numbers by index, the same on every machine."""
