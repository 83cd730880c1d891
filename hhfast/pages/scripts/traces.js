// What a run did: potential, current, gates, ionic currents and conductances against time.
// A parameter's value in a run.
const valueIn = (page, run, name) => run.parameters[page.parameters.findIndex((p) => p.name === name)];

// Conductance of a channel at every sample; null where it has none that can be had from traces.
function conductance(page, channel, run) {
  const { traces } = run;
  const g = valueIn(page, run, channel.g);
  if (channel.gates) {
    const found = new Float64Array(run.time.length).fill(g);
    for (const [name, power] of channel.gates) traces[name].forEach((x, k) => { found[k] *= power === 1 ? x : x ** power; });
    return found;
  }
  if (channel.open && channel.open in traces) return traces[channel.open].map((x) => g * x);
  return null;
}

class TracePlots {
  constructor(page) {
    this.page = page;
    const small = innerWidth <= 760; // a phone: the potential stays in sight while sliders move
    this.plots = {
      V: new Plot(byId("plot-V"), small ? 150 : 230), I: new Plot(byId("plot-I"), small ? 64 : 84), gates: new Plot(byId("plot-gates"), 210),
      currents: new Plot(byId("plot-currents"), 210), conductances: new Plot(byId("plot-conductances"), 210),
      pools: new Plot(byId("plot-pools"), 190),
    };
    byId("panel-gates").hidden = !page.gates.length;
    byId("panel-pools").hidden = !page.pools.length;
    byId("panel-currents").hidden = !page.channels.length;
    byId("panel-conductances").hidden = !page.channels.some(({ gates, open }) => (gates && gates.length) || open);
  }

  // Potential and current, which follow a slider at once; `held`: a run to compare with, and what differs in it.
  draw(run, at, held) {
    const { page, plots } = this;
    const before = held ? held.run : null;
    const of = (from) => page.potentials.map((name) => from.traces[name]);
    const t = [0, run.t_stop];
    const every = [...of(run), ...(before ? of(before) : [])];
    plots.V.begin(t, extent(every, 1), "time (ms)", page.potentials.length > 1 ? "mV" : "V (mV)");
    const ghost = (plot, xs, ys, name) => plot.trace(xs, ys, colour("--held"), { width: 1.4, name: `${name} held`, xName: "time held (ms)" });
    if (before) page.potentials.forEach((name) => ghost(plots.V, before.time, before.traces[name], withUnit(name, "mV")));
    page.potentials.forEach((name, k) => this.trace(plots.V, run, run.traces[name], k, withUnit(name, "mV")));
    const unit = unitText(page.units.i_app);
    const i_app = [run.traces.i_app, ...(before ? [before.traces.i_app] : [])];
    plots.I.begin(t, extent(i_app, 1, 0.15), "", unit);
    if (before) ghost(plots.I, before.time, before.traces.i_app, `i_app (${unit})`);
    this.trace(plots.I, run, run.traces.i_app, 0, `i_app (${unit})`);
    for (const plot of [plots.V, plots.I]) this.cursor(plot, at);
    const names = page.potentials.length > 1 || held ? page.potentials.map((text, k) => ({ text, stroke: series(k), dash: dashOf(k) })) : [];
    showLegend(byId("legend-V"), [...names, ...(held ? [{ text: held.text, stroke: colour("--held") }] : [])]);
  }

  // ... and what lies behind them, a moment later.
  drawInside(run, at) {
    const { page, plots } = this;
    const unit = page.units.i_app;
    const of = (names) => names.map((name) => run.traces[name]);
    this.panel(plots.gates, byId("legend-gates"), run, at, page.gates, of(page.gates), extentOfFractions(of(page.gates)), page.occupancies ? "fraction" : "open fraction");
    const currents = page.channels.map(({ current }) => current);
    this.panel(plots.currents, byId("legend-currents"), run, at, currents, of(currents), extent(of(currents)), withUnit("outward", unit), unit);
    const pools = page.pools.map((name) => withUnit(name, page.units[name]));
    this.panel(plots.pools, byId("legend-pools"), run, at, pools, of(page.pools), extentOfAmounts(of(page.pools)), "");
    const g = page.channels.map((channel, k) => [channel.name, conductance(page, channel, run), k]).filter(([, values]) => values);
    const [names, values] = [g.map(([name]) => name), g.map(([, shown]) => shown)];
    this.panel(plots.conductances, byId("legend-conductances"), run, at, names, values, extentOfAmounts(values), unitText(page.units.g), page.units.g, g.map(([, , k]) => k));
  }

  // Lines with their names, in the colours of these numbers.
  panel(plot, place, run, at, names, lines, range, label, unit = "1", colours = names.map((_, k) => k)) {
    if (!names.length) return;
    plot.begin([0, run.t_stop], range, "time (ms)", label);
    lines.forEach((values, k) => this.trace(plot, run, values, colours[k], withUnit(names[k], unit)));
    this.cursor(plot, at);
    showLegend(place, names.map((text, k) => ({ text, stroke: series(colours[k]), dash: dashOf(colours[k]) })));
  }

  trace(plot, run, values, k, name) {
    plot.trace(run.time, values, series(k), { dash: dashOf(k), name, xName: "time (ms)" });
  }

  cursor(plot, at) {
    plot.line([at, at], plot.y, colour("--faint"), { width: 1, dash: [4, 3] });
  }
}
