// Between what values the potential of a cell stays: what `hhfast.batch.bounds` and `turning_potentials` work out.

function largestCurrent(currents, stimulus) {
  return currents.reduce((sum, [k, name, factor]) => sum + Math.abs(stimulus[`${k}.${name}`]) * factor, 0);
}

// Where a slope turns from rising below to falling above, as the lower and the upper bound.
function turnsOf(slope, widest, halvings) {
  let [low, high] = [-widest, widest];
  const [atLow, atHigh] = [slope(low), slope(high)];
  if (atLow === 0 && atHigh === 0) return [Infinity, -Infinity];
  for (let k = 0; k < halvings; k++) {
    const middle = 0.5 * (low + high);
    if (slope(middle) > 0) low = middle;
    else high = middle;
  }
  const turn = 0.5 * (low + high);
  const upper = atHigh < 0 ? (atLow < 0 ? -Infinity : turn) : widest;
  const lower = atLow > 0 ? (atHigh > 0 ? Infinity : turn) : -widest;
  return [lower, upper];
}

// Of currents that are not ohmic: with all gates closed, and with those of each channel open.
function turningRange(page, parameters, stimulus, V) {
  const { widest, turning } = page.guards;
  if (turning === null) return [-widest, widest];
  const slope = (at, opened, i_app) => {
    const X = new Float64Array(page.states.length);
    for (const k of opened) X[k] = 1;
    X[0] = at;
    const { A, B } = ratesAt(page, parameters, X, 1, i_app);
    return A[0] - B[0] * at;
  };
  const current = largestCurrent(turning.currents, stimulus);
  const turns = (ofV) => turnsOf(ofV, widest, turning.halvings);
  const lowest = [turns((at) => slope(at, [], -current))[0]];
  const highest = [turns((at) => slope(at, [], current))[1]];
  for (const opened of turning.channels) {
    const [low, high] = turns((at) => slope(at, opened, 0) - slope(at, [], 0));
    lowest.push(low);
    highest.push(high);
  }
  const held = (at) => Math.max(-widest, Math.min(widest, at));
  const low = Math.min(held(Math.min(...lowest)), V) - turning.margin;
  const high = Math.max(held(Math.max(...highest)), V) + turning.margin;
  return [held(low), held(high)];
}

// What the potential of a cell can be that starts at V; NaN: its parameters cannot be.
function possibleRange(page, parameters, stimulus, V) {
  const { widest, margin, by } = page.guards;
  const value = Object.fromEntries(page.guards.parameters.map((name, k) => [name, parameters[k]]));
  if (page.guards.conductances.some((name) => value[name] < 0) || !parameters.every(Number.isFinite)) return [NaN, NaN];
  if (by === null) return turningRange(page, parameters, stimulus, V);
  const total = by.leaks.reduce((sum, [g]) => sum + value[g], 0);
  const leak = by.leaks.reduce((sum, [g, E]) => sum + value[g] * value[E], 0);
  const current = largestCurrent(by.currents, stimulus);
  const reversal = by.reversal.map((name) => value[name]);
  const low = total > 0 ? Math.min(...reversal, V, (leak - current) / total) : -widest;
  const high = total > 0 ? Math.max(...reversal, V, (leak + current) / total) : widest;
  return [low - margin, high + margin];
}
