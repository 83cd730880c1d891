// The curve of firing rate against current, computed beside the page and drawn as it comes.
class FICurve {
  constructor(page, plot, note) {
    this.page = page;
    this.plot = plot;
    this.note = note;
    this.id = 0;
    this.points = new Map();
    this.before = [];
    const source = [byId("engine").textContent, byId("worker").textContent].join("\n");
    try {
      this.worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      this.worker.onmessage = ({ data }) => this.take(data);
      this.worker.onerror = () => (this.note.textContent = "The browser allows no computing beside the page.");
    } catch {
      this.note.textContent = "The browser allows no computing beside the page.";
    }
    this.draw = oncePerFrame(() => this.drawNow());
  }

  // What was known stays, faint, until the new curve is there.
  ask({ parameters, stimulus, initial, low, high }) {
    if (this.points.size > 3) this.before = this.sorted();
    this.points = new Map();
    this.range = [low, high];
    this.id += 1;
    const n = 32; // halves, quarters, ... of the range: the coarse curve is there first
    const order = [0, n];
    for (let step = n; step >= 2; step /= 2) for (let k = step / 2; k < n; k += step) order.push(k);
    const currents = order.map((k) => low + (k / n) * (high - low));
    const question = { id: this.id, parameters, stimulus, initial, currents, t_stop: this.page.fi_time, page: this.page };
    if (this.worker) this.worker.postMessage(question);
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
    this.complete = now.length === 33;
  }
}
