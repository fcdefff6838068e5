// What a passkey's dialogue could not do, said on the page. Loaded only where passkeys are used.
(() => {
  "use strict";
  const words = {
    NotAllowedError: "Nothing was done: the dialogue was closed, or it took too long. Try again.",
    InvalidStateError: "This passkey is already added.",
    SecurityError: "Passkeys need https, or http://localhost by that name.",
    NotSupportedError: "This device cannot make such a passkey; try another one.",
  };
  document.addEventListener("allauth.error", (event) => {
    const place = document.getElementById("passkey-error");
    if (!place) return;
    event.preventDefault();
    const name = event.detail.exception && event.detail.exception.name;
    place.querySelector("p").textContent = words[name] || "That did not work. Try again, or use another way.";
    place.hidden = false;
  });
})();
