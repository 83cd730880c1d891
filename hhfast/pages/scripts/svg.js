// What a plot draws on a canvas, as SVG: the part of a canvas's context that plots use.
let clips = 0;

class SvgContext {
  // canvas: a context that measures text.
  constructor(canvas) {
    Object.assign(this, { canvas, parts: [], path: [], saved: [], open: 0, transform: "", dash: [], lineCap: "butt",
      lineJoin: "miter", globalAlpha: 1, lineWidth: 1, fillStyle: "#000", strokeStyle: "#000", font: FONT,
      textAlign: "start", textBaseline: "alphabetic" });
  }

  get text() { return this.parts.join(""); }

  save() {
    const { open, transform, dash, fillStyle, strokeStyle, lineWidth, globalAlpha, lineCap } = this;
    this.saved.push({ open, transform, dash, fillStyle, strokeStyle, lineWidth, globalAlpha, lineCap });
  }
  restore() {
    const before = this.saved.pop();
    for (; this.open > before.open; this.open--) this.parts.push("</g>");
    Object.assign(this, before);
  }
  translate(x, y) { this.transform += `translate(${short(x)} ${short(y)})`; }
  rotate(angle) { this.transform += `rotate(${short((angle * 180) / Math.PI)})`; }
  setLineDash(dash) { this.dash = dash; }

  beginPath() { this.path = []; }
  moveTo(x, y) { this.path.push(`M${short(x)} ${short(y)}`); }
  lineTo(x, y) { this.path.push(`L${short(x)} ${short(y)}`); }
  rect(x, y, width, height) { this.path.push(`M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}z`); }
  arc(x, y, r) {
    this.path.push(`M${short(x - r)} ${short(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`);
  }
  clip() {
    clips += 1;
    this.parts.push(`<clipPath id="clip${clips}"><path d="${this.path.join("")}"/></clipPath><g clip-path="url(#clip${clips})">`);
    this.open += 1;
  }

  stroke() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    this.parts.push(`<path d="${this.path.join("")}" fill="none" stroke="${this.strokeStyle}" stroke-width="${this.lineWidth}"`
      + ` stroke-linecap="${this.lineCap}" stroke-linejoin="${this.lineJoin}" opacity="${this.globalAlpha}"${dash}/>`);
  }
  fill() { this.parts.push(`<path d="${this.path.join("")}" fill="${this.fillStyle}" opacity="${this.globalAlpha}"/>`); }
  fillRect(x, y, width, height) {
    this.parts.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="${this.fillStyle}"/>`);
  }

  measureText(text) {
    this.canvas.font = this.font;
    return this.canvas.measureText(text);
  }
  fillText(text, x, y) {
    const anchor = { center: "middle", right: "end", end: "end" }[this.textAlign] || "start";
    const baseline = { top: "0.8em", middle: "0.32em", bottom: "-0.2em" }[this.textBaseline] || "0";
    const [size, ...family] = this.font.split(" ");
    const at = this.transform ? ` transform="${this.transform}"` : "";
    this.parts.push(`<text x="${short(x)}" y="${short(y)}" dy="${baseline}" text-anchor="${anchor}" fill="${this.fillStyle}"`
      + ` font-size="${size}" font-family="${family.join(" ")}"${at}>${escaped(text)}</text>`);
  }
}

const short = (x) => String(Math.round(100 * x) / 100);
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
