// The plane of V and another state: where each stands still, the path of the run, and the point that runs on it.
function phaseRanges(page, run, name) {
  const range = extentOfAmounts([run.traces[name]], 1e-9, 0.25);
  return { V: extent([run.traces.V], 1, 0.3), y: page.gates.includes(name) ? [-0.03, 1.03] : range };
}

// Nullclines with the other states held at what they are at sample `at` of the run.
function nullclines(page, parameters, run, name, at, ranges, [nV, ny] = [110, 70]) {
  const Vs = Float64Array.from({ length: nV }, (_, k) => ranges.V[0] + (k / (nV - 1)) * (ranges.V[1] - ranges.V[0]));
  const ys = Float64Array.from({ length: ny }, (_, k) => ranges.y[0] + (k / (ny - 1)) * (ranges.y[1] - ranges.y[0]));
  const n = nV * ny;
  const k = page.states.indexOf(name);
  const X = new Float64Array(page.states.length * n);
  page.states.forEach((state, s) => X.fill(run.traces[state][at], s * n, (s + 1) * n));
  for (let j = 0; j < ny; j++) {
    for (let i = 0; i < nV; i++) {
      X[j * nV + i] = Vs[i];
      X[k * n + j * nV + i] = ys[j];
    }
  }
  const { A, B } = ratesAt(page, parameters, X, n, run.traces.i_app[at]);
  const field = (s) => Float64Array.from({ length: n }, (_, p) => A[s * n + p] - B[s * n + p] * X[s * n + p]);
  return { V: zeroLines(Vs, ys, field(0)), y: zeroLines(Vs, ys, field(k)) };
}

function drawPhase(plot, page, run, name, at, held) {
  const ranges = phaseRanges(page, run, name);
  plot.begin(ranges.V, ranges.y, "V (mV)", withUnit(name, page.units[name]));
  const found = nullclines(page, run.parameters, run, name, at, ranges);
  const path = (from, how) => plot.line(from.traces.V, from.traces[name], colour(how.stroke), { width: how.width, name: how.name, xName: how.xName });
  if (held) path(held.run, { stroke: "--held", width: 1.2, name: `${withUnit(name, page.units[name])} held`, xName: "V held (mV)" });
  plot.pieces(found.V, colour("--c1"));
  plot.pieces(found.y, colour("--c2"));
  path(run, { stroke: "--c0", width: 1.5, name: withUnit(name, page.units[name]), xName: "V (mV)" });
  plot.point(run.traces.V[at], run.traces[name][at], colour("--c0"), 6);
  showLegend(byId("legend-phase"), [
    { text: "path", stroke: colour("--c0") },
    { text: "dV/dt = 0", stroke: colour("--c1") },
    { text: `d${name}/dt = 0`, stroke: colour("--c2") },
    ...(held ? [{ text: "path held", stroke: colour("--held") }] : []),
  ]);
}

// Steady states and time constants of gates over V, the other states where they begin.
function drawGating(plots, page, run, range) {
  const { parameters } = run;
  const n = 160;
  const Vs = Float64Array.from({ length: n }, (_, k) => range[0] + (k / (n - 1)) * (range[1] - range[0]));
  const X = new Float64Array(page.states.length * n);
  const begin = initialStates(page, parameters);
  page.states.forEach((state, s) => X.fill(begin[s], s * n, (s + 1) * n));
  page.states.forEach((state, s) => page.potentials.includes(state) && X.set(Vs, s * n));
  const { A, B } = ratesAt(page, parameters, X, n, 0);
  const row = (array, s) => array.subarray(s * n, (s + 1) * n);
  const curves = page.gating.map((name) => {
    const s = page.states.indexOf(name);
    if (s < 0) return { name, inf: instantaneous(page, parameters, X, n, name), tau: null };
    const [a, b] = [row(A, s), row(B, s)];
    return { name, inf: a.map((x, k) => x / b[k]), tau: b.map((x) => 1 / x) };
  });
  plots.inf.begin(range, extentOfFractions(curves.map(({ inf }) => inf)), "V (mV)", "steady state");
  curves.forEach(({ inf }, k) => plots.inf.line(Vs, inf, series(k), { dash: dashOf(k), name: `${curves[k].name} steady state` }));
  const taus = curves.map(({ tau }) => tau).filter(Boolean);
  const logarithmOf = (tau) => tau.map(Math.log10);
  const logarithms = taus.map(logarithmOf);
  plots.tau.begin(range, extent(logarithms, 2.2, 0.05), "V (mV)", "time constant (ms)", { yText: (v) => plain(10 ** v, 2), yLog: true });
  curves.forEach(({ tau }, k) => tau && plots.tau.line(Vs, logarithmOf(tau), series(k), { dash: dashOf(k) }));
  const timeConstants = curves.filter(({ tau }) => tau).map(({ name, tau }) => ({ xName: "V (mV)", xs: Vs, name: `${name} time constant (ms)`, ys: tau }));
  plots.tau.table = () => timeConstants; // the line itself is a logarithm
  legend(byId("legend-gating"), curves.map(({ name }) => name));
}

function instantaneous(page, parameters, X, n, name) {
  const A = shaped([page.quantities.length, n]);
  const col = new Int32Array(2 * parameters.length).fill(-1);
  quantities(0, n, parameters, col, shaped([0, n]), shaped([X.length / n, n], X), new Float64Array(n), A, shaped([0, n]));
  const k = page.quantities.indexOf(name);
  return A.slice(k * n, (k + 1) * n);
}

// Where a field of numbers on a grid is zero: pieces x0, y0, x1, y1 (marching squares).
function zeroLines(xs, ys, field) {
  const n = xs.length;
  const found = [];
  const cut = (u, v, x0, y0, x1, y1) => {
    if (u < 0 === v < 0) return;
    const at = u / (u - v);
    found.push(x0 + at * (x1 - x0), y0 + at * (y1 - y0));
  };
  for (let j = 0; j + 1 < ys.length; j++) {
    for (let i = 0; i + 1 < n; i++) {
      const [a, b, c, d] = [field[j * n + i], field[j * n + i + 1], field[(j + 1) * n + i + 1], field[(j + 1) * n + i]];
      const below = (a < 0) + (b < 0) + (c < 0) + (d < 0);
      if (below === 0 || below === 4 || Number.isNaN(a + b + c + d)) continue;
      const [x0, x1, y0, y1] = [xs[i], xs[i + 1], ys[j], ys[j + 1]];
      cut(a, b, x0, y0, x1, y0);
      cut(b, c, x1, y0, x1, y1);
      cut(c, d, x1, y1, x0, y1);
      cut(d, a, x0, y1, x0, y0);
    }
  }
  return found;
}
