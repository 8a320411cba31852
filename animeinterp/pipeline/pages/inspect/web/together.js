// Two pages side by side, in frames of a third: what is looked at in one is looked at in the other.

let following = true; // until the page is ready, and while it follows the other: nothing is sent

const beside = window.parent !== window;
document.documentElement.classList.toggle("beside", beside);

function tellOther(what, value) {
  if (beside && !following) window.parent.postMessage({ [what]: value }, "*");
}

// Follow the other page; `actions` has a function for each kind of message.
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
