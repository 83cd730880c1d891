// Runs the kernel for one cell: its arguments, and what it recorded.
// What the potential of a cell can be that starts at V, as `hhfast.batch.bounds` has it; NaN: its parameters cannot be.
function possibleRange(page, parameters, stimulus, V) {
  const { widest, margin, by } = page.guards;
  const value = Object.fromEntries(page.guards.parameters.map((name, k) => [name, parameters[k]]));
  if (page.guards.conductances.some((name) => value[name] < 0) || !parameters.every(Number.isFinite)) return [NaN, NaN];
  if (by === null) return [-widest, widest];
  const total = by.leaks.reduce((sum, [g]) => sum + value[g], 0);
  const leak = by.leaks.reduce((sum, [g, E]) => sum + value[g] * value[E], 0);
  const current = by.currents.reduce((sum, [k, name, factor]) => sum + Math.abs(stimulus[`${k}.${name}`]) * factor, 0);
  const reversal = by.reversal.map((name) => value[name]);
  const low = total > 0 ? Math.min(...reversal, V, (leak - current) / total) : -widest;
  const high = total > 0 ? Math.max(...reversal, V, (leak + current) / total) : widest;
  return [low - margin, high + margin];
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
