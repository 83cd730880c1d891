"""Analyses: what to ask of a batch of cells."""
