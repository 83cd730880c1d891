"""Printers of the kernel tree."""
