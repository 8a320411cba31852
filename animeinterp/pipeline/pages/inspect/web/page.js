// The page: tabs of the stages, keys, and what stands around the pictures.

const RECORD = { name: "record", title: "Record", summary: "settings, times", state: "ok" };
const WITH_PIECES = new Set(["segmentation", "matching", "coarse_flow", "refinement"]);
const THUMB_WIDTH = 112;
const KEYS = [
  ["1 … 9", "show that picture"],
  ["[ ]", "previous stage, next stage"],
  ["+ − 0", "zoom in, out, whole frame; or wheel and pinch"],
  ["arrows", "pan the focused picture; or drag"],
  ["c", "compare by a slider"],
  ["f", "compare by flickering, or by swapping if reduced motion is set"],
  ["v", "vectors of a flow"],
  ["t", "next time"],
  ["n p", "next smaller, next larger piece"],
  ["m z", "go to the match of the piece, zoom to it"],
  ["Esc", "unpin the piece"],
  ["?", "this list"],
];
const tabs = [...page.stages, RECORD];
let stage = null;
let waiting = 0;

const pieces = new Pieces(() => {
  stage?.showMarks();
  remember();
});

function openTab(name, focus = false) {
  const part = tabs.find((each) => each.name === name) ?? tabs[0];
  tellOther("tab", part.name);
  for (const tab of document.querySelectorAll("#tabs [role=tab]")) {
    const chosen = tab.dataset.stage === part.name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) {
      if (focus) tab.focus();
      tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }
  stage?.close();
  const recording = part === RECORD;
  document.getElementById("stage").setAttribute("aria-labelledby", `tab-${part.name}`);
  document.getElementById("stage").dataset.stage = part.name;
  document.getElementById("work").hidden = recording;
  document.getElementById("tools").hidden = recording || !part.views.length;
  document.getElementById("record").hidden = !recording;
  for (const id of ["piece", "candidates"]) {
    document.getElementById(id).hidden = !WITH_PIECES.has(part.name) || !pieces.there;
  }
  document.getElementById("notes").replaceChildren(...(recording ? [] : noteElements(part)));
  stage = recording ? null : new Stage(part, pieces);
  if (stage) {
    document.getElementById("facts").replaceChildren(...(part.facts.length ? [factList(part.facts)] : []));
    stage.open();
  }
  remember();
}

function noteElements(part) {
  const notes = part.notes.map((note) => make("p", { class: `note ${part.state}` }, note));
  if (part.command) {
    notes.push(make("p", { class: "note" }, "To compute it: ", make("code", {}, part.command)));
  }
  return notes;
}

// The address keeps the stage and the pinned piece, so that a look can be passed on.
function remember() {
  const parts = [stage ? stage.part.name : RECORD.name];
  if (pieces.pinned) parts.push(pieces.side, pieces.piece);
  try {
    history.replaceState(null, "", `#${parts.join("/")}`);
  } catch {
    // Some browsers refuse this for files; the page works without.
  }
}

function recall() {
  const [name, side, piece] = location.hash.slice(1).split("/");
  const known = tabs.some((part) => part.name === name);
  if (!known && document.getElementById(name)) return; // a place within the page
  openTab(name);
  if (piece !== undefined && page.pieces[Number(side)]?.area[Number(piece)] !== undefined) {
    pieces.select(Number(side), Number(piece), true);
  }
}

function buildTabs() {
  const list = document.getElementById("tabs");
  for (const part of tabs) {
    const thumb = part.views?.length ? make("span", { class: "thumb", "aria-hidden": "true" }) : null;
    list.append(make("button", {
      type: "button", role: "tab", id: `tab-${part.name}`, "data-stage": part.name, "data-state": part.state,
      "aria-controls": "stage", onclick: () => openTab(part.name),
    }, thumb, make("b", {}, part.title), make("small", {}, part.summary)));
  }
  list.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    stepTab(steps[event.key], true);
  });
}

