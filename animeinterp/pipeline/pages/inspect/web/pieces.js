// Pieces: which one is looked at, its match, why it moved or not, and what else it could match.

const OWN_COLOR = [255, 140, 0];
const MATCH_COLOR = [0, 170, 255];
const PIECE_SHARE = 0.6; // of the frame that a piece fills when zoomed to
const PROBE_COLOR = [225, 60, 220];

const CANDIDATE_COLUMNS = ["piece", "affinity", "features", "size", "distance", "ranks", ""];
const CANDIDATE_BARS = [
  ["affinity", "affinity: features less both penalties (none where they are larger)"],
  ["size", "penalty for different areas"],
  ["distance", "penalty for distance"],
];
const CANDIDATES_TOLD = "Features: the sum of the minima of both pieces' features, 1 for equal ones. "
  + "Ranks: of the candidate for this piece + of this piece for it, 0 for the most alike; the match has the smallest sum.";

class Pieces {
  constructor(changed) {
    this.changed = changed; // what is marked has changed
    this.side = 0;
    this.piece = null;
    this.pinned = false;
    this.probe = null; // a candidate that is looked at
    this.fate = ""; // only pieces of this fate are stepped through
    this.panel = document.getElementById("piece");
    this.below = document.getElementById("candidates");
    this.there = page.pieces.some((table) => table !== null);
    if (this.there) this.build();
  }

  table(side = this.side) {
    return page.pieces[side];
  }

  async hover(side, place) {
    if (side === undefined || !this.table(side) || this.pinned) return;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const piece = place === null ? null : await pieceAt(side, place);
    if (turn !== this.turn || this.pinned) return; // the pointer is elsewhere by now
    if (piece !== null) this.select(side, piece, false);
  }

  async click(side, place) {
    if (side === undefined || place === null || !this.table(side)) return;
    const piece = await pieceAt(side, place);
    const again = this.pinned && this.side === side && this.piece === piece;
    tellOther("pin", [side, place, !again]);
    this.select(side, piece, !again);
  }

  // The piece at a place, as it was pinned or let go in the other page: there it may have another number.
  async pinAt(side, place, pinned) {
    if (this.table(side)) this.select(side, await pieceAt(side, place), pinned);
  }

  select(side, piece, pinned) {
    if (side === this.side && piece === this.piece && pinned === this.pinned) return;
    Object.assign(this, { side, piece, pinned, probe: null });
    this.tell();
    this.changed();
  }

  unpin() {
    tellOther("unpin", true);
    this.pinned = false;
    this.tell();
  }

  // The next piece that the filter admits, the largest first.
  step(by) {
    const order = this.order();
    if (!order.length) return;
    const at = order.indexOf(this.piece);
    const next = at < 0 ? (by > 0 ? 0 : order.length - 1) : (at + by + order.length) % order.length;
    this.select(this.side, order[next], true);
  }

  order() {
    const table = this.table();
    if (!table) return [];
    const numbers = table.area.map((_, piece) => piece).reverse(); // numbers ascend with the area
    return this.fate === "" ? numbers : numbers.filter((piece) => table.fate?.[piece] === Number(this.fate));
  }

  // Zoom so that the piece fills a good part of the picture.
  zoomTo() {
    if (this.piece === null || !page.size) return;
    const [height, width] = page.size;
    const [left, top, right, bottom] = this.table().box[this.piece];
    const share = Math.max((right - left + 1) / width, (bottom - top + 1) / height);
    const zoom = Math.min(LARGEST_ZOOM, Math.max(1, PIECE_SHARE / share));
    moveTo((left + right + 1) / 2 / width, (top + bottom + 1) / 2 / height, zoom);
  }

  marksOn(side) {
    const marks = [];
    if (this.piece === null || !this.table()) return marks;
    if (side === this.side) return [{ piece: this.piece, color: OWN_COLOR }];
    const match = this.table().match?.[this.piece];
    if (match !== undefined) marks.push({ piece: match, color: MATCH_COLOR });
    if (this.probe !== null && this.probe !== match) marks.push({ piece: this.probe, color: PROBE_COLOR });
    return marks;
  }

