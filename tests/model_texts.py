"""The model file on which tests of models make their changes."""

BASE = """
name = "cell"
title = "A test cell"
citation = "none"
V_init = -65.0

[parameters]
C_m = { value = 1.0, unit = "uF cm-2" }
celsius = { value = 6.3, unit = "degC" }

[channels.Na]
g = 120.0
E = 50.0
rate_scale = "3 ** ((celsius - 6.3) / 10)"
[channels.Na.gates.m]
power = 3
alpha = "0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))"
beta = "4 * exp(-(V + 65) / 18)"
[channels.Na.gates.h]
inf = "1 / (1 + exp((V + 60) / 7))"
tau = "1 + 7 / cosh((V + 60) / 15)"

[channels.CaL]
g = 0.5
E = "12.5 * log(Ca_out / Ca)"
[channels.CaL.gates.s]
inf = "Ca / (Ca + K_d) / (1 + exp(-(V + 20) / 6))"
[channels.CaL.parameters]
K_d = { value = 1.0, unit = "uM" }

[channels.L]
g = 0.3
E = -54.4

[pools.Ca]
unit = "uM"
initial = 0.1
a = "(0.1 - f_Ca * i_CaL) / tau_Ca"
b = "1 / tau_Ca"
[pools.Ca.parameters]
f_Ca = { value = 5.0, unit = "uM cm2 uA-1" }
tau_Ca = { value = 100.0, unit = "ms" }
Ca_out = { value = 3000.0, unit = "uM" }
"""
