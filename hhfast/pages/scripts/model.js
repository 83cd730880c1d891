// The page of a model: its sliders, what follows from them, presets, what is held to compare with, and the link.
const SLOW = 24; // ms: a run that takes longer is computed beside the page
const page = pageData();
const initial = {
  preset: "", t: page.t_stop, start: page.start, y: page.plane, at: 0.4,
  ...Object.fromEntries(page.parameters.map(({ name, value }) => [`p.${name}`, value])),
  ...Object.fromEntries(page.currents.map(({ name, value }) => [`s.${name}`, value])),
};
const presets = new Presets(page, apply);
const state = linked();
const sliders = {};
const traces = new TracePlots(page);
const plane = new Plot(byId("plot-phase"), 300);
const gating = { inf: new Plot(byId("plot-inf"), 190), tau: new Plot(byId("plot-tau"), 190) };
const fi = new RateCurve(page, new Plot(byId("plot-fi"), 300), byId("note-fi"));
const runner = new Runner(page, take);
let run = null;
let cost = 0; // ms, of the last accurate run
let rest = { key: "", states: null };
let held = null; // { run, state }: a run to compare with
let refining = null;

const parametersNow = () => Float64Array.from(page.parameters, ({ name }) => state[`p.${name}`]);
const stimulusNow = () => Object.fromEntries(page.currents.map(({ name }) => [name, state[`s.${name}`]]));

// The state that a link begins with: a preset's, if it names one.
function baseOf(name) {
  const preset = presets.named(name);
  return preset ? { ...initial, ...preset.state } : initial;
}

function linked() {
  const { preset } = readLink(initial);
  return { ...readLink(baseOf(preset)), preset: presets.named(preset) ? preset : "" };
}

const remember = () => writeLink(state, baseOf(state.preset));

// --- runs ---
function question(coarse) {
  const parameters = parametersNow();
  const known = rest.key === parameters.join(" ") ? rest.states : null;
  return { parameters, stimulus: stimulusNow(), t_stop: Math.max(state.t, 1), start: state.start, settle: page.settle, rest: known, coarse };
}

function recompute() {
  clearTimeout(refining);
  runner.forget();
  take(wholeRun(page, question(false)));
}

function take(found) {
  run = found;
  if (!run.coarse) {
    cost = run.took;
    if (run.start === "rest") rest = { key: run.parameters.join(" "), states: run.initial };
  }
  drawRun();
  fi.ask({ parameters: run.parameters, stimulus: run.stimulus, initial: run.initial, low: page.fi_range[0], high: page.fi_range[1] });
  say();
  remember();
  tell();
}

// What a slider moved: at once if that is quick; else beside the page, roughly first and accurately when it rests.
const update = oncePerFrame(() => {
  if (cost < SLOW || !runner.works) {
    recompute();
    return;
  }
  runner.ask(question(true));
  clearTimeout(refining);
  refining = setTimeout(() => runner.ask(question(false)), 250);
});

// --- drawing ---
const sample = () => Math.min(run.time.length - 1, Math.max(0, Math.round(state.at * (run.time.length - 1))));

function drawRun() {
  const at = sample();
  traces.draw(run, run.time[at], comparison());
  drawRest();
  byId("cursor").value = Math.round(1000 * state.at);
  byId("cursor").setAttribute("aria-valuetext", `${plain(run.time[at])} ms`);
}

// The other plots follow when there is time, while a slider moves some times a second.
let resting = null;
let restDrawn = 0;
function drawRest() {
  const draw = () => {
    resting = null;
    const at = sample();
    traces.drawInside(run, run.time[at]);
    if (page.planes.length) drawPhase(plane, page, run, state.y, at, comparison());
    if (page.gating.length) drawGating(gating, page, run, extent([run.traces.V, page.potential_range], 1, 0));
    restDrawn = performance.now();
  };
  if (resting === null) resting = setTimeout(draw, Math.max(0, 140 - (performance.now() - restDrawn)));
}

// The run that is held, and in what it differs from what is now.
function comparison() {
  if (!held) return null;
  const names = Object.keys(sliders).filter((name) => held.state[name] !== state[name]);
  const all = names.map((name) => `${sliders[name].label} = ${plain(held.state[name])}`);
  const shown = all.length > 4 ? [...all.slice(0, 3), `${all.length - 3} more`] : all;
  return { run: held.run, text: shown.length ? `held: ${shown.join(", ")}` : "held" };
}

// What is wrong with the parameters, beside their sliders; the first of it.
function wrongParameters() {
  const wrong = page.guards.conductances.filter((name) => state[`p.${name}`] < 0);
  for (const { name } of page.parameters) sliders[`p.${name}`].complain(wrong.includes(name) ? "cannot be negative" : "");
  return wrong.length ? `${wrong.join(", ")}: a conductance cannot be negative.` : "";
}