  build() {
    this.sideSelect = make("select", { id: "piece-side", "aria-label": "Frame of the piece",
      onchange: () => { this.turnTo(Number(this.sideSelect.value)); this.changed(); } },
      ...[0, 1].filter((side) => this.table(side)).map((side) => make("option", { value: side }, `frame ${side}`)));
    this.numberInput = make("input", { id: "piece-number", type: "number", min: 0, inputmode: "numeric",
      "aria-label": "Number of the piece", onchange: () => this.type(this.numberInput.value) });
    this.fateSelect = make("select", { id: "piece-fate", "aria-label": "Step through",
      onchange: () => { this.fate = this.fateSelect.value; this.step(1); } });
    const step = (text, label, by) => make("button", { type: "button", "aria-label": label, onclick: () => this.step(by) }, text);
    this.headline = make("p", { id: "piece-why", "aria-live": "polite" });
    this.content = make("div", { id: "piece-content" });
    this.panel.replaceChildren(
      make("h2", {}, "Piece"),
      make("div", { class: "choice" }, step("‹", "Next larger piece", -1), this.numberInput,
        make("span", {}, "of"), this.sideSelect, step("›", "Next smaller piece", 1), this.fateSelect),
      this.headline, this.content);
    if (!this.table(this.side)) this.side = 1;
    this.turnTo(this.side);
  }

  // To the pieces of the other frame, none of them chosen.
  turnTo(side) {
    Object.assign(this, { side, piece: null, pinned: false, probe: null });
    const table = this.table();
    const counts = page.fates.map((_, fate) => table.fate?.filter((value) => value === fate).length ?? 0);
    this.fateSelect.replaceChildren(
      make("option", { value: "" }, `all ${table.area.length}`),
      ...page.fates.map((name, fate) => [name, fate]).filter(([, fate]) => counts[fate] > 0)
        .map(([name, fate]) => make("option", { value: fate }, `${name} (${counts[fate]})`)));
    this.fate = "";
    this.tell();
  }

  type(text) {
    const piece = Number(text);
    if (Number.isInteger(piece) && piece >= 0 && piece < this.table().area.length) this.select(this.side, piece, true);
  }

  tell() {
    if (!this.there) return;
    if (Number(this.sideSelect.value) !== this.side) this.sideSelect.value = String(this.side);
    const table = this.table();
    this.numberInput.max = table.area.length - 1;
    this.numberInput.value = this.piece ?? "";
    this.panel.dataset.piece = this.piece ?? "";
    this.panel.dataset.side = this.side;
    if (this.piece === null) {
      this.headline.textContent = "Point at a piece, or step through them with n and p.";
      this.headline.dataset.fate = "";
      this.content.replaceChildren();
      this.below.replaceChildren();
      return;
    }
    const fate = table.fate?.[this.piece];
    this.headline.textContent = table.why?.[this.piece] ?? "No coarse flow, so it is unknown whether it moves.";
    this.headline.dataset.fate = fate === undefined ? "" : page.fates[fate];
    const closer = make("button", { type: "button", class: "plain", onclick: () => this.zoomTo() }, make("kbd", {}, "z"), "zoom");
    const pin = make("p", { class: "hint" }, this.pinned ? "Pinned; Esc unpins it. " : "Click to pin it. ", closer);
    this.content.replaceChildren(pin, this.numbers(table), this.tests(table));
    this.below.replaceChildren(this.candidates(table));
  }

  numbers(table) {
    const piece = this.piece;
    const [x, y] = table.centroid[piece];
    const [left, top, right, bottom] = table.box[piece];
    const facts = [
      ["area", `${table.area[piece]} px`],
      ["centroid", `${x}, ${y}`],
      ["box", `${left}, ${top} to ${right}, ${bottom}`],
    ];
    if (table.match) {
      facts.push(["match", `${table.match[piece]} of frame ${1 - this.side}`],
        ["affinity", table.score?.[piece].toFixed(4)], ["rank sum", table.rankSum?.[piece]]);
    }
    return factList(facts);
  }

