// The page of a model: its sliders, what follows from them, presets, and the link.
const page = pageData();
const initial = {
  preset: "", t: page.t_stop, start: page.start, y: page.plane, at: 0.4,
  ...Object.fromEntries(page.parameters.map(({ name, value }) => [`p.${name}`, value])),
  ...Object.fromEntries(page.currents.map(({ name, value }) => [`s.${name}`, value])),
};
const presetOf = (name) => page.presets.find((preset) => preset.name === name);
const state = linked();
const sliders = {};
const value = (name) => state[`p.${name}`];
const traces = new TracePlots(page, value);
const plane = new Plot(byId("plot-phase"), 300);
const gating = { inf: new Plot(byId("plot-inf"), 190), tau: new Plot(byId("plot-tau"), 190) };
const fi = new FICurve(page, new Plot(byId("plot-fi"), 300), byId("note-fi"));
let run = null;
let settled = { key: "", states: null };

const parametersNow = () => Float64Array.from(page.parameters, ({ name }) => value(name));
const stimulusNow = () => Object.fromEntries(page.currents.map(({ name }) => [name, state[`s.${name}`]]));

// The state that a link begins with: a preset's, if it names one.
function baseOf(name) {
  const preset = presetOf(name);
  return preset ? { ...initial, ...preset.state } : initial;
}

function linked() {
  const { preset } = readLink(initial);
  return { ...readLink(baseOf(preset)), preset: presetOf(preset) ? preset : "" };
}

const remember = () => writeLink(state, baseOf(state.preset));

function still(stimulus) {
  return Object.fromEntries(Object.entries(stimulus).map(([name, x]) => [name, name.endsWith("amplitude") ? 0 : x]));
}

// Where the run begins: as the model says, or after a time without current.
function beginning(parameters) {
  const given = initialStates(page, parameters);
  if (state.start !== "rest") return given;
  const key = parameters.join(" ");
  if (settled.key !== key) {
    const t_stop = page.settle;
    const rest = simulate(page, { parameters, stimulus: still(stimulusNow()), t_stop, every: t_stop, initial: given });
    settled = { key, states: rest.states };
  }
  return settled.states;
}

function recompute() {
  const parameters = parametersNow();
  const before = performance.now();
  const begin = beginning(parameters);
  const t_stop = Math.max(state.t, 1);
  run = simulate(page, { parameters, stimulus: stimulusNow(), t_stop, every: samplingInterval(page, t_stop), initial: begin });
  run.took = performance.now() - before;
  run.parameters = parameters;
  drawRun();
  fi.ask({ parameters, stimulus: stimulusNow(), initial: begin, low: page.fi_range[0], high: page.fi_range[1] });
  say();
  remember();
}

const sample = () => Math.min(run.time.length - 1, Math.max(0, Math.round(state.at * (run.time.length - 1))));

function drawRun() {
  const at = sample();
  traces.draw(run, run.time[at]);
  drawRest();
  byId("cursor").value = Math.round(1000 * state.at);
  byId("cursor").setAttribute("aria-valuetext", `${plain(run.time[at])} ms`);
}

// The other plots follow when there is time, while a slider moves some times a second.
let rest = null;
let restDrawn = 0;
function drawRest() {
  const draw = () => {
    rest = null;
    const at = sample();
    traces.drawInside(run, run.time[at]);
    if (page.planes.length) drawPhase(plane, page, run.parameters, run, state.y, at);
    drawGating(gating, page, run.parameters, extent([run.traces.V, page.potential_range], 1, 0));
    restDrawn = performance.now();
  };
  if (rest === null) rest = setTimeout(draw, Math.max(0, 140 - (performance.now() - restDrawn)));
}

function say() {
  const place = byId("status");
  place.classList.toggle("problem", Boolean(run.failure));
  const n = run.spikes.length;
  const last = n > 1 ? `, the last interval ${plain(run.spikes[n - 1] - run.spikes[n - 2])} ms` : "";
  const first = n ? `, the first at ${plain(run.spikes[0], 5)} ms` : "";
  place.textContent = run.failure || `${n} ${n === 1 ? "spike" : "spikes"}${first}${last}`;
  byId("plot-V").setAttribute("aria-label", `Membrane potential against time: ${place.textContent}`);
}

