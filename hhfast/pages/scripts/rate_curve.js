// The curve of firing rate against current, computed beside the page and drawn as it comes.
const COARSE = 8;
const FINE = 32;

class RateCurve {
  constructor(page, plot, note) {
    Object.assign(this, { page, plot, note, id: 0, points: new Map(), before: [], held: [], timer: null, asked: -1000 });
    this.usual = note.textContent;
    const failed = () => {
      this.worker = null;
      this.note.textContent = "The browser allows no computing beside the page.";
    };
    this.worker = startWorker(page, (data) => this.take(data), failed);
    this.draw = oncePerFrame(() => this.drawNow());
  }

  // While a slider moves, a coarse curve some times a second; when it rests, the points between.
  ask(question) {
    this.question = question;
    const wait = this.points.size > COARSE ? 200 : 600; // a slow curve is not always begun anew
    if (this.timer === null) this.timer = setTimeout(() => this.begin(), Math.max(0, this.asked + wait - performance.now()));
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      if (this.timer !== null) {
        clearTimeout(this.timer);
        this.begin();
      }
      this.send(FINE);
    }, 350);
  }

  // What was known stays, faint, until the new curve is there.
  begin() {
    this.timer = null;
    this.asked = performance.now();
    if (this.points.size > 3) this.before = this.sorted();
    this.points = new Map();
    this.send(COARSE);
  }

  // Asks for the points that are not known yet, of so many steps; those of few steps first.
  send(n) {
    const { low, high, ...cell } = this.question;
    this.range = [low, high];
    this.id += 1;
    const coarse = Array.from({ length: COARSE + 1 }, (_, k) => k / COARSE);
    const fine = Array.from({ length: n + 1 }, (_, k) => k / n);
    const currents = [...new Set([...coarse, ...fine])].map((part) => low + part * (high - low));
    const unknown = currents.filter((current) => !this.points.has(current));
    if (this.worker) this.worker.postMessage({ ...cell, id: this.id, currents: unknown, t_stop: this.page.fi_time });
    this.draw();
  }

  take({ id, current, rate }) {
    if (id !== this.id) return;
    this.points.set(current, rate);
    this.draw();
  }

  // Keeps this curve beside those that come, or lets it go.
  hold(wanted) {
    this.held = wanted ? this.sorted() : [];
    this.draw();
  }

  sorted() { return [...this.points].sort((a, b) => a[0] - b[0]); }

  drawNow() {
    if (!this.range) return;
    const now = this.sorted();
    const { held, before, plot } = this;
    const rates = [...now, ...before, ...held].map(([, rate]) => rate).filter(Number.isFinite);
    const high = Math.max(10, ...rates);
    plot.begin(this.range, [-0.03 * high, 1.06 * high], withUnit("constant current", this.page.units.i_app), "rate (Hz)");
    const parts = (points) => [points.map(([x]) => x), points.map(([, y]) => y)];
    if (now.length <= FINE) plot.line(...parts(before), colour("--line"), { width: 3 });
    plot.line(...parts(held), colour("--held"), { width: 2, name: held.length ? "rate held (Hz)" : "" });
    plot.line(...parts(now), colour("--c0"), { width: 2, name: "rate (Hz)" });
    for (const [x, y] of now) plot.point(x, y, colour("--c0"), 2.8);
    const entry = (text, name) => ({ text, stroke: colour(name) });
    showLegend(byId("legend-fi"), held.length ? [entry("now", "--c0"), entry("held", "--held")] : []);
    this.complete = now.length === FINE + 1;
    this.say(now);
  }

  say(now) {
    if (!this.worker) return;
    if (!this.complete) {
      if (performance.now() - this.asked > 1500) this.note.textContent = `Being computed: ${now.length} of ${FINE + 1} currents. ${this.usual}`;
      return;
    }
    if (now.every(([, rate]) => Number.isNaN(rate))) {
      this.note.textContent = "No run succeeded.";
      return;
    }
    const firing = now.filter(([, rate]) => rate > 0);
    const unit = unitText(this.page.units.i_app);
    const found = !firing.length ? "No repetitive firing at any of these currents."
      : `Fires from ${plain(firing[0][0], 3)} ${unit}, at most at ${plain(Math.max(...firing.map(([, rate]) => rate)), 3)} Hz.`;
    this.note.textContent = `${found} ${this.usual}`;
    this.plot.canvas.setAttribute("aria-label", `Firing rate against constant current. ${found}`);
  }
}
