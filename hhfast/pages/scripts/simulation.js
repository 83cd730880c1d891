// Runs the kernel for one cell: its arguments, the times at which steps end, initial states, what it recorded.
const ACTIONS = 3; // bits per recorder in the action of a node: begin, end, sample
const EDGE = 1 << 30; // in the high word of an action: an edge of the stimulus

// When the current of a kind of stimulus jumps or has a kink, from its parameters p.
const EDGES = {
  step: (p) => [p.start, p.stop],
  pulse: (p) => [p.start, p.start + p.width],
  paired_pulse: (p) => [0, p.width, p.interval, p.interval + p.width].map((d) => p.start + d),
  train: (p, t_stop) => eventTimes(p, t_stop).flatMap((start) => [start, start + p.width]),
  ramp: (p) => [p.start, p.stop],
  sine: (p) => [p.start, p.stop],
  chirp: (p) => [p.start, p.stop],
  waveform: () => [],
  noise: (p) => [p.start, p.stop],
  conductance_step: (p) => [p.start, p.stop],
  alpha_synapse: (p, t_stop) => eventTimes(p, t_stop),
  double_exponential: (p, t_stop) => eventTimes(p, t_stop),
  point_conductance: (p) => [p.start, p.stop],
  poisson_alpha: () => [],
  poisson_double_exponential: () => [],
};

// When the pulses or synaptic events of a train begin, before t_stop.
function eventTimes(p, t_stop) {
  const count = Math.max(0, Math.min(p.count, Math.ceil((t_stop - p.start) / p.period), 1e5));
  return Array.from({ length: count }, (_, k) => p.start + p.period * k);
}

function shaped(shape, values) {
  const array = values || new Float64Array(shape.reduce((a, b) => a * b, 1));
  array.shape = shape;
  return array;
}

function distinct(times, tolerance) {
  const sorted = Float64Array.from(times).sort();
  return sorted.filter((t, k) => k === 0 || t - sorted[k - 1] > tolerance);
}

function nearest(nodes, t) {
  let best = 0;
  for (let k = 1; k < nodes.length; k++) if (Math.abs(nodes[k] - t) < Math.abs(nodes[best] - t)) best = k;
  return best;
}

function sampleTimes(t_stop, every) {
  const n = Math.floor((t_stop / every) * (1 + 1e-12)) + 1;
  return Float64Array.from({ length: n }, (_, k) => Math.min(every * k, t_stop));
}

function pointsOfNoise(p, t_stop) {
  const [first, last] = [p.start, p.stop].map((t) => Math.min(Math.max(t, 0), t_stop));
  const begin = Math.floor(first / p.every);
  return Array.from({ length: Math.ceil(last / p.every) - begin }, (_, k) => p.every * (begin + k));
}

// Between points a current is linear; fixed steps end at them, adaptive kernels look for them themselves.
const POINTS = {
  waveform: (p, t_stop, times) => times.map((t) => t + p.start),
  noise: pointsOfNoise,
  point_conductance: pointsOfNoise,
};

// How far apart samples are (ms): as close as a plot shows; whole steps, where sampling would cut steps short.
function samplingInterval(page, t_stop) {
  const wanted = t_stop / Math.min(20000, Math.max(2500, 20 * t_stop));
  return page.adaptive ? wanted : page.dt * Math.max(1, Math.round(wanted / page.dt));
}

function valuesOf(part, k, values) {
  return Object.fromEntries(part.parameters.map((name) => [name, values[`${k}.${name}`]]));
}

function pointsOf(part, k, values, t_stop) {
  return POINTS[part.kind] ? POINTS[part.kind](valuesOf(part, k, values), t_stop, part.times) : [];
}

// After how many steps an adaptive run is given up: more for a longer one, and for one with more stops.
function mostSteps(page, values, edges, t_stop) {
  if (!page.adaptive) return 0;
  const [anyway, per_ms, per_stop] = page.steps_allowed;
  const points = page.stimulus.flatMap((part, k) => pointsOf(part, k, values, t_stop));
  return anyway + per_ms * t_stop + per_stop * (2 + edges.length + points.length);
}

