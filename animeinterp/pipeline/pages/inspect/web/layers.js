// Layers: what is painted from a picture, and the legend that explains its colours.

const painted = new Map();
const HOLE = [235, 30, 60];

// A canvas with the layer; each is painted once.
function paintLayer(layer) {
  if (!painted.has(layer)) painted.set(layer, paintNow(layer));
  return painted.get(layer);
}

async function paintNow(layer) {
  const picture = await loadPicture(layer.picture);
  const canvas = makeCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (layer.draw === "photo") {
    context.drawImage(picture.image, 0, 0);
    return canvas;
  }
  if (layer.draw === "holes") context.drawImage((await loadPicture(layer.over)).image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const paint = { pieces: paintPieces, flow: paintFlow, length: paintLength, heat: paintHeat, holes: paintHoles };
  paint[layer.draw](pixels.data, picture, layer);
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function paintPieces(target, picture, layer) {
  const colors = readBytes(page.pieces[layer.side][layer.colors]);
  const { labels } = picture;
  for (let i = 0; i < labels.length; i++) setPixel(target, i, colors, 3 * labels[i]);
}

function paintFlow(target, picture, layer) {
  for (let i = 0; i < picture.dx.length; i++) {
    setPixel(target, i, flowColor(picture.dx[i], picture.dy[i], layer.longest), 0);
  }
}

// The colour wheel of the literature: hue is direction, saturation is length; longer ones are darkened.
function flowColor(dx, dy, longest) {
  const length = Math.hypot(dx, dy) / Math.max(longest, 1e-9);
  const wheel = page.wheel;
  const place = ((Math.atan2(-dy, -dx) / Math.PI + 1) / 2) * (wheel.length - 1);
  const lower = Math.floor(place);
  const share = place - lower;
  const first = wheel[lower];
  const second = wheel[(lower + 1) % wheel.length];
  return first.map((value, c) => {
    const hue = value * (1 - share) + second[c] * share;
    return Math.floor(255 * (length <= 1 ? 1 - length * (1 - hue) : 0.75 * hue));
  });
}

function paintLength(target, picture, layer) {
  for (let i = 0; i < picture.dx.length; i++) {
    heat(target, i, Math.hypot(picture.dx[i], picture.dy[i]), 0, layer.longest);
  }
}

function paintHeat(target, picture, layer) {
  const logarithmic = page.pictures[layer.picture].logarithmic;
  const [low, high] = logarithmic ? [Math.log(layer.low), Math.log(layer.high)] : [layer.low, layer.high];
  for (let i = 0; i < picture.values.length; i++) {
    const value = logarithmic ? Math.log(picture.values[i]) : picture.values[i];
    heat(target, i, value, low, high);
  }
}

function paintHoles(target, picture) {
  for (let i = 0; i < picture.values.length; i++) {
    if (picture.values[i] === 0) setPixel(target, i, HOLE, 0);
  }
}

let heatColors = null;

function heat(target, i, value, low, high) {
  heatColors ??= readBytes(page.heat);
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  setPixel(target, i, heatColors, 3 * Math.floor(share * 255));
}

function setPixel(target, i, colors, start) {
  target[4 * i] = colors[start];
  target[4 * i + 1] = colors[start + 1];
  target[4 * i + 2] = colors[start + 2];
  target[4 * i + 3] = 255;
}

function numberText(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  return Number(value.toPrecision(digits)).toString().replace("-", "−");
}

// Legend of a layer, and what it says of the colours; nothing for pictures that need none.
function makeLegend(layer) {
  const parts = [];
  if (layer.draw === "flow") parts.push(wheelLegend(layer.longest));
  if (layer.draw === "length") parts.push(barLegend(0, layer.longest, "px"));
  if (layer.draw === "heat") parts.push(barLegend(layer.low, layer.high, layer.unit));
  if (layer.draw === "holes") parts.push(swatches([["hole", HOLE]]));
  if (layer.legend) parts.push(swatches(layer.legend));
  if (layer.told) parts.push(make("p", { class: "legend" }, layer.told));
  return parts;
}

function wheelLegend(longest) {
  const size = 72;
  const canvas = makeCanvas(size, size);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(size, size);
  const radius = size / 2 - 1;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [dx, dy] = [(x + 0.5 - size / 2) / radius, (y + 0.5 - size / 2) / radius];
      if (Math.hypot(dx, dy) <= 1) setPixel(pixels.data, y * size + x, flowColor(dx, dy, 1), 0);
    }
  }
  context.putImageData(pixels, 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "colour wheel: red moves right, yellow down, blue up, cyan left");
  const text = `Hue shows the direction of motion. The rim is ${numberText(longest)} px; longer vectors are darker.`;
  return make("div", { class: "legend wheel" }, canvas, make("span", {}, text));
}

function barLegend(low, high, unit) {
  const canvas = makeCanvas(256, 1);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(256, 1);
  for (let i = 0; i < 256; i++) heat(pixels.data, i, i, 0, 255);
  context.putImageData(pixels, 0, 0);
  canvas.setAttribute("aria-hidden", "true");
  const ends = [low, high].map((value) => make("span", {}, `${numberText(value)} ${unit}`.trim()));
  return make("div", { class: "legend bar" }, ends[0], canvas, ends[1]);
}

function swatches(entries) {
  const items = entries.map(([name, color]) => {
    const swatch = make("i", { "aria-hidden": "true" });
    swatch.style.backgroundColor = `rgb(${color.join(",")})`;
    return make("li", {}, swatch, name);
  });
  return make("ul", { class: "legend swatches" }, ...items);
}
