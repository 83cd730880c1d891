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

// The colour of class v. Of more classes than colours only those that occur have one, lighter and darker in turn.
function classColour(feature, v) {
  if (feature.codes.length <= CLASSES.length) return CLASSES[v];
  const k = Math.max(0, feature.present.indexOf(v));
  const [towards, share] = [[255, 0], [255, 0.5], [0, 0.45]][Math.min(2, Math.floor(k / CLASSES.length))];
  const parts = [1, 3, 5].map((c) => parseInt(CLASSES[k % CLASSES.length].slice(c, c + 2), 16));
  return `rgb(${parts.map((part) => Math.round(part + share * (towards - part))).join(",")})`;
}

const isNumber = ({ codes }) => !codes.length;
const spoken = (name) => name.replaceAll("_", " ");

// The colour of each value of a feature, between low and high; null where there is none.
function colouring(feature, { low, high }) {
  if (!isNumber(feature)) return (v) => (Number.isNaN(v) ? null : classColour(feature, v));
  return (v) => (Number.isNaN(v) ? null : viridis((v - low) / (high - low || 1)));
}

// A bar from low to high for numbers, a legend of the classes that occur; and of grey, where a bin has no value.
function colourKey(place, feature, { low, high, below, above }, missing) {
  const grey = missing ? [{ text: missing, fill: colour("--line") }] : [];
  if (!isNumber(feature)) {
    showLegend(place, [...feature.present.map((k) => ({ text: spoken(feature.codes[k]), fill: classColour(feature, k) })), ...grey]);
    return;
  }
  const colours = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1].map(viridis);
  const ends = { low: `${below ? "≤ " : ""}${plain(low, 3)}`, high: `${above ? "≥ " : ""}${plain(high, 3)}` };
  showLegend(place, [{ ...ends, colours, text: withUnit(spoken(feature.name), feature.unit) }, ...grey]);
}
