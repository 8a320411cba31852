// A view: a place for the layers of a frame, with marks, vectors and what is read under the pointer.

const BLACK = [0, 0, 0];
const MARK_OPACITY = 140; // of 255
const VECTOR_SPACING = 26; // px of the screen
const RING_SIZE = 30; // px of the screen; smaller pieces get a ring
const VECTOR_SHORTEST = 0.5; // px of the frame; shorter ones are dots

class View {
  constructor(spec, stage) {
    this.spec = spec;
    this.stage = stage;
    this.layer = spec.layers.find((layer) => layer.time === undefined || layer.time === stage.time) ?? spec.layers[0];
    this.other = null; // the layer that it is compared with
    this.shown = 0; // counts what was asked to be shown, as painting takes its time
    this.build();
  }

  build() {
    const [height, width] = page.size ?? [9, 16];
    this.base = makeCanvas(width, height);
    this.base.setAttribute("role", "img");
    this.base.getContext("2d", { willReadFrequently: true });
    this.over = makeCanvas(width, height);
    this.marks = makeCanvas(width, height);
    this.marks.getContext("2d", { willReadFrequently: true });
    this.rings = make("div", { class: "rings", "aria-hidden": "true" });
    this.vectors = makeCanvas(1, 1);
    for (const canvas of [this.marks, this.vectors]) canvas.setAttribute("aria-hidden", "true");
    this.cursor = make("span", { class: "cursor", hidden: true });
    this.pane = make("div", { class: "pane", hidden: true }, make("div", { class: "sheet" }, this.over));
    const sheet = make("div", { class: "sheet" }, this.base);
    const marked = make("div", { class: "sheet" }, this.marks, this.cursor);
    this.screen = make("div", {
      class: "screen", tabindex: "0", role: "group",
      "aria-label": `${this.spec.title}; arrow keys move, plus and minus zoom`,
    }, sheet, this.pane, marked, this.vectors, this.rings);
    this.vectors.className = "vectors";
    this.screen.style.aspectRatio = `${width} / ${height}`;
    this.reading = make("output", { class: "reading", "aria-live": "off" });
    this.legend = make("div", { class: "legends" });
    this.label = make("span", { class: "layer-name" });
    const caption = make("figcaption", {}, make("b", {}, this.spec.title), this.label);
    this.element = make("figure", { class: "view" }, caption, this.screen, this.reading, this.legend);
    makeMovable(this.screen, {
      hover: (place) => this.stage.hover(this.spec.side, place, this),
      leave: () => this.stage.hover(this.spec.side, null, this),
      click: (place) => this.stage.click(this.spec.side, place),
    });
  }

  // The layer of a name, at the time looked at; what is shown now where there is none.
  layerOf(label, time) {
    const fits = (layer) => layer.label === label && (layer.time === undefined || layer.time === time);
    return this.spec.layers.find(fits) ?? this.layer;
  }

  async show(layer) {
    this.layer = layer;
    const turn = ++this.shown;
    const canvas = await paintLayer(layer);
    if (turn !== this.shown) return;
    copyCanvas(canvas, this.base);
    this.base.setAttribute("aria-label", layer.alt);
    this.screen.dataset.layer = layer.label;
    this.tellLabel(layer.time === undefined ? layer.label : `${layer.label}, t = ${layer.time}`);
    this.legend.replaceChildren(...makeLegend(layer));
  }

  // Which layer is shown, where the view's title does not say it.
  tellLabel(text) {
    this.label.textContent = text === this.spec.title ? "" : text;
  }

  // Lay another layer over this one; `split` is where it begins, in shares of the screen, 0 = everywhere.
  async compareWith(layer, split) {
    this.other = layer;
    this.pane.hidden = layer === null;
    if (layer === null) return;
    this.pane.style.setProperty("--split", `${split * 100}%`);
    this.pane.dataset.layer = layer.label;
    copyCanvas(await paintLayer(layer), this.over);
  }

  pointAt(place) {
    this.cursor.hidden = place === null;
    if (place === null) return;
    this.cursor.style.left = `${place.x * 100}%`;
    this.cursor.style.top = `${place.y * 100}%`;
  }

  // Mark pieces: entries of piece and colour, in the map of this view's frame.
  async mark(entries) {
    const turn = (this.marking = (this.marking ?? 0) + 1);
    const labels = entries.length ? await loadPicture(`labels${this.spec.side}`) : null;
    if (turn !== this.marking) return;
    const context = this.marks.getContext("2d");
    context.clearRect(0, 0, this.marks.width, this.marks.height);
    this.marks.dataset.pieces = entries.map((entry) => entry.piece).join(" ");
    const thickness = Math.max(1, Math.round((1.6 * this.marks.width) / this.screen.clientWidth / viewport.zoom));
    const boxes = page.pieces[this.spec.side]?.box;
    for (const { piece, color } of entries) {
      paintMark(context, labels, piece, boxes[piece], color, thickness);
    }
    this.rings.replaceChildren(...entries.map(({ piece, color }) => this.makeRing(boxes[piece], color)));
  }

  // A ring around a piece that could be overlooked; null around others.
  makeRing([left, top, right, bottom], color) {
    const perPixel = (this.screen.clientWidth * viewport.zoom) / this.marks.width;
    if (Math.max(right - left, bottom - top) * perPixel > RING_SIZE) return "";
    const ring = make("i");
    const share = (value, size, centre) => (((value + 0.5) / size - centre) * viewport.zoom + 0.5) * 100;
    ring.style.left = `${share((left + right) / 2, this.marks.width, viewport.x)}%`;
    ring.style.top = `${share((top + bottom) / 2, this.marks.height, viewport.y)}%`;
    ring.style.borderColor = `rgb(${color.join(",")})`;
    return ring;
  }

