// Elements, sliders, and the link that holds the state of a page. Text is only ever text, never markup.
const UNITS = { "uA cm-2": "µA/cm²", "mS cm-2": "mS/cm²", "uF cm-2": "µF/cm²", uM: "µM", degC: "°C", 1: "" };
const unitText = (unit) => (unit in UNITS ? UNITS[unit] : unit);
const withUnit = (name, unit) => (unitText(unit) ? `${name} (${unitText(unit)})` : name);
const byId = (id) => document.getElementById(id);
const pageData = () => JSON.parse(byId("data").textContent);

function element(tag, properties = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...inside);
  return made;
}

// A number as people write it, with at most `digits` that count.
function plain(x, digits = 4) {
  if (!Number.isFinite(x)) return x > 0 ? "∞" : x < 0 ? "−∞" : "–";
  const text = String(Number(x.toPrecision(digits)));
  return text.replace("e+", "e");
}

// A slider with a box for any number, also one outside the slider's range. changed(value) is called as it moves.
function slider({ name, label, unit, value, low, high, changed }) {
  const id = `s-${name}`;
  const range = element("input", { type: "range", id, min: 0, max: 1000, step: 1 });
  const box = element("input", { type: "number", step: "any", "aria-label": `${label}, exact value` });
  const text = element("label", { htmlFor: id }, label);
  if (unitText(unit)) text.append(" ", element("span", { className: "unit" }, unitText(unit)));
  const whole = element("div", { className: "slider" }, text, box, range);
  const shown = { value, initial: value };
  const rounded = (x) => Number(x.toPrecision(4));
  function show(x) {
    shown.value = x;
    range.value = Math.round((1000 * (x - low)) / (high - low));
    range.setAttribute("aria-valuetext", `${plain(x)} ${unitText(unit)}`);
    if (document.activeElement !== box) box.value = Number.isFinite(x) ? Number(x.toPrecision(12)) : "";
    whole.classList.toggle("changed", x !== shown.initial);
  }
  range.addEventListener("input", () => {
    // Near where it began the slider takes the very value, so that it can be found again.
    const x = low + (range.value / 1000) * (high - low);
    const begin = shown.initial;
    show(Math.abs(x - begin) < 0.004 * (high - low) ? begin : rounded(x));
    changed(shown.value);
  });
  box.addEventListener("input", () => {
    const x = Number(box.value);
    if (box.value === "" || !Number.isFinite(x)) return;
    show(x);
    changed(x);
  });
  box.addEventListener("blur", () => show(shown.value));
  show(value);
  return { whole, show, get value() { return shown.value; } };
}

// What changed from the beginning, as the fragment of a link: name=value&name=value.
function writeLink(state, initial) {
  const changed = Object.entries(state).filter(([name, value]) => value !== initial[name]);
  const text = changed.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  const url = `${location.pathname}${location.search}${text ? `#${text}` : ""}`;
  history.replaceState(null, "", url);
}

// The state of a link: known names only, numbers where numbers are.
function readLink(initial) {
  const state = { ...initial };
  for (const part of location.hash.slice(1).split("&")) {
    const cut = part.indexOf("=");
    if (cut < 0) continue;
    let name, value;
    try {
      name = decodeURIComponent(part.slice(0, cut));
      value = decodeURIComponent(part.slice(cut + 1));
    } catch {
      continue; // a link that was cut in the middle
    }
    if (!Object.hasOwn(initial, name)) continue;
    if (typeof initial[name] !== "number") state[name] = value;
    else if (value === "Infinity" || (value.trim() !== "" && Number.isFinite(Number(value)))) state[name] = Number(value);
  }
  return state;
}

// Calls once per frame, however often it is asked.
function oncePerFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

function copyButton(button) {
  button.addEventListener("click", async () => {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The link is in the address bar";
    }
    setTimeout(() => (button.textContent = before), 1600);
  });
}
