// Parallel coordinates: a line for each of some rows, brushes on the axes; dragged, or typed as numbers.
const MOST_LINES = 2500;

class ParallelCoordinates {
  constructor(canvas, axes, rows, brushes, changed) {
    Object.assign(this, { canvas, axes, rows, brushes, changed });
    this.context = canvas.getContext("2d");
    this.ranges = axes.map(({ name, log }) => {
      const [low, high] = extent([rows.columns[name]], 1e-12, 0);
      return log ? [Math.log(low), Math.log(high)] : [low, high];
    });
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
  }

  passes(k) {
    for (const [name, [low, high]] of Object.entries(this.brushes)) {
      const v = this.rows.columns[name][k];
      if (!(v >= low && v <= high)) return false;
    }
    return true;
  }

  get selected() {
    let n = 0;
    for (let k = 0; k < this.rows.number.length; k++) n += this.passes(k);
    return n;
  }

  x(a) { return this.left + (a / Math.max(1, this.axes.length - 1)) * (this.width - this.left - this.right); }
  y(a, v) {
    const [low, high] = this.ranges[a];
    const u = this.axes[a].log ? Math.log(v) : v;
    return this.bottom - ((u - low) / (high - low || 1)) * (this.bottom - this.top);
  }
  value(a, py) {
    const [low, high] = this.ranges[a];
    const u = low + ((this.bottom - py) / (this.bottom - this.top)) * (high - low);
    return this.axes[a].log ? Math.exp(u) : u;
  }

  draw(colourOf) {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.style.minWidth = `${62 * this.axes.length}px`; // beyond a phone's width it scrolls
    this.width = Math.max(this.canvas.clientWidth, 100);
    const height = 300;
    Object.assign(this, { left: 34, right: 40, top: 52, bottom: height - 26 });
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const c = this.context;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, this.width, height);
    c.lineWidth = 1;
    const n = Math.min(MOST_LINES, this.rows.number.length);
    const chosen = [];
    const left = [];
    for (let k = 0; k < n; k++) (this.passes(k) ? chosen : left).push(k);
    const faint = colour("--faint");
    c.globalAlpha = Math.min(0.12, 40 / Math.max(1, left.length));
    for (const k of left) this.path(k, faint);
    c.globalAlpha = Math.min(0.7, Math.max(0.12, 120 / Math.max(1, chosen.length)));
    for (const k of chosen) {
      const stroke = colourOf(k);
      if (stroke) this.path(k, stroke);
    }
    c.globalAlpha = 1;
    this.drawAxes(c);
  }

  path(k, stroke) {
    const c = this.context;
    c.strokeStyle = stroke;
    c.beginPath();
    let pen = false;
    this.axes.forEach(({ name }, a) => {
      const v = this.rows.columns[name][k];
      if (Number.isNaN(v)) {
        pen = false;
        return;
      }
      if (pen) c.lineTo(this.x(a), this.y(a, v));
      else c.moveTo(this.x(a), this.y(a, v));
      pen = true;
    });
    c.stroke();
  }

  drawAxes(c) {
    c.font = "12px system-ui, sans-serif";
    const room = this.axes.length > 1 ? this.x(1) - this.x(0) : 200;
    this.axes.forEach(({ name, log, codes }, a) => {
      const x = this.x(a);
      c.strokeStyle = colour("--text");
      c.lineWidth = 1.2;
      c.beginPath();
      c.moveTo(x, this.top);
      c.lineTo(x, this.bottom);
      c.stroke();
      c.fillStyle = colour("--text");
      c.textAlign = "center";
      // Names of neighbours stand on two levels, and are cut where they would meet.
      c.fillText(shortened(c, name, 2 * room - 8), x, a % 2 ? 14 : 28);
      c.fillStyle = colour("--faint");
      const [low, high] = this.ranges[a].map((u) => (log ? Math.exp(u) : u));
      const text = (v) => (codes && codes.length ? shortened(c, codes[v].replaceAll("_", " "), room) : plain(v, 3));
      c.fillText(text(high), x, 45);
      c.fillText(text(low), x, this.bottom + 15);
      const brush = this.brushes[name];
      if (!brush) return;
      c.fillStyle = colour("--accent");
      c.globalAlpha = 0.35;
      const [y0, y1] = [this.y(a, Math.min(brush[1], high)), this.y(a, Math.max(brush[0], low))];
      c.fillRect(x - 8, y0, 16, Math.max(2, y1 - y0));
      c.globalAlpha = 1;
    });
  }

  nearest(event) {
    const box = this.canvas.getBoundingClientRect();
    const px = event.clientX - box.left;
    let best = 0;
    this.axes.forEach((_, a) => { if (Math.abs(this.x(a) - px) < Math.abs(this.x(best) - px)) best = a; });
    const py = Math.min(this.bottom, Math.max(this.top, event.clientY - box.top));
    return { axis: best, py, far: Math.abs(this.x(best) - px) > 30 };
  }

  press(event) {
    const { axis, py, far } = this.nearest(event);
    if (far) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pressed = { axis, py };
  }

  drag(event) {
    if (!this.pressed) return;
    const { axis, py } = this.pressed;
    const now = this.nearest(event).py;
    if (Math.abs(now - py) < 4) return;
    this.pressed.moved = true;
    this.brushes[this.axes[axis].name] = [this.value(axis, Math.max(py, now)), this.value(axis, Math.min(py, now))];
    this.changed();
  }

  // A press without a move takes the brush away.
  release() {
    if (this.pressed && !this.pressed.moved) {
      delete this.brushes[this.axes[this.pressed.axis].name];
      this.changed();
    }
    this.pressed = null;
  }
}

function shortened(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  let n = text.length;
  while (n > 3 && c.measureText(`${text.slice(0, n)}…`).width > width) n -= 1;
  return `${text.slice(0, n)}…`;
}
