"""Kernels built from their parts."""
