// What a run looks like: its plots, what it is compared with, and what is said of it.
const sample = () => Math.min(run.time.length - 1, Math.max(0, Math.round(state.at * (run.time.length - 1))));

function drawRun() {
  if (!run) return;
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
