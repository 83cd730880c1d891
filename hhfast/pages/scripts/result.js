// The page of a result: a map of one feature over two axes, sliders for the others, brushes, and any row simulated.
const page = pageData();
const axisOf = (name) => page.axes.find((axis) => axis.name === name);
const features = Object.fromEntries(page.features.map((feature) => [feature.name, feature]));
const names = page.axes.map(({ name }) => name);
const initial = {
  value: page.first, x: names[0], y: names[1] || "", row: -1,
  ...Object.fromEntries(page.axes.map(({ name, centres }) => [`o.${name}`, page.is_grid ? Math.floor(centres.length / 2) : -1])),
  ...Object.fromEntries([...names, ...Object.keys(features)].map((name) => [`b.${name}`, ""])),
};
const state = readLink(initial);
const plots = { map: new Plot(byId("plot-map"), 400), V: new Plot(byId("plot-V"), 230), I: new Plot(byId("plot-I"), 84), end: new Plot(byId("plot-end"), 160) };
let rows = null;
let parallel = null;
let plane = null;
let run = null;
const brushes = {};

const scaled = (axis, v) => (axis.log ? Math.log10(v) : v);
const unscaled = (axis, u) => (axis.log ? 10 ** u : u);
const others = () => names.filter((name) => name !== state.x && name !== state.y);
const held = () => Object.fromEntries(names.map((name) => [name, state[`o.${name}`]]));
const isHeld = () => others().some((name) => state[`o.${name}`] >= 0);

// Where bins begin and end, on the scale of the map.
function borders(axis) {
  const at = axis.centres.map((v) => scaled(axis, v));
  if (at.length === 1) return [at[0] - 0.5, at[0] + 0.5];
  const between = at.slice(1).map((v, k) => (v + at[k]) / 2);
  return [2 * at[0] - between[0], ...between, 2 * at[at.length - 1] - between[between.length - 1]];
}

// Whether a row of the page lies in the bins that the sliders hold.
function inHeld(k) {
  return others().every((name) => {
    const bin = state[`o.${name}`];
    if (bin < 0) return true;
    const axis = axisOf(name);
    const edges = axis.edges || (axis.edges = borders(axis));
    const v = scaled(axis, rows.columns[name][k]);
    return (v - edges[bin]) * (v - edges[bin + 1]) <= 0;
  });
}

// The range of colours is that of the whole result, so that it does not change while sliders move.
function colourRange(feature) {
  const { low, high } = page.ranges[feature.name];
  return [low, high];
}

function drawMap() {
  const feature = features[state.value];
  const [low, high] = colourRange(feature);
  const label = (name) => withUnit(name, axisOf(name).unit);
  byId("map-title").textContent = `${withUnit(feature.name.replaceAll("_", " "), feature.unit)}`;
  if (!state.y) {
    drawLine(feature, label(state.x));
    return;
  }
  const tabled = page.is_grid || !isHeld();
  plane = tabled ? planeOfTable(page, state.x, state.y, feature, page.is_grid ? held() : {})
    : planeOfRows(page, rows, state.x, state.y, feature, inHeld);
  const [x, y] = [axisOf(state.x), axisOf(state.y)];
  const [ex, ey] = [borders(x), borders(y)];
  const text = (axis) => (axis.log ? (u) => plain(10 ** u, 2) : null);
  const span = (edges) => [Math.min(edges[0], edges.at(-1)), Math.max(edges[0], edges.at(-1))];
  plots.map.begin(span(ex), span(ey), label(state.x), label(state.y), { xText: text(x), yText: text(y) });
  const colourOf = colouring(feature, low, high);
  plots.map.inside((c) => {
    c.fillStyle = colour("--line"); // where no row has a value
    c.fillRect(0, 0, plots.map.canvas.clientWidth, plots.map.height);
    for (let j = 0; j < plane.m; j++) {
      for (let i = 0; i < plane.n; i++) {
        const fill = colourOf(plane.values[j * plane.n + i]);
        if (!fill) continue;
        c.fillStyle = fill;
        const [x0, x1] = [plots.map.px(ex[i]), plots.map.px(ex[i + 1])];
        const [y0, y1] = [plots.map.py(ey[j + 1]), plots.map.py(ey[j])];
        c.fillRect(Math.min(x0, x1) - 0.3, Math.min(y0, y1) - 0.3, Math.abs(x1 - x0) + 0.6, Math.abs(y1 - y0) + 0.6);
      }
    }
  });
  drawSelected();
  colourKey(byId("key"), feature, low, high, plane.values.some(Number.isNaN));
}

