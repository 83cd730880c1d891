"""The functions called in kernels."""
