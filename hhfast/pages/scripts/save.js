// What a panel shows, to be taken away: a picture (SVG or PNG) of its plots and legends, or their numbers (CSV).
const plotsOf = (panel) => [...panel.querySelectorAll("canvas")].filter((c) => c.plot && c.clientWidth > 0).map((c) => c.plot);
const titleOf = (panel) => panel.querySelector("h2").textContent.trim();

function download(name, parts, type) {
  const link = element("a", { href: URL.createObjectURL(new Blob(parts, { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The picture as text: title, plots one below another (or beside, as the page has them), legends.
function svgOf(panel) {
  const context = document.createElement("canvas").getContext("2d");
  const left = Math.min(...plotsOf(panel).map((plot) => plot.canvas.offsetLeft));
  const width = Math.max(...plotsOf(panel).map((plot) => plot.canvas.offsetLeft - left + plot.width));
  const text = new SvgContext(context);
  text.fillStyle = colour("--text");
  text.font = FONT.replace(/^[0-9.]+/, (size) => 1.2 * size);
  text.fillText(titleOf(panel), 8, 20 * SCALE);
  const parts = [text.text];
  let [y, top, bottom] = [30 * SCALE, null, 30 * SCALE];
  for (const place of panel.querySelectorAll("canvas, .legend")) {
    if (place.plot && place.clientWidth > 0) {
      if (top !== place.offsetTop) [y, top] = [bottom, place.offsetTop]; // the next row of plots
      const drawing = new SvgContext(context);
      place.plot.drawIn(drawing);
      parts.push(`<g transform="translate(${place.offsetLeft - left} ${y})">${drawing.text}</g>`);
      bottom = Math.max(bottom, y + place.plot.height);
    } else if (place.entries && place.entries.length) {
      bottom = legendIn(parts, context, place.entries, bottom + 4, width);
    }
  }
  const height = Math.ceil(bottom + 8);
  return { width, height, text: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`
    + ` viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="${colour("--back")}"/>${parts.join("")}</svg>` };
}

// Draws a legend from y on, in as many lines as it needs; where it ends.
function legendIn(parts, context, entries, y, width) {
  const text = new SvgContext(context);
  text.textBaseline = "middle";
  let [x, line] = [12, 18 * SCALE];
  for (const entry of entries) {
    const words = entry.colours ? `${entry.low} – ${entry.high} ${entry.text}` : entry.text;
    const mark = entry.colours ? 120 : 18;
    const wide = mark + 6 + text.measureText(words).width + 14;
    if (x > 12 && x + wide > width) [x, y] = [12, y + line];
    const middle = y + line / 2;
    if (entry.stroke) {
      Object.assign(text, { strokeStyle: entry.stroke, lineWidth: 3, dash: entry.dash || [] });
      text.beginPath();
      text.moveTo(x, middle);
      text.lineTo(x + mark, middle);
      text.stroke();
    }
    const fills = entry.colours || (entry.fill ? [entry.fill] : []);
    fills.forEach((fill, k) => {
      text.fillStyle = fill;
      text.fillRect(x + (k * mark) / fills.length, middle - 6, mark / fills.length + 0.3, 12);
    });
    text.fillStyle = colour("--text");
    text.fillText(words, x + mark + 6, middle);
    x += wide;
  }
  parts.push(text.text);
  return y + line;
}

function savePng(panel, name) {
  const { width, height, text } = svgOf(panel);
  const image = new Image();
  image.onload = () => {
    const canvas = element("canvas", { width: 2 * width, height: 2 * height });
    canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
    canvas.toBlob((blob) => download(name, [blob], "image/png"));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

// Lines over the same x share its column; those over another x follow beside them.
function csvOf(panel) {
  const columns = [];
  const seen = [];
  for (const { xName, xs, name, ys } of plotsOf(panel).flatMap((plot) => (plot.table ? plot.table() : plot.lines))) {
    if (!seen.includes(xs)) columns.push([xName, xs]);
    seen.push(xs);
    columns.push([name, ys]);
  }
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const value = (v) => (v === undefined || Number.isNaN(v) ? "" : typeof v === "string" ? quoted(v) : String(v));
  const n = Math.max(0, ...columns.map(([, values]) => values.length));
  const rows = Array.from({ length: n }, (_, k) => columns.map(([, values]) => value(values[k])).join(","));
  return `${[columns.map(([name]) => quoted(name)).join(","), ...rows].join("\n")}\n`;
}

// A menu in every panel that has a plot. base: what the names of the files begin with.
function addSaving(base) {
  for (const panel of document.querySelectorAll(".panel")) {
    if (!panel.querySelector("canvas") || !panel.querySelector("h2")) continue;
    const named = (ending) => `${base}-${titleOf(panel).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "")}.${ending}`;
    const button = (text, save) => {
      const made = element("button", { type: "button", textContent: text });
      made.addEventListener("click", () => {
        if (plotsOf(panel).length) save();
        menu.open = false;
      });
      return made;
    };
    const summary = element("summary", { "aria-label": `Save: ${titleOf(panel) || "map"}` }, "Save");
    const menu = element("details", { className: "save" }, summary, element("div", { className: "row" },
      button("PNG", () => savePng(panel, named("png"))),
      button("SVG", () => download(named("svg"), [svgOf(panel).text], "image/svg+xml")),
      button("CSV", () => download(named("csv"), [csvOf(panel)], "text/csv"))));
    panel.prepend(menu);
  }
}