  async drawVectors(wanted) {
    const { clientWidth: width, clientHeight: height } = this.screen;
    const scale = window.devicePixelRatio || 1;
    this.vectors.width = Math.round(width * scale);
    this.vectors.height = Math.round(height * scale);
    this.vectors.hidden = !wanted || !this.spec.flow;
    if (this.vectors.hidden || !width) return;
    const flow = await loadPicture(this.spec.flow);
    const context = this.vectors.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const perPixel = (width * viewport.zoom) / flow.width; // px of the screen in one of the frame
    let count = 0;
    for (let v = VECTOR_SPACING / 2; v < height; v += VECTOR_SPACING) {
      for (let u = VECTOR_SPACING / 2; u < width; u += VECTOR_SPACING) {
        const place = {
          x: viewport.x + (u / width - 0.5) / viewport.zoom,
          y: viewport.y + (v / height - 0.5) / viewport.zoom,
        };
        const index = indexAt(flow, place);
        drawArrow(context, u, v, flow.dx[index], flow.dy[index], perPixel);
        count += 1;
      }
    }
    this.vectors.dataset.count = count;
  }

  // What is to be read at a place of the frame.
  async read(place) {
    if (place === null) {
      this.reading.textContent = "";
      return;
    }
    const [height, width] = page.size;
    const said = [`x ${Math.floor(place.x * width)}, y ${Math.floor(place.y * height)}`];
    const { side, flow, reads = [] } = this.spec;
    if (side !== undefined && page.pieces[side]) said.push(`piece ${await pieceAt(side, place)}`);
    if (flow) {
      const picture = await loadPicture(flow);
      const index = indexAt(picture, place);
      said.push(vectorText(picture.dx[index], picture.dy[index]));
    }
    for (const [label, name, unit, time] of reads) {
      if (time !== undefined && time !== this.layer.time) continue;
      const picture = await loadPicture(name);
      const value = picture.values[indexAt(picture, place)];
      said.push(`${label} ${numberText(value)} ${unit}`.trim());
    }
    if (this.layer.draw === "photo") said.push(await this.readColor(place));
    this.reading.textContent = said.join(" · ");
  }

  async readColor(place) {
    const canvas = await paintLayer(this.layer);
    const [x, y] = [Math.floor(place.x * canvas.width), Math.floor(place.y * canvas.height)];
    const [red, green, blue] = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
    return `RGB ${red} ${green} ${blue}`;
  }
}

function copyCanvas(source, target) {
  const context = target.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(source, 0, 0, target.width, target.height);
}

async function pieceAt(side, place) {
  const picture = await loadPicture(`labels${side}`);
  return picture.labels[indexAt(picture, place)];
}

function vectorText(dx, dy) {
  const text = (value) => value.toFixed(2).replace("-", "−");
  return `flow (${text(dx)}, ${text(dy)}) px, ${Math.hypot(dx, dy).toFixed(2)} px long`;
}

// Fill a piece with a colour, half transparent, and outline it: inside in the colour, outside in black.
function paintMark(context, picture, piece, box, color, thickness) {
  const left = Math.max(0, box[0] - thickness);
  const top = Math.max(0, box[1] - thickness);
  const right = Math.min(picture.width - 1, box[2] + thickness);
  const bottom = Math.min(picture.height - 1, box[3] + thickness);
  const width = right - left + 1;
  const pixels = context.getImageData(left, top, width, bottom - top + 1);
  const { labels } = picture;
  const inside = (x, y) =>
    x >= 0 && y >= 0 && x < picture.width && y < picture.height && labels[y * picture.width + x] === piece;
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const own = labels[y * picture.width + x] === piece;
      const around = inside(x - thickness, y) + inside(x + thickness, y)
        + inside(x, y - thickness) + inside(x, y + thickness);
      if (!own && around === 0) continue;
      const i = (y - top) * width + x - left;
      setPixel(pixels.data, i, own ? color : BLACK, 0);
      pixels.data[4 * i + 3] = own && around === 4 ? MARK_OPACITY : 255;
    }
  }
  context.putImageData(pixels, left, top);
}

function drawArrow(context, x, y, dx, dy, perPixel) {
  context.fillStyle = context.strokeStyle = "#000";
  if (Math.hypot(dx, dy) < VECTOR_SHORTEST) {
    context.globalAlpha = 0.35;
    context.fillRect(x - 0.75, y - 0.75, 1.5, 1.5);
    context.globalAlpha = 1;
    return;
  }
  const [endX, endY] = [x + dx * perPixel, y + dy * perPixel];
  const angle = Math.atan2(dy, dx);
  const head = Math.min(5, Math.hypot(dx, dy) * perPixel);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(endX, endY);
  for (const turn of [-0.5, 0.5]) {
    context.moveTo(endX, endY);
    context.lineTo(endX - head * Math.cos(angle + turn), endY - head * Math.sin(angle + turn));
  }
  // A pale rim keeps arrows visible on dark colours.
  context.strokeStyle = "rgba(255,255,255,0.75)";
  context.lineWidth = 3;
  context.stroke();
  context.strokeStyle = "#111";
  context.lineWidth = 1.2;
  context.stroke();
}
