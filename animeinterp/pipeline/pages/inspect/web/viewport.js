// Zoom and place, shared by all views of the page.

const LARGEST_ZOOM = 32;
const CLICK_SLACK = 4; // px that a pointer may move during a click
const viewport = { zoom: 1, x: 0.5, y: 0.5 }; // the centre, in shares of the frame
const viewportListeners = new Set();

// Zoom by a factor; `place` (shares of the frame) stays where it is.
function zoomBy(factor, place = viewport) {
  const zoom = Math.min(LARGEST_ZOOM, Math.max(1, viewport.zoom * factor));
  const change = viewport.zoom / zoom;
  moveTo(place.x + (viewport.x - place.x) * change, place.y + (viewport.y - place.y) * change, zoom);
}

function moveTo(x, y, zoom = viewport.zoom) {
  const reach = 0.5 / zoom;
  const clamp = (value) => Math.min(1 - reach, Math.max(reach, value));
  Object.assign(viewport, { zoom, x: clamp(x), y: clamp(y) });
  const style = document.documentElement.style;
  style.setProperty("--zoom", zoom);
  style.setProperty("--left", `${(0.5 - viewport.x * zoom) * 100}%`);
  style.setProperty("--top", `${(0.5 - viewport.y * zoom) * 100}%`);
  document.documentElement.dataset.zoom = zoom.toFixed(2);
  for (const listener of viewportListeners) listener();
}

function panBy(x, y) {
  moveTo(viewport.x + x / viewport.zoom, viewport.y + y / viewport.zoom);
}

// The place of the frame under a pointer, in shares of its width and height; null outside.
function placeUnder(screen, event) {
  const box = screen.getBoundingClientRect();
  const x = viewport.x + ((event.clientX - box.left) / box.width - 0.5) / viewport.zoom;
  const y = viewport.y + ((event.clientY - box.top) / box.height - 0.5) / viewport.zoom;
  return x >= 0 && x < 1 && y >= 0 && y < 1 ? { x, y } : null;
}

// Let a screen be zoomed by wheel and pinch, panned by drag; hover(place) and click(place) tell the rest.
function makeMovable(screen, { hover, leave, click }) {
  const pointers = new Map();
  let moved = 0;

  screen.addEventListener("wheel", (event) => {
    const factor = Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.06 : 0.002));
    if (factor < 1 && viewport.zoom === 1) return; // nothing to zoom out of: the page scrolls
    event.preventDefault();
    zoomBy(factor, placeUnder(screen, event) ?? viewport);
  }, { passive: false });

  screen.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("input")) return;
    if (pointers.size === 0) moved = 0;
    pointers.set(event.pointerId, event);
  });

  screen.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) {
      hover(placeUnder(screen, event));
      return;
    }
    const box = screen.getBoundingClientRect();
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    const slack = moved;
    moved += Math.hypot(dx, dy);
    if (moved <= CLICK_SLACK) return;
    if (slack <= CLICK_SLACK) screen.setPointerCapture(event.pointerId);
    if (pointers.size === 2) pinch(event, box);
    else panBy(-dx / box.width, -dy / box.height);
    pointers.set(event.pointerId, event);
  });

  function pinch(event, box) {
    const [first, second] = [...pointers.values()];
    const other = first.pointerId === event.pointerId ? second : first;
    const before = pointers.get(event.pointerId);
    const distance = (point) => Math.hypot(point.clientX - other.clientX, point.clientY - other.clientY);
    const middle = {
      clientX: (event.clientX + other.clientX) / 2,
      clientY: (event.clientY + other.clientY) / 2,
    };
    zoomBy(distance(event) / Math.max(1, distance(before)), placeUnder(screen, middle) ?? viewport);
    panBy((before.clientX - event.clientX) / 2 / box.width, (before.clientY - event.clientY) / 2 / box.height);
  }

  const release = (event) => {
    const was = pointers.delete(event.pointerId);
    if (was && event.type === "pointerup" && moved <= CLICK_SLACK) click(placeUnder(screen, event));
  };
  screen.addEventListener("pointerup", release);
  screen.addEventListener("pointercancel", release);
  screen.addEventListener("pointerleave", () => {
    if (pointers.size === 0) leave();
  });
}
