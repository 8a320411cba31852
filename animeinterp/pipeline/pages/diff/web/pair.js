// Two pages of a pair: each follows the other; either is shown, or both.

const frames = [...document.querySelectorAll("iframe")];
const buttons = [...document.querySelectorAll("#shown button")];
const NARROW = "(max-width: 900px)"; // too narrow for two pages

window.addEventListener("message", (event) => {
  if (!frames.some((frame) => frame.contentWindow === event.source)) return;
  for (const { contentWindow } of frames) {
    // Pages that are files have no origin to be named.
    if (contentWindow !== event.source) contentWindow.postMessage(event.data, "*");
  }
});

function show(which) {
  document.body.dataset.shown = which;
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.value === which));
}

for (const button of buttons) button.addEventListener("click", () => show(button.value));
if (matchMedia(NARROW).matches) show("a");