function stimulusEdges(page, values, t_stop) {
  const edges = page.stimulus.flatMap((part, k) => {
    const points = page.adaptive ? [] : pointsOf(part, k, values, t_stop);
    return [...EDGES[part.kind](valuesOf(part, k, values), t_stop), ...points];
  });
  return edges.filter((t) => t > 0 && t < t_stop);
}

// Nodes of the time grid and what the recorders (spikes 0, trace 1) do there; for fixed steps also dt and n.
function schedule(page, edges, samples, t_stop) {
  const fixed = !page.adaptive;
  const wanted = [0, t_stop, ...edges, ...(fixed ? samples : [])];
  const t_node = distinct(wanted, fixed ? 1e-9 * page.dt : 1e-12 * t_stop);
  const action = new Int32Array(2 * t_node.length);
  const last = t_node.length - 1;
  for (const r of [0, 1]) {
    action[0] |= 1 << (ACTIONS * r);
    action[2 * last] |= 1 << (ACTIONS * r + 1);
  }
  if (!fixed) {
    for (const edge of edges) action[2 * nearest(t_node, edge) + 1] |= EDGE;
    return { t_node, action };
  }
  const n_node = new Int32Array(2 * t_node.length);
  const dt_node = new Float64Array(t_node.length).fill(page.dt);
  for (let k = 0; k < last; k++) {
    const length = t_node[k + 1] - t_node[k];
    n_node[2 * k] = Math.max(Math.ceil((length / page.dt) * (1 - 1e-9)), 1);
    const h = length / n_node[2 * k];
    dt_node[k] = Math.abs(h - page.dt) < 1e-9 * page.dt ? page.dt : h;
  }
  let k = 0;
  for (const t of samples) {
    while (k < last && Math.abs(t_node[k + 1] - t) <= Math.abs(t_node[k] - t)) k++;
    action[2 * k] |= 1 << (ACTIONS + 2);
  }
  return { t_node, action, n_node, dt_node };
}

// a and b of x' = a - b x for states X (n_states rows of n points).
function ratesAt(page, parameters, X, n, current) {
  const size = X.length;
  const A = shaped([size / n, n]);
  const B = shaped([size / n, n]);
  const col = new Int32Array(2 * parameters.length).fill(-1);
  const i_app = typeof current === "number" ? new Float64Array(n).fill(current) : current;
  rates(0, n, parameters, col, shaped([0, n]), shaped([size / n, n], X), i_app, A, B);
  return { A, B };
}

// Solves J x = b by elimination with pivots; J and b are changed.
function solved(J, b) {
  const n = b.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(J[i][k]) > Math.abs(J[pivot][k])) pivot = i;
    [J[k], J[pivot], b[k], b[pivot]] = [J[pivot], J[k], b[pivot], b[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = J[i][k] / J[k][k];
      for (let j = k; j < n; j++) J[i][j] -= factor * J[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let j = k + 1; j < n; j++) b[k] -= J[k][j] * b[j];
    b[k] /= J[k][k];
  }
  return b;
}

// Newton's method on a = b x for states that depend on each other, as those of a scheme.
function solveSteady(page, parameters, X, states) {
  const slopes = (Y) => {
    const { A, B } = ratesAt(page, parameters, Y, 1, 0);
    return states.map((k) => A[k] - B[k] * Y[k]);
  };
  for (let round = 0; round < 20; round++) {
    const now = slopes(X);
    const J = states.map(() => new Float64Array(states.length));
    states.forEach((k, j) => {
      const moved = X.slice();
      const step = 1e-6 * (X[k] === 0 ? 1 : Math.abs(X[k]));
      moved[k] += step;
      slopes(moved).forEach((slope, i) => (J[i][j] = (slope - now[i]) / step));
    });
    const change = solved(J, now.map((slope) => -slope));
    states.forEach((k, j) => (X[k] += change[j]));
    if (!states.some((k, j) => Math.abs(change[j]) > 1e-13 * Math.max(Math.abs(X[k]), 1e-3))) return;
  }
}

