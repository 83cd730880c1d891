// The times at which steps of a run end: edges and points of the stimulus, samples, and what recorders do there.
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
