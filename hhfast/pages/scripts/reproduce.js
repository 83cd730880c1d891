// What is on the screen, written down so that hhfast computes it again: in Python, as a command, as a sweep file.
// state: of the page, changed parameters only; numbers are written so that they read back the same.
const changedParameters = (page, state) => page.parameters.filter(({ name, value }) => state[`p.${name}`] !== value)
  .map(({ name }) => [name, state[`p.${name}`]]);

// The parts of the stimulus that are there, each a kind with its values.
function currentsOf(state) {
  const s = (name) => state[`s.${name}`];
  const found = [];
  if (s("0.amplitude") !== 0) found.push(["step", { amplitude: s("0.amplitude"), start: s("0.start"), stop: s("0.stop") }]);
  const pulse = { amplitude: s("1.amplitude"), start: s("1.start"), width: s("1.width") };
  if (s("1.second_amplitude") !== 0) {
    found.push(["paired_pulse", { ...pulse, second_amplitude: s("1.second_amplitude"), interval: s("1.interval") }]);
  } else if (s("1.amplitude") !== 0) found.push(["pulse", pulse]);
  return found;
}

const PYTHON_NAMES = { step: "Step", pulse: "Pulse", paired_pulse: "PairedPulse" };
const everyOf = (page, state) => plain(samplingInterval(page, Math.max(state.t, 1)), 12);

function pythonOf(page, state) {
  const number = (x) => (x === Infinity ? 'float("inf")' : String(x));
  const text = (x) => (typeof x === "string" ? `"${x}"` : number(x));
  const named = (values) => Object.entries(values).map(([name, x]) => `${name}=${text(x)}`).join(", ");
  const currents = currentsOf(state).map(([kind, values]) => `hh.${PYTHON_NAMES[kind]}(${named(values)})`);
  const params = changedParameters(page, state).map(([name, x]) => `"${name}": ${number(x)}`).join(", ");
  const model = page.reference.library ? `hh.models["${page.name}"]` : `hh.load_model("${page.reference.file}")  # the button below saves it`;
  const rest = state.start === "rest";
  return [
    "import hhfast as hh", "",
    `model = ${model}`,
    `params = {${params}}`,
    `method = hh.Method(${named(page.method)})`,
    ...(rest ? [`rest = hh.simulate(model, params, t_stop=${page.settle}, record=[hh.Final()], method=method)`] : []),
    "run = hh.simulate(",
    "    model,",
    "    params,",
    ...(currents.length ? [`    stimulus=${currents.join(" + ")},`] : []),
    `    t_stop=${Math.max(state.t, 1)},`,
    ...(rest ? ['    initial={state: rest[f"{state}_final"] for state in model.states},'] : []),
    `    record=[hh.Spikes(${page.levels.join(", ")}), hh.Trace("V", every=${everyOf(page, state)})],`,
    "    method=method,",
    ")",
    "print(run.spike_times[0])",
  ].join("\n");
}

// A command takes one step; more than that is a sweep file's.
function commandOf(page, state) {
  const currents = currentsOf(state);
  const model = page.reference.library ? page.name : page.reference.file;
  if (currents.some(([kind]) => kind !== "step")) {
    return `# A command takes a step alone: save the sweep file as ${page.name}-page.toml, then\n`
      + `hhfast run ${page.name}-page.toml -o ${page.name}-page.h5\nhhfast trace ${page.name}-page.h5 --row 0 -o ${page.name}.png`;
  }
  const [, step] = currents[0] || ["step", { amplitude: 0, start: 0, stop: Infinity }];
  const stop = step.stop < state.t ? ` --stop ${step.stop}` : "";
  const parameters = changedParameters(page, state).map(([name, x]) => ` -p ${name}=${x}`).join("");
  const start = step.amplitude ? ` --start ${step.start}${stop}` : "";
  return `hhfast simulate ${model} --current ${step.amplitude}${start} --t-stop ${Math.max(state.t, 1)}${parameters}`
    + ` -i ${page.method.integrator} --initial ${state.start} -o ${page.name}.png`;
}

// A grid of one row, for its reader to vary.
function sweepFileOf(page, state) {
  const number = (x) => (x === Infinity ? "inf" : String(x));
  const value = (x) => (typeof x === "string" ? `"${x}"` : number(x));
  const table = (values) => Object.entries(values).map(([name, x]) => `${name} = ${value(x)}`);
  const axis = (page.parameters.find(({ name }) => name.startsWith("g_")) || page.parameters[0] || {}).name;
  const at = state[`p.${axis}`];
  const fixed = changedParameters(page, state).filter(([name]) => name !== axis);
  return [
    `model = "${page.reference.library ? page.name : page.reference.file}"`,
    `t_stop = ${Math.max(state.t, 1)}`,
    ...table(page.method),
    ...(state.start === "rest" ? [`initial = "rest"  # the equilibrium; the page waits ${page.settle} ms without current`] : []),
    ...currentsOf(state).flatMap(([kind, values]) => ["", "[[stimulus]]", `kind = "${kind}"`, ...table(values)]),
    ...(fixed.length ? ["", "[parameters]", ...fixed.map(([name, x]) => `${name} = ${number(x)}`)] : []),
    ...(axis ? ["", "[axes]  # vary what you like, as { linspace = [90, 150, 31] }", `${axis} = { values = [${number(at)}] }`] : []),
    "", "[record]",
    'features = ["spike_count", "rate", "V_max", "V_min"]',
    "spikes = true",
    `threshold = ${page.levels[0]}`, `rearm = ${page.levels[1]}`,
    `trace = { variables = ["V"], every = ${everyOf(page, state)} }`,
  ].join("\n");
}
