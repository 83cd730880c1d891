"""Passes that make a kernel fast: binding times, shared exponentials, merged divisions, loop fission."""