// The only axis: the feature itself goes up.
function drawLine(feature, label) {
  const axis = axisOf(state.x);
  const { n, values: all } = planeOfTable(page, state.x, state.x, feature, {});
  const values = all.subarray(0, n);
  const xs = axis.centres.map((v) => scaled(axis, v));
  plots.map.begin(extent([xs]), extent([values]), label, withUnit(feature.name, feature.unit), axis.log ? { xText: (u) => plain(10 ** u, 2) } : {});
  plots.map.line(xs, values, colour("--c0"));
  values.forEach((v, k) => plots.map.point(xs[k], v, colour("--c0"), 2.5));
  if (state.row >= 0) plots.map.line([rowAt(state.x), rowAt(state.x)], plots.map.y, colour("--c1"));
}

const rowValue = (name) => {
  if (page.is_grid) return parameterOfRow(page, state.row, name);
  const k = rows.number.indexOf(state.row);
  return k < 0 ? NaN : rows.columns[name][k];
};
const rowAt = (name) => scaled(axisOf(name), rowValue(name));

// Rows that brushes select, as dots; the simulated row as a ring.
function drawSelected() {
  const c = plots.map.context;
  if (Object.keys(brushes).length) {
    plots.map.inside(() => {
      c.fillStyle = colour("--text");
      c.strokeStyle = colour("--back");
      let shown = 0;
      for (let k = 0; k < rows.number.length && shown < 600; k++) {
        if (!parallel.passes(k) || !inHeld(k)) continue;
        shown += 1;
        c.beginPath();
        c.arc(plots.map.px(scaled(axisOf(state.x), rows.columns[state.x][k])),
          plots.map.py(scaled(axisOf(state.y), rows.columns[state.y][k])), 2.2, 0, 2 * Math.PI);
        c.fill();
        c.stroke();
      }
    });
  }
  if (state.row < 0) return;
  const [px, py] = [plots.map.px(rowAt(state.x)), plots.map.py(rowAt(state.y))];
  for (const [stroke, width] of [[colour("--back"), 5], [colour("--c1"), 2.5]]) {
    c.strokeStyle = stroke;
    c.lineWidth = width;
    c.beginPath();
    c.arc(px, py, 8, 0, 2 * Math.PI);
    c.stroke();
  }
}

function drawParallel() {
  const feature = features[state.value];
  const colourOf = colouring(feature, ...colourRange(feature));
  parallel.draw((k) => colourOf(rows.columns[feature.name][k]));
  const n = rows.number.length;
  byId("drawn").textContent = `${Math.min(n, MOST_LINES).toLocaleString("en")} of ${page.n_rows.toLocaleString("en")} rows are drawn.`;
  const part = n < page.n_rows ? ` of the ${n.toLocaleString("en")} rows in this page` : "";
  byId("selection").textContent = Object.keys(brushes).length ? `${parallel.selected.toLocaleString("en")} rows selected${part}` : "";
}

// --- one row ---
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

// Parameters and current of the row that is chosen, as the kernel takes them.
function givenOfRow(sim) {
  const parameters = { ...sim.parameters };
  const stimulus = { ...sim.current };
  for (const [name, value] of Object.entries(stimulus)) {
    if (value === null) stimulus[name] = name.endsWith(".cell") ? state.row : Infinity;
  }
  for (const name of Object.keys(page.units)) {
    const prefix = Object.keys(sim.prefixes).find((p) => name.startsWith(p));
    if (prefix) stimulus[sim.prefixes[prefix] + name.slice(prefix.length)] = rowValue(name);
    else parameters[name] = rowValue(name);
  }
  return { parameters: Float64Array.from(Object.values(parameters)), stimulus };
}