const update = oncePerFrame(recompute);
const redraw = oncePerFrame(drawRun);

function set(name, x) {
  state[name] = x;
  state.preset = "";
  showPreset();
  update();
}

function buildSliders() {
  const make = (prefix, { name, label, unit, low, high }, begin) => {
    const key = `${prefix}.${name}`;
    sliders[key] = slider({ name: key, label: label || name, unit, value: begin, low, high, changed: (x) => set(key, x) });
    if (state[key] !== begin) sliders[key].show(state[key]);
    return sliders[key].whole;
  };
  byId("stimulus").append(...page.currents.map((item) => make("s", item, item.value)));
  byId("parameters").append(...page.parameters.map((item) => make("p", item, item.value)));
  sliders.t = slider({ name: "t", label: "duration", unit: "ms", value: initial.t, low: Math.min(10, initial.t / 10),
    high: initial.t * 5, changed: (x) => set("t", Math.max(x, 1)) });
  sliders.t.show(state.t);
  byId("stimulus").append(sliders.t.whole);
}

function showAll() {
  for (const [name, made] of Object.entries(sliders)) made.show(state[name]);
  byId("start").value = state.start;
  if (page.planes.length) byId("plane").value = state.y;
  showPreset();
}

function showPreset() {
  const preset = presetOf(state.preset);
  byId("sentence").textContent = preset ? preset.sentence : "";
  for (const button of byId("presets").children) {
    button.setAttribute("aria-pressed", String(button.textContent === state.preset));
  }
}

function apply(preset) {
  Object.assign(state, baseOf(preset.name), { y: state.y, preset: preset.name });
  showAll();
  update();
}

function buildPresets() {
  byId("presets").append(...page.presets.map((preset) => {
    const button = element("button", { type: "button", textContent: preset.name, "aria-pressed": "false" });
    button.addEventListener("click", () => apply(preset));
    return button;
  }));
}

// The point runs through the whole run in some seconds, as often as asked.
function play(button) {
  let last = null;
  const turn = (now) => {
    if (button.getAttribute("aria-pressed") !== "true") return;
    if (last !== null) state.at += (now - last) / 8000;
    last = now;
    if (state.at >= 1) state.at = 0;
    drawRun();
    requestAnimationFrame(turn);
  };
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Stop" : "Play";
    last = null;
    if (on) requestAnimationFrame(turn);
    else remember();
  });
}

function pointAt(event) {
  const { plots: { V } } = traces;
  const x = event.clientX - V.canvas.getBoundingClientRect().left;
  state.at = Math.min(1, Math.max(0, V.valueX(x) / run.time[run.time.length - 1]));
  redraw();
}

function begin() {
  document.title = `${page.name}: hhfast explore`;
  byId("title").textContent = page.title || page.name;
  byId("subtitle").textContent = [page.title ? page.name : "", page.citation].filter(Boolean).join(" · ");
  byId("about").textContent = page.about;
  buildSliders();
  buildPresets();
  const choose = byId("plane");
  choose.append(...page.planes.map((name) => element("option", { value: name, textContent: name })));
  if (!page.planes.includes(state.y)) state.y = initial.y;
  byId("panel-phase").hidden = !page.planes.length;
  byId("panel-gating").hidden = !page.gating.length;
  if (!["rest", "model"].includes(state.start)) state.start = initial.start;
  state.at = Math.min(1, Math.max(0, state.at));
  showAll();
  choose.addEventListener("change", () => { state.y = choose.value; remember(); redraw(); });
  byId("start").addEventListener("change", (event) => set("start", event.target.value));
  byId("cursor").addEventListener("input", (event) => { state.at = event.target.value / 1000; redraw(); });
  byId("cursor").addEventListener("change", () => remember());
  byId("plot-V").addEventListener("pointerdown", pointAt);
  byId("plot-V").addEventListener("pointermove", (event) => event.buttons && pointAt(event));
  byId("reset").addEventListener("click", () => {
    Object.assign(state, initial, { y: state.y });
    showAll();
    set("t", initial.t);
  });
  play(byId("play"));
  copyButton(byId("copy"));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) update();
    width = innerWidth;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
  addEventListener("hashchange", () => { Object.assign(state, linked()); showAll(); update(); });
  recompute();
}

begin();
