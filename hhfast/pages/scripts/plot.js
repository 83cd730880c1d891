// Drawing on a canvas: axes with ticks, lines, points. What was drawn is kept, so that it can be drawn again elsewhere
// (as a picture to be saved) and written as numbers.
class Plot {
  constructor(canvas, height) {
    this.canvas = canvas;
    this.height = Math.round(height * (0.6 + 0.4 * SCALE));
    this.context = canvas.getContext("2d");
    this.calls = [];
    canvas.plot = this;
  }

  // Clears, and draws axes for x and y in these ranges.
  begin(...given) {
    const ratio = window.devicePixelRatio || 1;
    this.width = Math.max(this.canvas.clientWidth, 60);
    this.canvas.style.height = `${this.height}px`;
    const [width, height] = [this.width, this.height].map((size) => Math.round(size * ratio));
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, this.width, this.height);
    this.calls = [];
    this.keep("drawAxes", given);
  }

  line(...given) { this.keep("drawLine", given); }
  trace(...given) { this.keep("drawTrace", given); }
  pieces(...given) { this.keep("drawPieces", given); }
  point(...given) { this.keep("drawPoint", given); }
  inside(...given) { this.keep("clipped", given); }
  say(...given) { this.keep("drawText", given); }

  keep(name, given) {
    this.calls.push([name, given]);
    this[name](...given);
  }

  // All of it again, in another context.
  drawIn(context) {
    const own = this.context;
    this.context = context;
    for (const [name, given] of this.calls) this[name](...given);
    this.context = own;
  }

  // The named lines: { xName, xs, name, ys } of each.
  get lines() {
    const drawn = this.calls.filter(([name]) => name === "drawLine" || name === "drawTrace");
    const named = drawn.map(([, [xs, ys, , how = {}]]) => ({ xs, ys, name: how.name, xName: how.xName || this.xLabel }));
    return named.filter(({ name }) => name);
  }

  drawAxes(x, y, xLabel, yLabel, { xText = null, yText = null, xLog = false, yLog = false } = {}) {
    const { width, height, context: c } = this;
    Object.assign(this, { x, y, xLabel });
    c.font = FONT;
    const xTicks = (xLog ? ticksOfPowers : ticks)(x[0], x[1], Math.max(3, width / (90 * SCALE)));
    const yTicks = (yLog ? ticksOfPowers : ticks)(y[0], y[1], Math.max(2, height / (34 * SCALE)));
    const yTexts = yTicks.map((v) => (yText ? yText(v) : tickText(v, yTicks)));
    const left = Math.max(...yTexts.map((text) => c.measureText(text).width), 30) + 26 * SCALE;
    this.box = { left, top: 8, right: width - 18, bottom: height - (xLabel ? 36 : 22) * SCALE };
    c.fillStyle = colour("--faint");
    c.strokeStyle = colour("--line");
    c.lineWidth = 1;
    c.textAlign = "center";
    c.textBaseline = "top";
    for (const v of xTicks) {
      this.rule(this.px(v), this.box.top, this.px(v), this.box.bottom);
      c.fillText(xText ? xText(v) : tickText(v, xTicks), this.px(v), this.box.bottom + 5);
    }
    c.textAlign = "right";
    c.textBaseline = "middle";
    yTicks.forEach((v, k) => {
      this.rule(this.box.left, this.py(v), this.box.right, this.py(v));
      c.fillText(yTexts[k], this.box.left - 5, this.py(v));
    });
    c.fillStyle = colour("--text");
    c.textAlign = "center";
    c.textBaseline = "bottom";
    c.fillText(xLabel, (this.box.left + this.box.right) / 2, height - 2);
    c.save();
    c.translate(8 + 5 * SCALE, (this.box.top + this.box.bottom) / 2);
    c.rotate(-Math.PI / 2);
    c.textBaseline = "middle";
    c.fillText(yLabel, 0, 0);
    c.restore();
  }

  px(v) { return this.box.left + ((v - this.x[0]) / (this.x[1] - this.x[0])) * (this.box.right - this.box.left); }
  py(v) { return this.box.bottom - ((v - this.y[0]) / (this.y[1] - this.y[0])) * (this.box.bottom - this.box.top); }
  valueX(px) { return this.x[0] + ((px - this.box.left) / (this.box.right - this.box.left)) * (this.x[1] - this.x[0]); }
  valueY(py) { return this.y[0] + ((this.box.bottom - py) / (this.box.bottom - this.box.top)) * (this.y[1] - this.y[0]); }

  rule(x0, y0, x1, y1) {
    const c = this.context;
    c.beginPath();
    c.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
    c.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
    c.stroke();
  }

  clipped(draw) {
    const { left, top, right, bottom } = this.box;
    const c = this.context;
    c.save();
    c.beginPath();
    c.rect(left, top - 2, right - left, bottom - top + 4);
    c.clip();
    draw(c);
    c.restore();
  }

  drawLine(xs, ys, stroke, { width = 1.8, dash = [] } = {}) {
    this.clipped((c) => {
      c.strokeStyle = stroke;
      c.lineWidth = width;
      c.lineJoin = "round";
      c.setLineDash(dash);
      c.beginPath();
      let pen = false;
      for (let k = 0; k < xs.length; k++) {
        const y = ys[k];
        if (!Number.isFinite(y)) {
          pen = false;
          continue;
        }
        if (pen) c.lineTo(this.px(xs[k]), this.py(y));
        else c.moveTo(this.px(xs[k]), this.py(y));
        pen = true;
      }
      c.stroke();
    });
  }

  // A line whose x ascends: of the points within one pixel only the first, least, greatest and last are drawn.
  drawTrace(xs, ys, stroke, how = {}) {
    const n = xs.length;
    const across = Math.max(1, this.box.right - this.box.left);
    if (n < 4 * across) {
      this.drawLine(xs, ys, stroke, how);
      return;
    }
    const kept = [];
    for (let column = 0, k = 0; column < across; column++) {
      const end = Math.floor(((column + 1) * n) / across);
      let [least, most] = [k, k];
      for (let j = k; j < end; j++) {
        if (ys[j] < ys[least]) least = j;
        if (ys[j] > ys[most]) most = j;
      }
      kept.push(k, Math.min(least, most), Math.max(least, most), end - 1);
      k = end;
    }
    this.drawLine(kept.map((k) => xs[k]), kept.map((k) => ys[k]), stroke, how);
  }

  // Separate pieces: x0, y0, x1, y1 of each, one after another.
  drawPieces(values, stroke, width = 2) {
    this.clipped((c) => {
      c.strokeStyle = stroke;
      c.lineWidth = width;
      c.lineCap = "round";
      c.beginPath();
      for (let k = 0; k < values.length; k += 4) {
        c.moveTo(this.px(values[k]), this.py(values[k + 1]));
        c.lineTo(this.px(values[k + 2]), this.py(values[k + 3]));
      }
      c.stroke();
    });
  }

  drawPoint(x, y, fill, radius = 4) {
    this.clipped((c) => {
      c.beginPath();
      c.arc(this.px(x), this.py(y), radius, 0, 2 * Math.PI);
      c.fillStyle = fill;
      c.fill();
      if (radius < 4) return;
      c.strokeStyle = colour("--back");
      c.lineWidth = 1.5;
      c.stroke();
    });
  }

  drawText(text) {
    const c = this.context;
    c.font = FONT;
    c.fillStyle = colour("--faint");
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(text, (this.box.left + this.box.right) / 2, (this.box.top + this.box.bottom) / 2);
  }
}
