// What a run did: potential, current, gates, ionic currents and conductances against time.
// Conductance of a channel at every sample; null where it has none that can be had from traces.
function conductance(channel, run, value) {
  const { traces } = run;
  const g = value(channel.g);
  if (channel.gates) {
    return Float64Array.from(run.time, (_, k) => channel.gates.reduce((x, [name, power]) => x * traces[name][k] ** power, g));
  }
  if (channel.open && channel.open in traces) return traces[channel.open].map((x) => g * x);
  return null;
}

class TracePlots {
  // value: name of a parameter -> its value now
  constructor(page, value) {
    this.page = page;
    this.value = value;
    const small = innerWidth <= 760; // a phone: the potential stays in sight while sliders move
    this.plots = {
      V: new Plot(byId("plot-V"), small ? 150 : 230), I: new Plot(byId("plot-I"), 84), gates: new Plot(byId("plot-gates"), 210),
      currents: new Plot(byId("plot-currents"), 210), conductances: new Plot(byId("plot-conductances"), 210),
      pools: new Plot(byId("plot-pools"), 190),
    };
    const { gates, potentials, pools } = page;
    legend(byId("legend-gates"), gates.map((name, k) => [name, series(k)]));
    legend(byId("legend-V"), potentials.length > 1 ? potentials.map((name, k) => [name, series(k)]) : []);
    legend(byId("legend-pools"), pools.map((name, k) => [withUnit(name, page.units[name]), series(k)]));
    byId("panel-gates").hidden = !gates.length;
    byId("panel-pools").hidden = !pools.length;
  }

  // Potential and current, which follow a slider at once ...
  draw(run, at) {
    const { page, plots } = this;
    const t = [0, run.time[run.time.length - 1]];
    const V = page.potentials.map((name) => run.traces[name]);
    this.panel(plots.V, run, t, V, extent(V, 1), "mV", at);
    this.panel(plots.I, run, t, [run.traces.i_app], extent([run.traces.i_app], 1, 0.15), unitText(page.units.i_app), at);
  }

  // ... and what lies behind them, a moment later.
  drawInside(run, at) {
    const { page, plots } = this;
    const t = [0, run.time[run.time.length - 1]];
    const current = unitText(page.units.i_app);
    const of = (names) => names.map((name) => run.traces[name]);
    if (page.gates.length) this.panel(plots.gates, run, t, of(page.gates), [-0.03, 1.03], "open fraction", at);
    const ionic = page.channels.map((channel) => run.traces[channel.current]);
    this.panel(plots.currents, run, t, ionic, extent(ionic), current, at);
    legend(byId("legend-currents"), page.channels.map((channel, k) => [channel.current, series(k)]));
    if (page.pools.length) this.panel(plots.pools, run, t, of(page.pools), extent(of(page.pools)), "", at);
    this.drawConductances(run, t, at);
  }

  drawConductances(run, t, at) {
    const { page, plots: { conductances: plot } } = this;
    const g = page.channels.map((channel, k) => [channel, conductance(channel, run, this.value), k]);
    const shown = g.filter(([, values]) => values);
    byId("panel-conductances").hidden = !shown.length;
    if (!shown.length) return;
    plot.begin(t, extent(shown.map(([, values]) => values)), "time (ms)", unitText(page.units.g));
    for (const [, values, k] of shown) plot.trace(run.time, values, series(k), { dash: dashOf(k) });
    this.cursor(plot, at);
    legend(byId("legend-conductances"), shown.map(([channel, , k]) => [channel.name, series(k)]));
  }

  panel(plot, run, t, lines, range, label, at) {
    plot.begin(t, range, plot === this.plots.I ? "" : "time (ms)", label);
    lines.forEach((values, k) => plot.trace(run.time, values, series(k), { dash: dashOf(k) }));
    this.cursor(plot, at);
  }

  cursor(plot, at) {
    plot.line([at, at], plot.y, colour("--faint"), { width: 1, dash: [4, 3] });
  }
}
