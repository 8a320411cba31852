// Two pages side by side, in frames of a third: what is looked at in one is looked at in the other.

let following = true; // until the page stands, and while it does what the other did: nothing is told

const beside = window.parent !== window;
document.documentElement.classList.toggle("beside", beside);

function tellOther(what, value) {
  if (beside && !following) window.parent.postMessage({ [what]: value }, "*");
}

// Do as the other page does; `actions` has a function for each thing that is told.
function followOther(actions) {
  window.addEventListener("message", (event) => {
    if (!beside || event.source !== window.parent) return;
    following = true;
    try {
      for (const [what, value] of Object.entries(event.data)) actions[what]?.(value);
    } finally {
      following = false;
    }
  });
  following = false;
  tellOther("ready", true);
}
