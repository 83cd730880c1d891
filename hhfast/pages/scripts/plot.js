// Drawing on a canvas: axes with ticks, lines, points; colours from the page's style, so light and dark both work.
// The page's colours, read once: asking for a style in the middle of drawing makes the browser lay the page out anew.
const known = new Map();
function colour(name) {
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return known.get(name);
}
const dashOf = (k) => (k < 8 ? [] : k < 16 ? [6, 3] : [2, 3]); // where the colours begin anew
const series = (k) => colour(`--c${k % 8}`);

// Round numbers from low to high, about `count` of them.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough * 0.8) * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => (first + k) * step);
}

function tickText(value, all) {
  const step = all.length > 1 ? Math.abs(all[1] - all[0]) : 1;
  const size = Math.max(...all.map(Math.abs));
  if (size >= 1e5 || (size > 0 && size < 1e-3)) return plain(value, 3).replace("-", "−");
  return value.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)))).replace("-", "−");
}

// The range of finite values, with some room; at least `least` wide, and wide enough for ticks to differ.
function extent(arrays, least = 1e-9, room = 0.05) {
  let low = Infinity;
  let high = -Infinity;
  for (const values of arrays) {
    for (const v of values) {
      if (v < low && v > -Infinity) low = v;
      if (v > high && v < Infinity) high = v;
    }
  }
  if (!(low <= high)) return [0, 1];
  const width = Math.max(high - low, least, 0.01 * Math.max(Math.abs(low), Math.abs(high)));
  const middle = (low + high) / 2;
  return [middle - (0.5 + room) * width, middle + (0.5 + room) * width];
}

class Plot {
  constructor(canvas, height) {
    this.canvas = canvas;
    this.height = height;
    this.context = canvas.getContext("2d");
  }

  // Clears, and draws axes for x and y in these ranges.
  begin(x, y, xLabel, yLabel, { xText = null, yText = null } = {}) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(this.canvas.clientWidth, 60);
    const height = this.height;
    this.canvas.style.height = `${height}px`;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const c = this.context;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    c.font = "12px system-ui, sans-serif";
    const xTicks = ticks(x[0], x[1], Math.max(3, width / 90));
    const yTicks = ticks(y[0], y[1], Math.max(2, height / 34));
    const yTexts = yTicks.map((v) => (yText ? yText(v) : tickText(v, yTicks)));
    const left = Math.max(...yTexts.map((text) => c.measureText(text).width), 30) + 26;
    this.box = { left, top: 8, right: width - 18, bottom: height - 36 };
    this.x = x;
    this.y = y;
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
    c.translate(13, (this.box.top + this.box.bottom) / 2);
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

  inside(draw) {
    const { left, top, right, bottom } = this.box;
    const c = this.context;
    c.save();
    c.beginPath();
    c.rect(left, top - 2, right - left, bottom - top + 4);
    c.clip();
    draw(c);
    c.restore();
  }

  line(xs, ys, stroke, { width = 1.8, dash = [] } = {}) {
    this.inside((c) => {
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
  trace(xs, ys, stroke, how = {}) {
    const n = xs.length;
    const across = Math.max(1, this.box.right - this.box.left);
    if (n < 4 * across) {
      this.line(xs, ys, stroke, how);
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
    this.line(kept.map((k) => xs[k]), kept.map((k) => ys[k]), stroke, how);
  }

  // Separate pieces: x0, y0, x1, y1 of each, one after another.
  pieces(values, stroke, width = 2) {
    this.inside((c) => {
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

  point(x, y, fill, radius = 4) {
    this.inside((c) => {
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

  say(text) {
    const c = this.context;
    c.fillStyle = colour("--faint");
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(text, (this.box.left + this.box.right) / 2, (this.box.top + this.box.bottom) / 2);
  }
}

function legend(place, entries) {
  const key = JSON.stringify(entries);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...entries.map(([text, stroke], k) => {
    const mark = element("i");
    mark.style.borderTopColor = stroke;
    if (k >= 8) mark.style.borderTopStyle = k < 16 ? "dashed" : "dotted";
    return element("span", {}, mark, text);
  }));
}

// Where a field of numbers on a grid is zero: pieces x0, y0, x1, y1 (marching squares).
function zeroLines(xs, ys, field) {
  const n = xs.length;
  const found = [];
  const cut = (u, v, x0, y0, x1, y1) => {
    if (u < 0 === v < 0) return;
    const at = u / (u - v);
    found.push(x0 + at * (x1 - x0), y0 + at * (y1 - y0));
  };
  for (let j = 0; j + 1 < ys.length; j++) {
    for (let i = 0; i + 1 < n; i++) {
      const [a, b, c, d] = [field[j * n + i], field[j * n + i + 1], field[(j + 1) * n + i + 1], field[(j + 1) * n + i]];
      const below = (a < 0) + (b < 0) + (c < 0) + (d < 0);
      if (below === 0 || below === 4 || Number.isNaN(a + b + c + d)) continue;
      const [x0, x1, y0, y1] = [xs[i], xs[i + 1], ys[j], ys[j + 1]];
      cut(a, b, x0, y0, x1, y0);
      cut(b, c, x1, y0, x1, y1);
      cut(c, d, x1, y1, x0, y1);
      cut(d, a, x0, y1, x0, y0);
    }
  }
  return found;
}
