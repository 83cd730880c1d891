// What a model does by itself: a button for each phenomenon, with a sentence; and those that were not found in it.
class Presets {
  // chosen(preset) is called when its button is pressed.
  constructor(page, chosen) {
    this.page = page;
    byId("presets").append(...page.presets.map((preset) => {
      const button = element("button", { type: "button", textContent: preset.name, "aria-pressed": "false" });
      button.addEventListener("click", () => chosen(preset));
      return button;
    }));
    byId("absent").textContent = page.absent.length ? `Looked for and not found in this model: ${page.absent.join(", ")}.` : "";
  }

  named(name) { return this.page.presets.find((preset) => preset.name === name); }

  show(name) {
    const preset = this.named(name);
    const usual = this.page.presets.length ? "Each sets the current and shows something that the equations do by themselves." : "";
    byId("sentence").textContent = preset ? preset.sentence : usual;
    for (const button of byId("presets").children) {
      button.setAttribute("aria-pressed", String(button.textContent === name));
    }
  }
}
