// Parallel coordinates: a line for each of some rows, brushes on the axes; dragged, or typed as numbers.
const MOST_LINES = 2500;

class ParallelCoordinates {
  constructor(canvas, axes, rows, brushes, changed) {
    Object.assign(this, { canvas, axes, rows, brushes, changed, height: Math.round(300 * (0.6 + 0.4 * SCALE)) });
    canvas.plot = this;
    this.context = canvas.getContext("2d");
    this.ranges = axes.map(({ name, log }) => {
      const [low, high] = finiteRange(rows.columns[name]);
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
    if (low === high) return (this.top + this.bottom) / 2;
    const u = this.axes[a].log ? Math.log(v) : v;
    return this.bottom - ((u - low) / (high - low || 1)) * (this.bottom - this.top);
  }
  value(a, py) {
    const [low, high] = this.ranges[a];
    const u = low + ((this.bottom - py) / (this.bottom - this.top)) * (high - low);
    return this.axes[a].log ? Math.exp(u) : u;
  }

  draw(colourOf) {
    this.colourOf = colourOf;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.style.minWidth = `${62 * this.axes.length}px`; // beyond a phone's width it scrolls
    this.width = Math.max(this.canvas.clientWidth, 100);
    const { height } = this;
    Object.assign(this, { left: 34, right: 40, top: 52 * SCALE, bottom: height - 26 * SCALE });
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const c = this.context;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, this.width, height);
    this.drawIn(c);
  }

  // The rows that brushes select, as numbers.
  table() {
    const chosen = Array.from(this.rows.number.keys()).filter((k) => this.passes(k));
    const xs = chosen.map((k) => this.rows.number[k]);
    const values = ({ name, codes }) => chosen.map((k) => {
      const v = this.rows.columns[name][k];
      return codes && codes.length && !Number.isNaN(v) ? codes[v] : v;
    });
    return this.axes.map((axis) => ({ xName: "row", xs, name: withUnit(axis.name, axis.unit), ys: values(axis) }));
  }

  drawIn(c) {
    c.lineWidth = 1;
    const { colourOf } = this;
    const n = Math.min(MOST_LINES, this.rows.number.length);
    const chosen = [];
    const left = [];
    for (let k = 0; k < n; k++) (this.passes(k) ? chosen : left).push(k);
    const faint = colour("--faint");
    c.globalAlpha = Math.min(0.12, 40 / Math.max(1, left.length));
    for (const k of left) this.path(c, k, faint);
    c.globalAlpha = Math.min(0.7, Math.max(0.12, 120 / Math.max(1, chosen.length)));
    for (const k of chosen) {
      const stroke = colourOf(k);
      if (stroke) this.path(c, k, stroke);
    }
    c.globalAlpha = 1;
    this.drawAxes(c);
  }

  path(c, k, stroke) {
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
    c.font = FONT;
    c.textBaseline = "alphabetic";
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
      // Names of neighbours stand on two levels, and are cut where they would meet; the outermost stay inside.
      const isEnd = [a === 0, a === this.axes.length - 1 && a > 0];
      c.textAlign = isEnd[0] ? "left" : isEnd[1] ? "right" : "center";
      const outer = isEnd[0] ? x - this.left : isEnd[1] ? x + this.right : x;
      c.fillText(shortened(c, name, (isEnd[0] || isEnd[1] ? 1.5 : 2) * room - 8), outer, (a % 2 ? 14 : 28) * SCALE);
      c.textAlign = "center";
      c.fillStyle = colour("--faint");
      const [low, high] = this.ranges[a].map((u) => (log ? Math.exp(u) : u));
      const text = (v) => (codes && codes.length ? shortened(c, spoken(codes[v]), room) : plain(v, 3).replace("-", "−"));
      c.fillText(text(high), x, 45 * SCALE);
      if (low !== high) c.fillText(text(low), x, this.bottom + 15 * SCALE);
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

// The least and the largest of the finite values; NaN of none.
function finiteRange(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    if (v < low && v > -Infinity) low = v;
    if (v > high && v < Infinity) high = v;
  }
  return low <= high ? [low, high] : [NaN, NaN];
}
