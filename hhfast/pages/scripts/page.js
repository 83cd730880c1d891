// Elements and sliders. Text is only ever text, never markup.
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
  const problem = element("span", { className: "problem", id: `${id}-problem`, hidden: true });
  const whole = element("div", { className: "slider" }, text, box, range, problem);
  const shown = { value, initial: value };
  const rounded = (x) => Number(x.toPrecision(4));
  // Says what is wrong with the value, "" for nothing.
  function complain(message) {
    problem.textContent = message;
    problem.hidden = !message;
    for (const input of [range, box]) {
      if (message) input.setAttribute("aria-describedby", problem.id);
      else input.removeAttribute("aria-describedby");
      input.setAttribute("aria-invalid", String(Boolean(message)));
    }
  }
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
    complain(box.validity.badInput ? "is not a number; the value before stays" : "");
    if (box.value === "" || !Number.isFinite(x)) return;
    show(x);
    changed(x);
  });
  box.addEventListener("blur", () => {
    if (box.validity.badInput) complain("");
    show(shown.value);
  });
  show(value);
  return { whole, label, show, complain, get value() { return shown.value; } };
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