  // The tests that decide whether a piece moves, in their order; the first that fails is its fate.
  tests(table) {
    if (!table.limits) return "";
    const { limits } = table;
    const piece = this.piece;
    const area = table.area[piece];
    const fate = table.fate?.[piece];
    const overlap = { "moved": true, "no overlap": false }[page.fates[fate]] ?? null;
    const rows = [
      ["not mutual", "rank sum", table.rankSum[piece], `≤ ${limits.rankSum}`, table.rankSum[piece] <= limits.rankSum],
      ["too far", "shift", `${table.shift[piece]} px`, `≤ ${limits.shift} px`, table.shift[piece] <= limits.shift],
      ["too small", "area", `${area} px`, `> ${limits.smallest} px`, area > limits.smallest],
      ["too large", "area", `${area} px`, `< ${numberText(limits.largest, 6)} px`, area < limits.largest],
      ["area ratio", "area ratio", table.ratio[piece], `< ${limits.ratio}`, table.ratio[piece] < limits.ratio],
      ["no overlap", "overlap", overlapText(table.overlap?.[piece], overlap), `> ${limits.overlap * 100} %`, overlap],
    ].flatMap(([fate, ...row]) => testRows(row, table.settings[fate]));
    const head = ["test", "found", "wanted", ""].map((text) => make("th", { scope: "col" }, text));
    return make("table", { class: "tests" }, make("caption", {}, "Does it move?"),
      make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  }

  candidates(table) {
    if (!table.candidates) return "";
    const rows = table.candidates.rows[this.piece - table.candidates.first];
    if (!rows) {
      const count = table.candidates.rows.length;
      return make("p", { class: "hint" }, `Candidates are included for the ${count} largest pieces.`);
    }
    const body = rows.map((row) => this.candidateRow(row));
    const head = CANDIDATE_COLUMNS.map((text) => make("th", { scope: "col" }, text));
    const shown = make("table", { class: "candidates" },
      make("caption", {}, `Best candidates in frame ${1 - this.side}`),
      make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
    return make("div", {}, shown, candidateLegend());
  }

  candidateRow([piece, likeness, size, distance, rank, back]) {
    const button = make("button", {
      type: "button", class: "plain", "data-piece": piece, onclick: () => this.select(1 - this.side, piece, true),
      onfocus: () => this.look(piece), onblur: () => this.look(null),
    }, String(piece));
    const affinity = likeness - size - distance;
    const shares = [["affinity", Math.max(0, affinity)], ["size", size], ["distance", distance]];
    const parts = shares.map(([name, share]) => {
      const part = make("i", { class: name });
      part.style.width = `${Math.min(1, share) * 100}%`;
      return part;
    });
    return make("tr", { onmouseenter: () => this.look(piece), onmouseleave: () => this.look(null) },
      make("td", {}, button), make("td", {}, numberOf(affinity)), make("td", {}, numberOf(likeness)),
      make("td", {}, penaltyText(size)), make("td", {}, penaltyText(distance)), make("td", {}, `${rank} + ${back}`),
      make("td", { "aria-hidden": "true" }, make("span", { class: "parts" }, ...parts)));
  }

  look(piece) {
    this.probe = piece;
    this.changed();
  }
}

// A row of a test, and where it failed a second one with the setting that decides it.
function testRows([name, found, limit, passed], setting) {
  const row = make("tr", { class: passed === false ? "bad" : "" },
    make("th", { scope: "row" }, name), make("td", {}, String(found)), make("td", {}, limit),
    make("td", {}, passed === null ? "–" : passed ? "✓ passed" : "✗ failed"));
  if (passed !== false) return [row];
  return [row, make("tr", { class: "setting" }, make("td", { colspan: 4 }, make("code", {}, setting)))];
}

function candidateLegend() {
  const items = CANDIDATE_BARS.map(([name, text]) => make("li", {}, make("i", { class: name, "aria-hidden": "true" }), text));
  return make("div", { class: "told" }, make("ul", { class: "legend swatches parts-legend" }, ...items),
    make("p", { class: "legend" }, CANDIDATES_TOLD));
}

function overlapText(share, passed) {
  if (passed === null) return "not looked at";
  if (share !== undefined) return `${(share * 100).toFixed(1)} %`;
  return passed ? "above" : "not above";
}

function numberOf(value) {
  return value.toFixed(4).replace("-", "−");
}

function penaltyText(value) {
  return value === 0 ? "0" : `−${value.toFixed(4)}`;
}

function factList(facts) {
  return make("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))]));
}
