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
// Of an axis of initial states, the state of a bin.
const nameOfBin = (axis, bin) => (axis.names && axis.names[bin]) || "";
const others = () => names.filter((name) => name !== state.x && name !== state.y);
const held = () => Object.fromEntries(names.map((name) => [name, state[`o.${name}`]]));
const isHeld = () => others().some((name) => state[`o.${name}`] >= 0);

function drawParallel() {
  const feature = features[state.value];
  const colourOf = colouring(feature, page.ranges[feature.name]);
  parallel.draw((k) => colourOf(rows.columns[feature.name][k]));
  const n = rows.number.length;
  parallel.canvas.setAttribute("aria-label", `Parallel coordinates of rows over ${parallel.axes.map(({ name }) => name).join(", ")}`);
  byId("drawn").textContent = `${Math.min(n, MOST_LINES).toLocaleString("en")} of ${page.n_rows.toLocaleString("en")} rows are drawn.`;
  const part = n < page.n_rows ? ` of the ${n.toLocaleString("en")} rows in this page` : "";
  byId("selection").textContent = Object.keys(brushes).length ? `${parallel.selected.toLocaleString("en")} rows selected${part}` : "";
}

// --- what a reader moves ---
const redraw = oncePerFrame(() => {
  drawMap();
  drawParallel();
  tell();
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
      shown.textContent = bin < 0 ? "all" : nameOfBin(axis, bin) || `${plain(axis.centres[bin])} ${unitText(axis.unit)}`;
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
    const unit = unitText(axisOf(name) ? axisOf(name).unit : features[name].unit);
    return element("div", { className: "brush" }, element("span", {}, name, " ", element("span", { className: "unit" }, unit)), ...boxes);
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
  document.title = `${page.title || page.name}: hhfast explore`;
  byId("title").textContent = page.title || page.name;
  byId("subtitle").textContent = `${page.name} · ${page.n_rows.toLocaleString("en")} rows over ${names.join(", ")}`;
  byId("about").textContent = page.about;
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
  copyLinkButton(byId("copy"));
  copyButton(byId("copy-code"), commands, "Please mark and copy it");
  addSaving(page.name.replace(/\.[^.]*$/, ""));
  byId("plot-map").addEventListener("click", onMap);
  byId("plot-map").addEventListener("keydown", onKey);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) { redraw(); drawRun(); }
    width = innerWidth;
  });
  whenColoursChange(() => { drawMap(); drawParallel(); drawRun(); });
  drawRun();
  simulateRow();
  brushesChanged();
  document.body.dataset.ready = "yes";
}

begin();
