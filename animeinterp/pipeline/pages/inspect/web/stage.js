// The stage that is looked at: its views, its switches, and comparing two layers in one place.

const FLICKER_MS = 500; // two changes a second: faster flashing can harm

class Stage {
  constructor(part, pieces) {
    this.part = part;
    this.pieces = pieces;
    this.time = part.time;
    this.views = part.views.map((spec) => new View(spec, this));
    this.labels = [...new Set(part.views.filter(hasChoice).flatMap((spec) => spec.layers.map((layer) => layer.label)))];
    this.comparing = "off";
    this.split = 0.5;
    this.withVectors = false;
    this.timer = null;
  }

  get compared() {
    return this.views.find((view) => view.spec.compare && view.spec.layers.length > 1) ?? null;
  }

  async open() {
    document.getElementById("views").replaceChildren(...this.views.map((view) => view.element));
    document.getElementById("views").dataset.count = this.views.length;
    document.getElementById("views").style.setProperty("--shape", page.size ? page.size[1] / page.size[0] : 1.78);
    this.buildTools();
    await Promise.all(this.views.map((view) => view.show(view.layer)));
    this.refresh();
  }

  close() {
    clearInterval(this.timer);
  }

  buildTools() {
    const switches = this.labels.map((label, number) => make("button", {
      type: "button", "data-label": label, onclick: () => this.switchTo(number),
    }, ...(number < 9 ? [make("kbd", {}, String(number + 1))] : []), label));
    const groups = [];
    if (this.labels.length > 1) groups.push(make("div", { role: "group", "aria-label": "Show", id: "layers" }, ...switches));
    if (this.part.times?.length > 1) groups.push(this.timeSwitch());
    if (this.views.some((view) => view.spec.flow)) groups.push(this.vectorSwitch());
    if (this.compared) groups.push(this.compareTools());
    groups.push(zoomTools());
    document.getElementById("tools").replaceChildren(...groups);
    this.tellSwitches();
  }

  timeSwitch() {
    const choices = this.part.times.map((time) => make("button", {
      type: "button", "data-time": time, onclick: () => this.turnTo(time),
    }, `t = ${time}`));
    return make("div", { role: "group", "aria-label": "Time", id: "times" }, make("kbd", {}, "t"), ...choices);
  }

  vectorSwitch() {
    this.vectorButton = make("button", {
      type: "button", id: "vectors", "aria-pressed": "false", onclick: () => this.toggleVectors(),
    }, make("kbd", {}, "v"), "Vectors");
    return make("div", { role: "group", "aria-label": "Vectors" }, this.vectorButton);
  }

  compareTools() {
    const choice = (mode, key, text) => make("button", {
      type: "button", "data-mode": mode, "aria-pressed": String(mode === this.comparing),
      onclick: () => this.compare(mode === this.comparing ? "off" : mode),
    }, make("kbd", {}, key), text);
    const { layers } = this.compared.spec;
    this.otherSelect = make("select", { id: "other", "aria-label": "Compare with", onchange: () => this.compare(this.comparing) },
      ...layers.map((layer, number) => make("option", { value: number }, layer.label)));
    this.otherSelect.value = String(likelyOther(layers));
    this.divider = make("input", {
      type: "range", id: "divider", min: 0, max: 100, value: 50, "aria-label": "Divider, percent from the left",
      oninput: () => { this.split = this.divider.value / 100; this.applyComparison(); },
    });
    this.compareGroup = make("div", { role: "group", "aria-label": "Compare", id: "compare" },
      choice("slider", "c", "Slider"), choice("flicker", "f", "Flicker"),
      make("label", {}, "with ", this.otherSelect), this.divider);
    this.divider.hidden = true;
    return this.compareGroup;
  }

  // Every view that has a layer of this name shows it.
  async switchTo(number) {
    const label = this.labels[number];
    if (label === undefined) return;
    tellOther("layer", label);
    const shown = this.views.map((view) => view.show(view.layerOf(label, this.time)));
    this.tellSwitches();
    await Promise.all(shown);
    this.applyComparison();
  }

