// The states in which a model begins: as given, or steady.
function shaped(shape, values) {
  const array = values || new Float64Array(shape.reduce((a, b) => a * b, 1));
  array.shape = shape;
  return array;
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