function say() {
  const place = byId("status");
  place.classList.toggle("problem", Boolean(run.failure));
  const n = run.spikes.length;
  const last = n > 1 ? `, the last interval ${plain(run.spikes[n - 1] - run.spikes[n - 2])} ms` : "";
  const first = n ? `, the first at ${plain(run.spikes[0], 5)} ms` : "";
  place.textContent = wrongParameters() || run.failure || `${n} ${n === 1 ? "spike" : "spikes"}${first}${last}`;
  byId("plot-V").setAttribute("aria-label", `Membrane potential against time: ${place.textContent}`);
}

// What is on the screen, as text to take away.
const WRITERS = { python: pythonOf, command: commandOf, sweep: sweepFileOf };
function tell() {
  if (byId("away").open) byId("code").textContent = WRITERS[byId("language").value](page, state);
}

const redraw = oncePerFrame(drawRun);

// --- what a reader moves ---
function set(name, x) {
  state[name] = x;
  state.preset = "";
  presets.show("");
  update();
}

function buildSliders() {
  const make = (prefix, { name, label = name, unit, low, high, value }) => {
    const key = `${prefix}.${name}`;
    sliders[key] = slider({ name: key, label, unit, value, low, high, changed: (x) => set(key, x) });
    if (state[key] !== value) sliders[key].show(state[key]);
    return sliders[key].whole;
  };
  byId("stimulus").append(...page.currents.map((item) => make("s", item)));
  byId("parameters").append(...page.parameters.map((item) => make("p", item)));
  sliders.t = slider({ name: "t", label: "duration", unit: "ms", value: initial.t, low: Math.min(10, initial.t / 10),
    high: initial.t * 5, changed: (x) => set("t", Math.max(x, 1)) });
  sliders.t.show(state.t);
  byId("stimulus").append(sliders.t.whole);
}

function showAll() {
  for (const [name, made] of Object.entries(sliders)) made.show(state[name]);
  byId("start").value = state.start;
  if (page.planes.length) byId("plane").value = state.y;
  presets.show(state.preset);
}

function apply(preset) {
  Object.assign(state, baseOf(preset.name), { y: state.y, preset: preset.name });
  showAll();
  update();
}

// The point runs through the whole run in some seconds, as often as asked.
function play(button) {
  let playing = false;
  let last = null;
  const turn = (now) => {
    if (!playing) return;
    if (last !== null) state.at += (now - last) / 8000;
    last = now;
    if (state.at >= 1) state.at = 0;
    drawRun();
    requestAnimationFrame(turn);
  };
  button.addEventListener("click", () => {
    playing = !playing;
    button.textContent = playing ? "Stop" : "Play";
    last = null;
    if (playing) requestAnimationFrame(turn);
    else remember();
  });
}

function hold(button) {
  button.addEventListener("click", () => {
    held = held ? null : { run, state: { ...state } };
    button.setAttribute("aria-pressed", String(Boolean(held)));
    fi.hold(Boolean(held));
    drawRun();
  });
}

function pointAt(event) {
  const { plots: { V } } = traces;
  const x = event.clientX - V.canvas.getBoundingClientRect().left;
  state.at = Math.min(1, Math.max(0, V.valueX(x) / run.t_stop));
  redraw();
}

function listen() {
  const choose = byId("plane");
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
  hold(byId("hold"));
  copyLinkButton(byId("copy"));
  copyButton(byId("copy-code"), () => byId("code").textContent, "Please mark and copy it");
  byId("away").addEventListener("toggle", tell);
  byId("language").addEventListener("change", tell);
  byId("save-model").addEventListener("click", () => download(page.reference.file, [page.reference.text], "text/plain"));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) redrawAll();
    width = innerWidth;
  });
  whenColoursChange(redrawAll);
  addEventListener("hashchange", () => { Object.assign(state, linked()); showAll(); update(); });
}

function redrawAll() {
  restDrawn = -Infinity;
  drawRun();
  fi.drawNow();
}

function begin() {
  document.title = `${page.title || page.name}: hhfast explore`;
  byId("title").textContent = page.title || page.name;
  byId("subtitle").textContent = [page.title ? page.name : "", page.citation].filter(Boolean).join(" · ");
  byId("about").textContent = page.about;
  if (page.occupancies) byId("title-gates").textContent = page.occupancies;
  buildSliders();
  byId("plane").append(...page.planes.map((name) => element("option", { value: name, textContent: name })));
  if (!page.planes.includes(state.y)) state.y = initial.y;
  byId("panel-phase").hidden = !page.planes.length;
  byId("panel-gating").hidden = !page.gating.length;
  if (!["rest", "model"].includes(state.start)) state.start = initial.start;
  state.at = Math.min(1, Math.max(0, state.at));
  showAll();
  addSaving(page.name);
  listen();
  recompute();
}

begin();