// The model's initial states: as given, and what starts steady at its steady value there.
function initialStates(page, parameters) {
  const X = Float64Array.from(page.initial);
  if (page.formulas.length) {
    const A = shaped([page.formulas.length, 1]);
    const col = new Int32Array(2 * parameters.length).fill(-1);
    beginnings(0, 1, parameters, col, shaped([0, 1]), shaped([X.length, 1], X.slice()), new Float64Array(1), A, shaped([0, 1]));
    page.formulas.forEach((state, k) => (X[state] = A[k]));
  }
  for (const [states, coupled] of page.steady_levels) {
    if (coupled) {
      solveSteady(page, parameters, X, states);
      continue;
    }
    const { A, B } = ratesAt(page, parameters, X, 1, 0);
    for (const k of states) X[k] = A[k] / B[k];
  }
  return X;
}

// One cell for t_stop ms. parameters: of the model; stimulus: "number of part.name" -> value; initial: states at 0.
function simulate(page, { parameters, stimulus, t_stop, every, initial }) {
  const samples = sampleTimes(t_stop, every);
  const edges = stimulusEdges(page, stimulus, t_stop);
  const of_stimulus = page.stimulus.flatMap((part, k) => part.parameters.map((name) => stimulus[`${k}.${name}`]));
  const p0 = Float64Array.from([...parameters, ...of_stimulus]);
  const X = shaped([initial.length, 1], Float64Array.from(initial));
  const bounds = possibleRange(page, parameters, stimulus, initial[0]);
  if (Number.isNaN(bounds[0])) X.fill(NaN);
  const capacity = Math.min(4096, 64 + Math.ceil(4 * t_stop));
  const given = {
    first_cell: 0, last_cell: 1, p0, X, col: new Int32Array(2 * p0.length).fill(-1), P: shaped([0, 1]),
    levels: shaped([1, 2], Float64Array.from(page.levels || [-20, -30])),
    bounds: shaped([1, 2], Float64Array.from(bounds)), status: new Uint8Array(1), stop: new Uint8Array(1),
    moving: 0, edges: shaped([1, 0]), rtol: page.rtol, atol: Float64Array.from(page.atol || []), dt_first: page.dt,
    dt_min: page.dt_min, dt_max: page.dt_max, max_steps: mostSteps(page, stimulus, edges, t_stop), n_steps: new Int32Array(2),
    n_rejected: new Int32Array(2), times_1: samples, spike_time_0: shaped([1, capacity]),
    stored_count_0: new Int32Array(2), trace_1: shaped([page.traced.length, 1, samples.length]).fill(NaN),
    ...schedule(page, edges, samples, t_stop),
  };
  page.stimulus.forEach((part, k) => {
    for (const [name, values] of Object.entries(part.arrays || {})) given[`${name}_${k}`] = Float64Array.from(values);
  });
  for (const [name, dtype, size] of page.scratch) {
    given[name] = dtype === "int64" ? new Int32Array(2 * size) : new Float64Array(size);
  }
  kernel(...page.arguments.map((name) => given[name]));
  const spikes = given.spike_time_0.slice(0, given.stored_count_0[0]);
  const row = (k) => given.trace_1.subarray(k * samples.length, (k + 1) * samples.length);
  const traces = Object.fromEntries(page.traced.map((name, k) => [name, row(k)]));
  const status = Number.isNaN(bounds[0]) ? page.guards.impossible : given.status[0];
  const failure = page.failures[status] || "";
  return { time: samples, traces, spikes, states: X, status, failure, steps: given.n_steps[0] };
}

// The same stimulus without any current.
function withoutCurrent(stimulus) {
  const is_current = (name) => /amplitude|mean|sigma|offset|scale|\.g(_|$)/.test(name);
  return Object.fromEntries(Object.entries(stimulus).map(([name, v]) => [name, is_current(name) ? 0 : v]));
}

// A run from where the model begins (start "model") or from rest, after a time without current (`settle` ms); rest: the
// states there, where they are known already.
function wholeRun(page, { parameters, stimulus, t_stop, start, settle, rest, coarse }) {
  const before = performance.now();
  let initial = initialStates(page, parameters);
  if (start === "rest") {
    const quiet = { parameters, stimulus: withoutCurrent(stimulus), t_stop: settle, every: settle, initial };
    initial = rest || simulate(page, quiet).states;
  }
  const run = simulate(page, { parameters, stimulus, t_stop, every: samplingInterval(page, t_stop), initial });
  return { ...run, parameters, stimulus, initial, t_stop, start, coarse: Boolean(coarse), took: performance.now() - before };
}
