// Colours from the page's style, so that light and dark both work, the size of text, and units as they are printed.
// Read once: asking for a style in the middle of drawing makes the browser lay the page out anew.
const known = new Map();
function colour(name) {
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return known.get(name);
}
const dashOf = (k) => (k < 8 ? [] : k < 16 ? [6, 3] : [2, 3]); // where the colours begin anew
const series = (k) => colour(`--c${k % 8}`);

// How large the reader's letters are, beside those that pages are drawn for.
const SCALE = parseFloat(getComputedStyle(document.documentElement).fontSize) / 15;
const FONT = `${(12 * SCALE).toFixed(1)}px system-ui, sans-serif`;

// Draws anew when light becomes dark, or the page is printed, which is always light.
function whenColoursChange(draw) {
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => {
      known.clear();
      draw();
    });
  }
}

// uA cm-2 is µA/cm²: what has a negative power stands below the line.
function unitText(unit) {
  if (unit === "1" || unit === "" || unit === undefined) return "";
  if (unit === "degC") return "°C";
  const factors = unit.split(" ").map((factor) => /^([A-Za-z%]+)(-?[0-9]?)$/.exec(factor));
  if (factors.includes(null)) return unit;
  const written = ([, name, power]) => {
    const micro = /^u[A-Z]|^um$|^us$/.test(name) ? `µ${name.slice(1)}` : name;
    return micro + ["", "", "²", "³"][Math.abs(power) || 0];
  };
  const above = factors.filter(([, , power]) => !power.startsWith("-")).map(written).join(" ");
  const below = factors.filter(([, , power]) => power.startsWith("-")).map(written);
  if (!below.length) return above;
  return `${above || 1}/${below.length > 1 ? `(${below.join(" ")})` : below[0]}`;
}
const withUnit = (name, unit) => (unitText(unit) ? `${name} (${unitText(unit)})` : name);
