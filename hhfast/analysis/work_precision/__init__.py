"""How exact an integrator is, and what that costs: the parts of `hhfast.benchmark_integrators`."""
