// The link that holds the state of a page.
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

// Copies a text when pressed, and says so; `otherwise` is said where the browser does not allow it.
function copyButton(button, text, otherwise) {
  button.addEventListener("click", async () => {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = otherwise;
    }
    setTimeout(() => (button.textContent = before), 1600);
  });
}

const copyLinkButton = (button) => copyButton(button, () => location.href, "The link is in the address bar");
