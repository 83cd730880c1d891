// The curve of firing rate against current, computed beside the page and drawn as it comes.
const COARSE = 8;
const FINE = 32;

class FICurve {
  constructor(page, plot, note) {
    this.page = page;
    this.plot = plot;
    this.note = note;
    this.id = 0;
    this.points = new Map();
    this.before = [];
    this.timer = null;
    this.asked = -1000;
    const source = [byId("engine").textContent, byId("worker").textContent].join("\n");
    try {
      this.worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      this.worker.postMessage({ page });
      this.worker.onmessage = ({ data }) => this.take(data);
      this.worker.onerror = () => (this.note.textContent = "The browser allows no computing beside the page.");
    } catch {
      this.note.textContent = "The browser allows no computing beside the page.";
    }
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

  sorted() { return [...this.points].sort((a, b) => a[0] - b[0]); }

  drawNow() {
    if (!this.range) return;
    const now = this.sorted();
    const rates = [...now, ...this.before].map(([, rate]) => rate).filter(Number.isFinite);
    this.plot.begin(this.range, [-0.03 * Math.max(10, ...rates), 1.06 * Math.max(10, ...rates)],
      withUnit("constant current", this.page.units.i_app), "rate (Hz)");
    const parts = (points) => [points.map(([x]) => x), points.map(([, y]) => y)];
    this.plot.line(...parts(this.before), colour("--line"), { width: 3 });
    this.plot.line(...parts(now), colour("--c0"), { width: 2 });
    for (const [x, y] of now) this.plot.point(x, y, colour("--c0"), 2.8);
    this.complete = now.length === FINE + 1;
  }
}
