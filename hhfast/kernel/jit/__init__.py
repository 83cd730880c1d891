"""From a kernel to machine code, and the cache of it."""