function stepTab(by, focus) {
  const at = tabs.findIndex((part) => part.name === (stage ? stage.part.name : RECORD.name));
  openTab(tabs[Math.min(tabs.length - 1, Math.max(0, at + by))].name, focus);
}

// Small pictures on the tabs, painted when the page stands.
async function paintThumbs() {
  for (const part of page.stages) {
    const layer = part.views[0]?.layers[0];
    const thumb = document.querySelector(`#tab-${part.name} .thumb`);
    if (!layer) continue;
    const source = await paintLayer(layer);
    const canvas = makeCanvas(THUMB_WIDTH, Math.round((THUMB_WIDTH * source.height) / source.width));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    thumb.replaceChildren(canvas);
    await new Promise((done) => setTimeout(done)); // hands and eyes first
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("help").open) return;
  if (event.target.closest("input, select, textarea")) return;
  const onPicture = event.target.classList.contains("screen");
  const actions = {
    "[": () => stepTab(-1), "]": () => stepTab(1),
    "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), "0": () => moveTo(0.5, 0.5, 1),
    "c": () => stage?.compare(stage.comparing === "slider" ? "off" : "slider"),
    "f": () => stage?.flickerKey(), "v": () => stage?.toggleVectors(), "t": () => stage?.nextTime(),
    "n": () => pieces.step(1), "p": () => pieces.step(-1), "m": goToMatch, "z": () => pieces.zoomTo(),
    "Escape": () => pieces.unpin(), "?": () => document.getElementById("help").showModal(),
    ...(onPicture ? {
      ArrowLeft: () => panBy(-0.1, 0), ArrowRight: () => panBy(0.1, 0),
      ArrowUp: () => panBy(0, -0.1), ArrowDown: () => panBy(0, 0.1),
    } : {}),
  };
  const action = /^[1-9]$/.test(event.key) ? () => stage?.switchTo(Number(event.key) - 1) : actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function goToMatch() {
  const match = pieces.table()?.match?.[pieces.piece];
  if (match !== undefined) pieces.select(1 - pieces.side, match, true);
}

function buildHead() {
  document.getElementById("about").textContent = page.about.join(" · ");
  const items = page.scores.map(([name, value]) => make("li", {}, make("span", {}, name), make("b", {}, value)));
  document.getElementById("scores").replaceChildren(...items);
  document.querySelector("#help dl").replaceChildren(...KEYS.flatMap(([key, does]) => [
    make("dt", {}, ...key.split(" ").map((each) => make("kbd", {}, each))), make("dd", {}, does)]));
  document.getElementById("help-button").addEventListener("click", () => document.getElementById("help").showModal());
  document.getElementById("record").replaceChildren(...buildRecord());
}

viewportListeners.add(() => {
  tellOther("place", { ...viewport });
  const shown = document.getElementById("zoom-shown");
  if (shown) shown.textContent = `${viewport.zoom.toFixed(1)}×`;
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => stage?.refresh()); // wheels turn faster than pictures are drawn
});
document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", recall);
new ResizeObserver(() => stage?.refresh()).observe(document.getElementById("views"));
buildHead();
buildTabs();
moveTo(0.5, 0.5, 1);
recall();
followOther({
  // Which stage and place it finds here; later, since what is done now is not told.
  ready: () => queueMicrotask(() => {
    tellOther("tab", stage ? stage.part.name : RECORD.name);
    tellOther("place", { ...viewport });
  }),
  tab: (name) => openTab(name),
  place: ({ x, y, zoom }) => moveTo(x, y, zoom),
  layer: (label) => stage?.switchTo(stage.labels.indexOf(label)),
  time: (time) => { if (stage?.part.times?.includes(time)) stage.turnTo(time); },
  vectors: (wanted) => { if (stage && wanted !== stage.withVectors) stage.toggleVectors(); },
  hover: ([side, place]) => stage?.hover(side, place),
  pin: ([side, place, pinned]) => pieces.pinAt(side, place, pinned),
  unpin: () => pieces.unpin(),
});
paintThumbs();