function simulateRow() {
  const sim = page.simulation;
  if (state.row < 0) return;
  const at = Object.keys(page.units).map((name) => `${name} = ${plain(rowValue(name), 5)}`).join(", ");
  const known = rows.number.indexOf(state.row);
  const has = page.features.filter(({ name }) => known >= 0 && !Number.isNaN(rows.columns[name][known]));
  const told = has.map(({ name, codes }) => {
    const v = rows.columns[name][known];
    return `${name.replaceAll("_", " ")} = ${(codes[v] || plain(v)).replaceAll("_", " ")}`;
  });
  const stored = told.length ? `; in the file ${told.join(", ")}` : "";
  byId("row").textContent = `row ${state.row}: ${at}${stored}`;
  if (!sim) return;
  const { parameters, stimulus } = givenOfRow(sim);
  const { t_stop } = sim;
  let initial = initialStates(sim, parameters);
  if (sim.settle) {
    const quiet = Object.fromEntries(Object.entries(stimulus).map(([name, v]) => [name, /amplitude|mean|sigma|offset|scale|\.g(_|$)/.test(name) ? 0 : v]));
    initial = simulate(sim, { parameters, stimulus: quiet, t_stop: sim.settle, every: sim.settle, initial }).states;
  }
  run = simulate(sim, { parameters, stimulus, t_stop, every: samplingInterval(sim, t_stop), initial });
  const found = run.failure || `${run.spikes.length} ${run.spikes.length === 1 ? "spike" : "spikes"}`;
  byId("row").textContent += `; simulated here: ${found}`;
  drawRun();
}

function drawRun() {
  if (!run) {
    plots.V.begin([0, 1], [-80, 40], "time (ms)", "mV");
    plots.V.say(page.simulation ? "choose a row on the map" : page.why_not);
    byId("plot-I").hidden = true;
    return;
  }
  byId("plot-I").hidden = false;
  drawPeriods();
  const t = [0, run.time[run.time.length - 1]];
  plots.V.begin(t, extent([run.traces.V], 1), "time (ms)", "mV");
  plots.V.line(run.time, run.traces.V, series(0));
  plots.I.begin(t, extent([run.traces.i_app], 1, 0.15), "", unitText(page.simulation.units.i_app));
  plots.I.line(run.time, run.traces.i_app, series(0));
}

// Of a row that the file says is periodic: its last periods, as a run to the end hides them.
function drawPeriods() {
  const known = rows.number.indexOf(state.row);
  const period = features.period && known >= 0 ? rows.columns.period[known] : NaN;
  const end = run.time[run.time.length - 1];
  const shown = 3 * period < 0.5 * end;
  byId("periods").hidden = !shown;
  if (!shown) return;
  const first = run.time.findIndex((t) => t >= end - 3 * period);
  plots.end.begin([end - 3 * period, end], extent([run.traces.V], 1), "time (ms)", "mV");
  plots.end.line(run.time.subarray(first), run.traces.V.subarray(first), series(0));
}

function choose(row) {
  if (row < 0) return;
  state.row = row;
  simulateRow();
  redrawMap();
}

// --- what a reader moves ---
const redraw = oncePerFrame(() => {
  drawMap();
  drawParallel();
  writeLink(state, initial);
});
const redrawMap = oncePerFrame(() => {
  drawMap();
  writeLink(state, initial);
});

function buildOthers() {
  const place = byId("others");
  place.parentElement.hidden = !others().length;
  place.replaceChildren(...others().map((name) => {
    const axis = axisOf(name);
    const id = `o-${name}`;
    const range = element("input", { type: "range", id, min: -1, max: axis.centres.length - 1, step: 1, value: state[`o.${name}`] });
    const shown = element("span", { className: "unit" });
    const show = () => {
      const bin = state[`o.${name}`];
      shown.textContent = bin < 0 ? "all" : `${plain(axis.centres[bin])} ${unitText(axis.unit)}`;
      range.setAttribute("aria-valuetext", shown.textContent);
    };
    range.addEventListener("input", () => {
      state[`o.${name}`] = Number(range.value);
      show();
      redrawMap();
    });
    show();
    return element("div", { className: "slider" }, element("label", { htmlFor: id }, name), shown, range);
  }));
}

function brushesChanged() {
  for (const name of [...names, ...Object.keys(features)]) {
    state[`b.${name}`] = brushes[name] ? brushes[name].map((v) => Number(v.toPrecision(6))).join(",") : "";
    const boxes = byId("brushes").querySelectorAll(`[data-name="${CSS.escape(name)}"]`);
    boxes.forEach((box, k) => { if (box !== document.activeElement) box.value = brushes[name] && Number.isFinite(brushes[name][k]) ? Number(brushes[name][k].toPrecision(6)) : ""; });
  }
  redraw();
}

