// What a reader moves: sliders, presets, the point in time; and the beginning of it all.
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
    if (!run) return;
    held = held ? null : { run, state: { ...state } };
    button.setAttribute("aria-pressed", String(Boolean(held)));
    fi.hold(Boolean(held));
    drawRun();
  });
}

function pointAt(event) {
  if (!run) return;
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
  firstRun();
}

begin();
