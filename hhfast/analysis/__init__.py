"""Analyses: functions over whole batches of cells; a module with an entry `ANALYSIS` is one."""
