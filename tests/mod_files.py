"""NMODL files written for the tests: the squid axon in several of the ways in which people write such files."""

SQUID = """\
TITLE Squid axon : of 1952
COMMENT
  with the modern sign; see VERBATIM in comments, which is no code
ENDCOMMENT
UNITS { (mA) = (milliamp) (mV) = (millivolt) (S) = (siemens) }
NEURON {
    SUFFIX squid
    USEION na READ ena WRITE ina
    USEION k READ ek WRITE ik
    NONSPECIFIC_CURRENT il
    RANGE gnabar, gkbar, gl, el
    GLOBAL minf, hinf, ninf, mtau, htau, ntau
    THREADSAFE
}
PARAMETER {
    gnabar = .12 (S/cm2) <0,1e9>
    gkbar = .036 (S/cm2)
    gl = .0003 (S/cm2)
    el = -54.387 (mV)
    celsius = 6.3 (degC)
    ena = 50 (mV)
    ek = -77 (mV)
}
STATE { m h n }
ASSIGNED { v (mV) ina ik il (mA/cm2) gna (S/cm2) minf hinf ninf mtau htau ntau q10 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    gna = gnabar*m*m*m*h
    ina = gna*(v - ena)
    ik = gkbar*n^4*(v - ek)
    il = gl*(v - el)
}
INITIAL {
    rates(v)
    m = minf
    h = hinf
    n = ninf
}
DERIVATIVE states {
    rates(v)
    m' = (minf-m)/mtau
    h' = (hinf-h)/htau
    n' = (ninf-n)/ntau
}
PROCEDURE rates(v(mV)) { LOCAL alpha, beta, sum
    TABLE minf, mtau, hinf, htau, ninf, ntau DEPEND celsius FROM -100 TO 100 WITH 200
UNITSOFF
    q10 = 3^((celsius - 6.3)/10)
    alpha = .1 * vtrap(-(v+40),10)  : activation
    beta = 4 * exp(-(v+65)/18)
    sum = alpha + beta
    mtau = 1/(q10*sum)
    minf = alpha/sum
    alpha = .07 * exp(-(v+65)/20)
    beta = 1 / (exp(-(v+35)/10) + 1)
    sum = alpha + beta
    htau = 1/(q10*sum)
    hinf = alpha/sum
    alpha = .01*vtrap(-(v+55),10)
    beta = .125*exp(-(v+65)/80)
    sum = alpha + beta
    ntau = 1/(q10*sum)
    ninf = alpha/sum
}
FUNCTION vtrap(x,y) {
    if (fabs(x/y) < 1e-6) {
        vtrap = y*(1 - x/y/2)
    } else {
        vtrap = x/(exp(x/y) - 1)
    }
}
UNITSON
"""
BY_HAND = (
    SQUID.replace("SOLVE states METHOD cnexp", "SOLVE states")
    .replace("DERIVATIVE states {", "PROCEDURE states() { LOCAL mexp, tinc")
    .replace("    m' = (minf-m)/mtau\n", "    tinc = -dt\n    mexp = 1 - exp(tinc/mtau)\n    m = m + mexp*(minf-m)\n")
    .replace("h' = (hinf-h)/htau", "h = hinf + (h - hinf)*exp(-dt/htau)")
    .replace(
        "    n' = (ninf-n)/ntau\n",
        "    n = n*exp(-dt/ntau) + (1 - exp(-dt/ntau))*ninf\n    VERBATIM\n    return 0;\n    ENDVERBATIM\n",
    )
)
ALPHA_BETA = """\
NEURON { SUFFIX kd USEION k READ ek WRITE ik }
DEFINE FOUR 4
PARAMETER { gbar = 36 (mS/cm2) ek = -77 (mV) }
CONSTANT { half = 55 (mV) }
STATE { n }
ASSIGNED { v (mV) ik (mA/cm2) a b }
INITIAL { rates() n = a/(a+b) }
BREAKPOINT {
    SOLVE states METHOD derivimplicit
    ik = (0.001)*gbar*n^FOUR*(v - ek)
}
DERIVATIVE states { rates() n' = a*(1-n) - b*n }
PROCEDURE rates() {
    a = .01*(v+half)/(1 - exp(-(v+half)/10))
    b = .125*exp(-(v+65)/80)
}
"""
KINETIC = """\
NEURON { SUFFIX kin USEION k READ ek WRITE ik RANGE g }
PARAMETER { gbar = .036 (mho/cm2) ek = -77 (mV) }
STATE { n0 n1 n2 n3 n4 }
ASSIGNED { v (mV) ik (mA/cm2) g a b }
INITIAL { SOLVE chain STEADYSTATE sparse }
BREAKPOINT {
    SOLVE chain METHOD sparse
    g = gbar*n4
    ik = g*(v - ek)
}
KINETIC chain {
    a = .01*(v+55)/(1 - exp(-(v+55)/10))
    b = .125*exp(-(v+65)/80)
    ~ n0 <-> n1 (4*a, b)
    ~ n1 <-> n2 (3*a, 2*b)
    ~ n2 <-> n3 (2*a, 3*b)
    ~ n3 <-> n4 (a, 4*b)
    CONSERVE n0 + n1 + n2 + n3 + n4 = 1
}
"""
CALCIUM = """\
NEURON { SUFFIX cal USEION ca READ cai, cao WRITE ica }
UNITS { FARADAY = (faraday) (coulomb) R = (k-mole) (joule/degC) }
PARAMETER { pbar = 1e-4 (cm/s) celsius = 20 (degC) }
STATE { m }
ASSIGNED { v (mV) ica (mA/cm2) cai (mM) cao (mM) inf[2] }
INITIAL { rates() m = inf[0] }
BREAKPOINT { SOLVE states METHOD cnexp ica = pbar*m^2*ghk(v, cai, cao) }
DERIVATIVE states { rates() m' = (inf[0] - m)/inf[1] }
PROCEDURE rates() {
    FROM i = 0 TO 1 { inf[i] = pick(i) }
    if (v < -40) { inf[1] = 2*inf[1] } else if (v > 0 && v < 20) { inf[1] = 3*inf[1] }
}
FUNCTION pick(i) { if (i == 0) { pick = 1/(1 + exp(-(v + 20)/6)) } else { pick = 1 + 4/cosh((v + 30)/20) } }
FUNCTION ghk(v, ci, co) { LOCAL z
    z = 2*v/(1000*R*(celsius + 273.15)/FARADAY)
    ghk = .001*2*FARADAY*(ci*efun(-z) - co*efun(z))
}
FUNCTION efun(z) { if (fabs(z) < 1e-4) { efun = 1 - z/2 } else { efun = z/(exp(z) - 1) } }
"""
POOL = """\
NEURON { SUFFIX cad USEION ca READ ica, cai WRITE cai }
PARAMETER { depth = .1 (um) tau = 80 (ms) rest = 5e-5 (mM) }
CONSTANT { F = 96485.33 }
STATE { cai (mM) }
ASSIGNED { ica (mA/cm2) drive }
INITIAL { cai = rest }
BREAKPOINT { SOLVE pump METHOD derivimplicit }
DERIVATIVE pump {
    drive = -(10000)*ica/(2*F*depth)
    if (drive <= 0) { drive = 0 }
    cai' = drive + (rest - cai)/tau
}
"""
