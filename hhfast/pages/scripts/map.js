// The map of a feature over two axes, and which row lies where.
// Where bins begin and end, on the scale of the map.
function borders(axis) {
  const at = axis.centres.map((v) => scaled(axis, v));
  if (at.length === 1) return [at[0] - 0.5, at[0] + 0.5];
  const between = at.slice(1).map((v, k) => (v + at[k]) / 2);
  return [2 * at[0] - between[0], ...between, 2 * at[at.length - 1] - between[between.length - 1]];
}

// Where the slider of a sample's axis holds it: its bin with some neighbours, as one alone has few of the page's rows.
function heldBetween(axis, bin) {
  const edges = axis.edges || (axis.edges = borders(axis));
  const beside = Math.floor(axis.centres.length / 32);
  return [edges[Math.max(0, bin - beside)], edges[Math.min(axis.centres.length, bin + 1 + beside)]];
}

// Whether a row of the page lies where the sliders hold the other axes.
function inHeld(k) {
  return others().every((name) => {
    const bin = state[`o.${name}`];
    if (bin < 0) return true;
    const axis = axisOf(name);
    const [low, high] = heldBetween(axis, bin);
    const v = scaled(axis, rows.columns[name][k]);
    return (v - low) * (v - high) <= 0;
  });
}

// What stands at the ticks of an axis, if not its values: powers of ten, or the names of initial states.
function tickTextOf(axis) {
  if (axis.names && axis.names.length) return (u) => nameOfBin(axis, u);
  return axis.log ? (u) => plain(10 ** u, 2) : null;
}

const labelOf = (name) => withUnit(name, axisOf(name).unit);

function drawMap() {
  const feature = features[state.value];
  byId("map-title").textContent = withUnit(spoken(feature.name), feature.unit);
  byId("joined").textContent = joined(feature);
  if (!state.y) {
    drawLine(feature);
    return;
  }
  const tabled = page.is_grid || !isHeld();
  plane = tabled ? planeOfTable(page, state.x, state.y, feature, page.is_grid ? held() : {})
    : planeOfRows(page, rows, state.x, state.y, feature, inHeld);
  const [x, y] = [axisOf(state.x), axisOf(state.y)];
  const [ex, ey] = [borders(x), borders(y)];
  const span = (edges) => [Math.min(edges[0], edges.at(-1)), Math.max(edges[0], edges.at(-1))];
  plots.map.begin(span(ex), span(ey), labelOf(state.x), labelOf(state.y), { xText: tickTextOf(x), yText: tickTextOf(y), xLog: x.log, yLog: y.log });
  drawBins(plane, ex, ey, colouring(feature, page.ranges[feature.name]));
  drawSelected();
  plots.map.table = () => tableOfMap(feature);
  const missing = plane.values.some(Number.isNaN);
  colourKey(byId("key"), feature, page.ranges[feature.name], missing ? whyMissing(feature) : "");
}

// Every bin as a rectangle from pixel to pixel, so that no seams show between them.
function drawBins({ n, m, values }, ex, ey, colourOf) {
  plots.map.inside((c) => {
    const { box } = plots.map;
    c.fillStyle = colour("--line"); // where no row has a value
    c.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    const [px, py] = [ex.map((u) => Math.round(plots.map.px(u))), ey.map((u) => Math.round(plots.map.py(u)))];
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < n; i++) {
        const fill = colourOf(values[j * n + i]);
        if (!fill) continue;
        c.fillStyle = fill;
        c.fillRect(Math.min(px[i], px[i + 1]), Math.min(py[j], py[j + 1]), Math.abs(px[i + 1] - px[i]), Math.abs(py[j + 1] - py[j]));
      }
    }
  });
}

// What a bin shows where several rows lie in it, and where the other axes are.
function joined(feature) {
  const whole = others().filter((name) => state[`o.${name}`] < 0);
  const fixed = others().filter((name) => state[`o.${name}`] >= 0);
  const at = fixed.map((name) => `${name} ${heldText(name)} ${unitText(axisOf(name).unit)}`.trim());
  const of = isNumber(feature) ? "Mean" : "Most frequent class";
  const over = whole.length ? `${of} over ${whole.join(", ")}${page.is_grid ? "" : " in each bin"}` : "";
  const text = [over, at.length ? `at ${at.join(", ")}` : ""].filter(Boolean).join(", ");
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "";
}

// The value of an axis at its slider; of a sample, from where to where rows are taken.
function heldText(name) {
  const [axis, bin] = [axisOf(name), state[`o.${name}`]];
  if (page.is_grid) return nameOfBin(axis, bin) || `= ${plain(axis.centres[bin])}`;
  const [low, high] = heldBetween(axis, bin).map((u) => unscaled(axis, u)).sort((a, b) => a - b);
  return `from ${plain(low)} to ${plain(high)}`;
}

