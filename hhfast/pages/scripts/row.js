// One row of the result: its numbers, and its run, simulated again in the page.
const rowValue = (name) => {
  if (page.is_grid) return parameterOfRow(page, state.row, name);
  const k = rows.number.indexOf(state.row);
  return k < 0 ? NaN : rows.columns[name][k];
};
const rowAt = (name) => scaled(axisOf(name), rowValue(name));

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

// [name, value as text, unit] of the parameters of the row, and of what the file says of it, if the page has that.
function numbersOfRow() {
  const told = (name) => (axisOf(name) && nameOfBin(axisOf(name), rowValue(name))) || plain(rowValue(name), 5);
  const parameters = Object.entries(page.units).map(([name, unit]) => [name, told(name), unitText(unit)]);
  const known = rows.number.indexOf(state.row);
  const has = page.features.filter(({ name }) => known >= 0 && !Number.isNaN(rows.columns[name][known]));
  const found = has.map(({ name, codes, unit }) => {
    const v = rows.columns[name][known];
    return [name, codes.length ? spoken(codes[v]) : plain(v), unitText(unit)];
  });
  return { parameters, found };
}

function showNumbers() {
  const { parameters, found } = numbersOfRow();
  const heading = (text) => element("tr", {}, element("th", { colSpan: 3, scope: "colgroup" }, text));
  const line = ([name, value, unit]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value), element("td", {}, unit));
  byId("numbers").replaceChildren(heading("Parameters"), ...parameters.map(line),
    ...(found.length ? [heading("In the file"), ...found.map(line)] : []));
  byId("panel-numbers").hidden = false;
}

function simulateRow() {
  const sim = page.simulation;
  if (state.row < 0) return;
  showNumbers();
  tell();
  const { parameters: given, found: told } = numbersOfRow();
  const where = `Row ${state.row}: ${given.map(([name, value]) => `${name} = ${value}`).join(", ")}.`;
  if (!sim) {
    const values = told.map(([name, value, unit]) => `${name} = ${value} ${unit}`.trim()).join(", ");
    byId("row").textContent = values ? `${where} In the file: ${values}.` : where;
    return;
  }
  const { parameters, stimulus } = givenOfRow(sim);
  run = wholeRun(sim, { parameters, stimulus, t_stop: sim.t_stop, start: sim.settle ? "rest" : "model", settle: sim.settle });
  const count = `${run.spikes.length} ${run.spikes.length === 1 ? "spike" : "spikes"}`;
  byId("row").textContent = `${where} Simulated here: ${run.failure || count}`;
  drawRun();
}

function drawRun() {
  byId("run").hidden = !run;
  byId("how").textContent = page.simulation ? page.simulation.how : page.why_not;
  if (state.row < 0) byId("row").textContent = "Choose a row on the map.";
  if (!run) return;
  drawPeriods();
  const t = [0, run.t_stop];
  const named = (name, unit) => ({ name: withUnit(name, unit), xName: "time (ms)" });
  plots.V.begin(t, extent([run.traces.V], 1), "time (ms)", "V (mV)");
  plots.V.trace(run.time, run.traces.V, series(0), named("V", "mV"));
  const { i_app } = page.simulation.units;
  plots.I.begin(t, extent([run.traces.i_app], 1, 0.15), "", unitText(i_app));
  plots.I.trace(run.time, run.traces.i_app, series(0), named("i_app", i_app));
}

// Of a row that the file says is periodic: its last periods, as a run to the end hides them.
function drawPeriods() {
  const known = rows.number.indexOf(state.row);
  const period = features.period && known >= 0 ? rows.columns.period[known] : NaN;
  const end = run.t_stop;
  const shown = 3 * period < 0.5 * end;
  byId("periods").hidden = !shown;
  if (!shown) return;
  const first = run.time.findIndex((t) => t >= end - 3 * period);
  plots.end.begin([end - 3 * period, end], extent([run.traces.V], 1), "time (ms)", "V (mV)");
  plots.end.line(run.time.subarray(first), run.traces.V.subarray(first), series(0));
}

function choose(row) {
  if (row < 0) return;
  state.row = row;
  simulateRow();
  redrawMap();
}
