"""One batch of cells in memory: simulate, and what it needs."""
