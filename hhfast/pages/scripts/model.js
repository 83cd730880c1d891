// The page of a model: its state, which the link holds, and the run that follows from it.
const SLOW = 24; // ms: a run that takes longer is computed beside the page
const PATIENCE = 250; // ms: the first run, too, if it takes longer than this
const SAMPLE = 50; // the share of a run by which its time is estimated
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
  byId("panel-V").classList.remove("waiting");
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

// The first run: beside the page, if it would keep the page from answering.
function firstRun() {
  if (!runner.works || estimate() < PATIENCE) {
    recompute();
    return;
  }
  byId("status").textContent = "Computing …";
  ask(false);
}

// How long a run will take (ms), by the beginning of one; its second time, when the browser has compiled the kernel.
function estimate() {
  const { start, t_stop, settle, ...cell } = question(false);
  const short = { ...cell, start: "model", t_stop: t_stop / SAMPLE };
  const [, { took }] = [wholeRun(page, short), wholeRun(page, short)];
  return took * SAMPLE * (start === "rest" ? 1 + settle / t_stop : 1);
}

// Asks for a run beside the page; until it is there, plots are faint.
function ask(coarse) {
  byId("panel-V").classList.add("waiting");
  runner.ask(question(coarse));
}

// What a slider moved: at once if that is quick; else beside the page, roughly first and accurately when it rests.
const update = oncePerFrame(() => {
  if (cost < SLOW || !runner.works) {
    recompute();
    return;
  }
  ask(true);
  clearTimeout(refining);
  refining = setTimeout(() => ask(false), 250);
});
