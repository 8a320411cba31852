// The page's data, and its pictures: decoded once, when first asked for.

const page = JSON.parse(document.getElementById("page-data").textContent);
const decoded = new Map();

function loadPicture(name) {
  if (!decoded.has(name)) decoded.set(name, decodePicture(page.pictures[name]));
  return decoded.get(name);
}

async function decodePicture(picture) {
  const image = new Image();
  image.src = picture.uri;
  await image.decode();
  const [height, width] = picture.size;
  const found = { kind: picture.kind, image, width, height };
  if (picture.kind === "labels") found.labels = readLabels(image);
  if (picture.kind === "flow") Object.assign(found, readFlow(image, picture));
  if (picture.kind === "scalar") found.values = readScalars(image, picture);
  return found;
}

function readPixels(image) {
  const canvas = makeCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}

function readLabels(image) {
  const pixels = readPixels(image);
  const labels = new Int32Array(pixels.length / 4);
  for (let i = 0; i < labels.length; i++) {
    labels[i] = pixels[4 * i] + 256 * pixels[4 * i + 1] + 65536 * pixels[4 * i + 2];
  }
  return labels;
}

// dx stands above dy; 16 bits each, in red and green.
function readFlow(image, picture) {
  const pixels = readPixels(image);
  const both = new Float32Array(pixels.length / 4);
  for (let i = 0; i < both.length; i++) {
    both[i] = (256 * pixels[4 * i] + pixels[4 * i + 1] - 32768) * picture.step;
  }
  return { dx: both.subarray(0, both.length / 2), dy: both.subarray(both.length / 2) };
}

function readScalars(image, picture) {
  const pixels = readPixels(image);
  const { low, high, logarithmic } = picture;
  const valueOf = Float32Array.from({ length: 256 }, (_, level) => {
    if (!logarithmic) return low + (level / 255) * (high - low);
    return level === 0 ? 0 : low * (high / low) ** ((level - 1) / 254);
  });
  const values = new Float32Array(pixels.length / 4);
  for (let i = 0; i < values.length; i++) values[i] = valueOf[pixels[4 * i]];
  return values;
}

// Bytes in base64: colours, three bytes each.
function readBytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// Index into a picture's values at a place of the frame, in shares of its width and height.
function indexAt(picture, place) {
  const column = Math.min(picture.width - 1, Math.floor(place.x * picture.width));
  const row = Math.min(picture.height - 1, Math.floor(place.y * picture.height));
  return row * picture.width + column;
}

function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

// An element with attributes and children; text is never taken for HTML.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