function buildBrushes() {
  byId("brushes").append(...[...names, ...Object.keys(features)].map((name) => {
    const boxes = ["from", "to"].map((end) => {
      const box = element("input", { type: "number", step: "any", placeholder: end, "aria-label": `${name}, ${end}` });
      box.dataset.name = name;
      return box;
    });
    boxes.forEach((box) => box.addEventListener("input", () => {
      if (boxes.every(({ value }) => value === "")) delete brushes[name];
      else brushes[name] = boxes.map(({ value }, k) => (value === "" ? (k ? Infinity : -Infinity) : Number(value)));
      brushesChanged();
    }));
    return element("div", { className: "brush" }, element("span", {}, name), ...boxes);
  }));
}

function buildChoices() {
  const options = (place, all, chosen) => {
    place.replaceChildren(...all.map((name) => element("option", { value: name, textContent: name })));
    place.value = chosen;
  };
  options(byId("value"), Object.keys(features), state.value);
  options(byId("x"), names, state.x);
  options(byId("y"), names, state.y);
  byId("choice-y").hidden = names.length < 2;
  byId("value").addEventListener("change", (event) => { state.value = event.target.value; redraw(); });
  for (const [one, other] of [["x", "y"], ["y", "x"]]) {
    byId(one).addEventListener("change", (event) => {
      if (event.target.value === state[other]) state[other] = state[one]; // the two change places
      state[one] = event.target.value;
      byId(other).value = state[other];
      buildOthers();
      redraw();
    });
  }
}

function onMap(event) {
  const box = plots.map.canvas.getBoundingClientRect();
  choose(rowNear(plots.map.valueX(event.clientX - box.left), plots.map.valueY(event.clientY - box.top)));
}

// Arrow keys go from bin to bin.
function onKey(event) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [0, 0];
  if (!dx && !dy) return;
  event.preventDefault();
  const moved = (name, by) => {
    const axis = axisOf(name);
    const n = axis.centres.length;
    const at = axis.centres.map((v) => Math.abs(scaled(axis, v) - (state.row < 0 ? 0 : rowAt(name))));
    const now = state.row < 0 ? Math.floor(n / 2) : at.indexOf(Math.min(...at));
    return scaled(axis, axis.centres[Math.min(n - 1, Math.max(0, now + by))]);
  };
  choose(rowNear(moved(state.x, dx), state.y ? moved(state.y, dy) : 0));
}

function takeLink() {
  if (!Object.hasOwn(features, state.value)) state.value = initial.value;
  if (!names.includes(state.x)) state.x = initial.x;
  if (names.length < 2) state.y = "";
  else if (!names.includes(state.y) || state.y === state.x) state.y = names.find((name) => name !== state.x);
  for (const { name, centres } of page.axes) {
    const bin = Math.round(state[`o.${name}`]);
    state[`o.${name}`] = Math.min(centres.length - 1, Math.max(-1, bin));
  }
  for (const name of [...names, ...Object.keys(features)]) {
    const ends = state[`b.${name}`].split(",").map(Number);
    if (ends.length === 2 && ends.every((v) => !Number.isNaN(v)) && state[`b.${name}`]) brushes[name] = ends;
  }
  const known = page.is_grid ? state.row < page.n_rows : rows.number.includes(state.row);
  if (!Number.isInteger(state.row) || !known) state.row = -1;
}

async function begin() {
  document.title = `${page.name}: hhfast explore`;
  byId("title").textContent = page.title || page.name;
  byId("subtitle").textContent = `${page.name} · ${page.n_rows.toLocaleString("en")} rows over ${names.join(", ")}`;
  byId("about").textContent = page.about;
  byId("how").textContent = page.simulation ? page.simulation.how : page.why_not;
  await unpackedTables(page.tables);
  rows = await unpackedRows(page);
  takeLink();
  const axes = [...page.axes, ...page.features.filter(({ name }) => !["status", "reason"].includes(name)).map((f) => ({ ...f, log: false }))];
  parallel = new ParallelCoordinates(byId("plot-parallel"), axes.slice(0, 14), rows, brushes, brushesChanged);
  buildChoices();
  buildOthers();
  buildBrushes();
  byId("clear").addEventListener("click", () => {
    for (const name of Object.keys(brushes)) delete brushes[name];
    brushesChanged();
  });
  copyButton(byId("copy"));
  byId("plot-map").addEventListener("click", onMap);
  byId("plot-map").addEventListener("keydown", onKey);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) { redraw(); drawRun(); }
    width = innerWidth;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
  drawRun();
  simulateRow();
  brushesChanged();
  document.body.dataset.ready = "yes";
}

begin();