// Why bins may be grey.
function whyMissing(feature) {
  const explained = ["reason", "analysis_status", "status"].filter((name) => name in features && name !== feature.name);
  return explained.length ? `no value (colour by ${spoken(explained[0])} for why)` : "no value";
}

function tableOfMap(feature) {
  const [x, y] = [axisOf(state.x), axisOf(state.y)];
  const at = Array.from({ length: plane.n * plane.m }, (_, k) => [k % plane.n, Math.floor(k / plane.n)]);
  const xs = at.map(([i]) => x.centres[i]);
  const values = Array.from(plane.values, (v) => (isNumber(feature) || Number.isNaN(v) ? v : feature.codes[v]));
  const xName = labelOf(state.x);
  return [{ xName, xs, name: labelOf(state.y), ys: at.map(([, j]) => y.centres[j]) },
    { xName, xs, name: withUnit(feature.name, feature.unit), ys: values }];
}

// The only axis: the feature itself goes up.
function drawLine(feature) {
  const axis = axisOf(state.x);
  const { n, values: all } = planeOfTable(page, state.x, state.x, feature, {});
  const values = all.subarray(0, n);
  const xs = axis.centres.map((v) => scaled(axis, v));
  const texts = { xText: tickTextOf(axis), xLog: axis.log };
  if (!isNumber(feature)) texts.yText = (v) => spoken(feature.codes[v] || "");
  plots.map.begin(extent([xs]), extent([values]), labelOf(state.x), isNumber(feature) ? withUnit(spoken(feature.name), feature.unit) : "", texts);
  plots.map.line(xs, values, colour("--c0"));
  plots.map.table = () => [{ xName: labelOf(state.x), xs: axis.centres, name: withUnit(feature.name, feature.unit), ys: values }];
  values.forEach((v, k) => plots.map.point(xs[k], v, colour("--c0"), 2.5));
  if (state.row >= 0) plots.map.line([rowAt(state.x), rowAt(state.x)], plots.map.y, colour("--c1"));
}

// Rows that brushes select, as dots; the simulated row as a ring.
function drawSelected() {
  const { map } = plots;
  if (Object.keys(brushes).length) {
    map.inside((c) => {
      c.fillStyle = colour("--text");
      c.strokeStyle = colour("--back");
      c.lineWidth = 1;
      let shown = 0;
      for (let k = 0; k < rows.number.length && shown < 600; k++) {
        if (!parallel.passes(k) || !inHeld(k)) continue;
        shown += 1;
        c.beginPath();
        c.arc(map.px(scaled(axisOf(state.x), rows.columns[state.x][k])), map.py(scaled(axisOf(state.y), rows.columns[state.y][k])), 2.2, 0, 2 * Math.PI);
        c.fill();
        c.stroke();
      }
    });
  }
  if (state.row < 0) return;
  const [x, y] = [rowAt(state.x), rowAt(state.y)];
  map.inside((c) => {
    for (const [stroke, width] of [[colour("--back"), 5], [colour("--c1"), 2.5]]) {
      c.strokeStyle = stroke;
      c.lineWidth = width;
      c.beginPath();
      c.arc(map.px(x), map.py(y), 8, 0, 2 * Math.PI);
      c.stroke();
    }
  });
}

// The row of the grid in the bins at (x, y) and where the sliders are; of a sample the nearest one.
function rowNear(ux, uy) {
  const bin = (name, u) => {
    const at = axisOf(name).centres.map((v) => Math.abs(scaled(axisOf(name), v) - u));
    return at.indexOf(Math.min(...at));
  };
  if (page.is_grid) {
    const chosen = { ...held(), [state.x]: bin(state.x, ux), ...(state.y ? { [state.y]: bin(state.y, uy) } : {}) };
    return page.grid.reduce((row, [grid, n]) => {
      const axis = page.axes.find((a) => a.grid === grid);
      if (!axis) return row * n;
      const k = chosen[axis.name] < 0 ? Math.floor(axis.centres.length / 2) : chosen[axis.name];
      return row * n + Math.min(n - 1, k * axis.stride + Math.floor(axis.stride / 2));
    }, 0);
  }
  const wide = (range) => range[1] - range[0] || 1;
  let best = -1;
  let least = Infinity;
  for (let k = 0; k < rows.number.length; k++) {
    if (!inHeld(k) || !parallel.passes(k)) continue;
    const dx = (scaled(axisOf(state.x), rows.columns[state.x][k]) - ux) / wide(plots.map.x);
    const dy = state.y ? (scaled(axisOf(state.y), rows.columns[state.y][k]) - uy) / wide(plots.map.y) : 0;
    if (dx * dx + dy * dy < least) [best, least] = [rows.number[k], dx * dx + dy * dy];
  }
  return best;
}