  // Every view shows what it shows at another time.
  turnTo(time) {
    tellOther("time", time);
    this.time = time;
    for (const view of this.views) view.show(view.layerOf(view.layer.label, time));
    this.tellSwitches();
  }

  nextTime() {
    const { times = [] } = this.part;
    if (times.length > 1) this.turnTo(times[(times.indexOf(this.time) + 1) % times.length]);
  }

  tellSwitches() {
    const shown = new Set(this.views.filter((view) => hasChoice(view.spec)).map((view) => view.layer.label));
    for (const button of document.querySelectorAll("#layers button")) {
      button.setAttribute("aria-pressed", String(shown.has(button.dataset.label)));
    }
    for (const button of document.querySelectorAll("#times button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.time) === this.time));
    }
  }

  toggleVectors() {
    if (!this.vectorButton) return;
    this.withVectors = !this.withVectors;
    tellOther("vectors", this.withVectors);
    this.vectorButton.setAttribute("aria-pressed", String(this.withVectors));
    this.refresh();
  }

  // Compare by `slider` or `flicker`, or stop; without motion flickering is done by hand.
  compare(mode) {
    if (!this.compared) return;
    const again = mode === this.comparing && mode === "flicker";
    clearInterval(this.timer);
    this.comparing = mode;
    this.flipped = again ? this.flipped : false;
    for (const button of this.compareGroup.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    this.divider.hidden = mode !== "slider";
    if (mode === "flicker" && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.timer = setInterval(() => this.flip(), FLICKER_MS);
    }
    this.applyComparison();
  }

  flip() {
    this.flipped = !this.flipped;
    this.applyComparison();
  }

  // The flicker key: starts it, and stops it; where motion is not wanted it swaps the pictures.
  flickerKey() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.comparing !== "flicker") this.compare("flicker");
    else if (!still) this.compare("off");
    if (still) this.flip();
  }

  applyComparison() {
    const view = this.compared;
    if (!view) return;
    const other = view.spec.layers[Number(this.otherSelect.value)];
    const covering = this.comparing === "slider" || (this.comparing === "flicker" && this.flipped);
    const split = this.comparing === "slider" ? this.split : 0;
    view.compareWith(covering ? other : null, split);
    view.tellLabel({
      off: view.layer.label,
      slider: `${view.layer.label} | ${other.label}`,
      flicker: this.flipped ? other.label : view.layer.label,
    }[this.comparing]);
  }

  // A place of the frame is looked at; where the pointer itself is, none is drawn.
  hover(side, place, underPointer = null) {
    tellOther("hover", [side, place]);
    for (const each of this.views) {
      each.pointAt(each === underPointer ? null : place);
      each.read(place);
    }
    this.pieces.hover(side, place);
  }

  click(side, place) {
    this.pieces.click(side, place);
  }

  // Marks and vectors depend on zoom and size.
  refresh() {
    for (const view of this.views) {
      view.drawVectors(this.withVectors);
      view.screen.classList.toggle("pixels", view.screen.clientWidth * viewport.zoom > 2 * view.base.width);
    }
    this.showMarks();
  }

  showMarks() {
    for (const view of this.views) {
      const side = view.spec.side;
      if (side !== undefined && page.pieces[side]) view.mark(this.pieces.marksOn(side));
    }
  }
}

// Whether a view has something to switch to.
function hasChoice(spec) {
  return new Set(spec.layers.map((layer) => layer.label)).size > 1;
}

// The ground truth or the other frame: what a first picture is most often compared with.
function likelyOther(layers) {
  const truth = layers.findIndex((layer) => layer.label === "Ground truth");
  return truth >= 0 ? truth : Math.min(1, layers.length - 1);
}

function zoomTools() {
  const button = (text, label, action) => make("button", { type: "button", "aria-label": label, onclick: action }, text);
  return make("div", { role: "group", "aria-label": "Zoom", id: "zoom" },
    button("−", "Zoom out", () => zoomBy(1 / 1.5)),
    make("output", { id: "zoom-shown" }, `${viewport.zoom.toFixed(1)}×`),
    button("+", "Zoom in", () => zoomBy(1.5)),
    button("Fit", "Whole frame", () => moveTo(0.5, 0.5, 1)));
}
