// What colours mean: lines, patches and bars, beside a plot and in the pictures that are saved of it.
// entries: { text, stroke, dash } of lines, { text, fill } of patches, { low, high, text, colours } of a bar.
function showLegend(place, entries) {
  place.entries = entries;
  const key = JSON.stringify(entries);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.classList.add("legend");
  place.replaceChildren(...entries.flatMap((entry) => (entry.colours ? barOf(entry) : [markOf(entry)])));
}

function markOf({ text, stroke, dash = [], fill }) {
  const mark = element("i", { className: fill ? "dot" : "" });
  if (fill) mark.style.background = fill;
  else mark.style.borderTopColor = stroke;
  if (dash.length) mark.style.borderTopStyle = dash[0] > 2 ? "dashed" : "dotted";
  return element("span", {}, mark, text);
}

function barOf({ low, high, text, colours }) {
  const bar = element("i", { className: "bar" });
  bar.style.background = `linear-gradient(to right, ${colours.join(",")})`;
  return [element("span", {}, low, bar, high, element("span", { className: "unit" }, text))];
}

// Lines in the order of their colours.
function legend(place, names) {
  showLegend(place, names.map((text, k) => ({ text, stroke: series(k), dash: dashOf(k) })));
}
