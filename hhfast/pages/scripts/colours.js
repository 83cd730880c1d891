// Colours of numbers (viridis) and of classes (Okabe & Ito), both told apart by the colour-blind.
const VIRIDIS = ["440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"]
  .map((hex) => [0, 2, 4].map((k) => parseInt(hex.slice(k, k + 2), 16)));
const CLASSES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442", "#8c8c8c"];

function viridis(fraction) {
  const at = Math.min(1, Math.max(0, fraction)) * (VIRIDIS.length - 1);
  const k = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const mixed = VIRIDIS[k].map((a, c) => Math.round(a + (at - k) * (VIRIDIS[k + 1][c] - a)));
  return `rgb(${mixed.join(",")})`;
}

// The colour of each value of a feature, between low and high.
function colouring(feature, low, high) {
  if (feature.codes.length) return (v) => (Number.isNaN(v) ? null : CLASSES[v % CLASSES.length]);
  return (v) => (Number.isNaN(v) ? null : viridis((v - low) / (high - low || 1)));
}

// A bar from low to high for numbers, a legend of the classes that occur; and of grey, where a bin has no value.
function colourKey(place, feature, low, high, some_missing) {
  const patch = (back, text) => {
    const mark = element("i", { className: "dot" });
    mark.style.background = back;
    return element("span", {}, mark, text);
  };
  const missing = some_missing ? [patch(colour("--line"), "no value")] : [];
  if (feature.codes.length) {
    place.className = "legend";
    const classes = feature.present.map((k) => patch(CLASSES[k % CLASSES.length], feature.codes[k].replaceAll("_", " ")));
    place.replaceChildren(...classes, ...missing);
    return;
  }
  const bar = element("i", { className: "bar" });
  bar.style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map(viridis).join(",")})`;
  place.className = "key";
  place.replaceChildren(element("span", {}, plain(low, 3)), bar, element("span", {}, plain(high, 3)),
    element("span", { className: "unit" }, withUnit(feature.name, feature.unit)), ...missing);
}
