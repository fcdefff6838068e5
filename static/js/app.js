// Small behaviours, hooked to data attributes. Every page works without them.
(() => {
  "use strict";
  const root = document.documentElement;

  // --- theme: stored per browser in a cookie, which the server reads for the next page
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-theme-form]");
    const chosen = event.submitter;
    if (!form || !chosen) return;
    event.preventDefault();
    const theme = chosen.value;
    const age = theme === "auto" ? 0 : 31536000;
    document.cookie = `theme=${theme};path=/;max-age=${age};samesite=lax`;
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    for (const button of form.querySelectorAll("button[name=theme]")) {
      button.setAttribute("aria-pressed", String(button === chosen));
    }
  });

  // --- dialog: whatever htmx puts into it opens it
  const dialog = document.getElementById("dialog");
  document.addEventListener("htmx:afterSwap", (event) => {
    // What the back button restores comes without a target.
    if (dialog && event.detail.target?.id === "dialog-body" && !dialog.open) dialog.showModal();
  });
  // One listener for all links that open one: rows with such links come and go by the dozen.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!dialog || !link || elsewhere || event.defaultPrevented) return;
    event.preventDefault();
    const asked = { source: link, target: "#dialog-body", swap: "innerHTML" };
    htmx.ajax("GET", link.getAttribute("href"), asked).catch(() => {}); // htmx has said what failed
  });
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-dialog-close]");
    if (close && dialog && dialog.open) {
      event.preventDefault();
      dialog.close();
    }
    if (event.target === dialog) dialog.close();
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) dismiss.closest(".toast").remove();
    for (const menu of document.querySelectorAll("[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // --- good news leaves by itself, unless somebody is reading it; the rest stays
  for (const toast of document.querySelectorAll(".toasts .toast-success")) {
    const leave = () => {
      if (toast.matches(":hover, :focus-within")) setTimeout(leave, 4000);
      else toast.remove();
    };
    setTimeout(leave, 10000);
  }

  // --- forms that filter apply at once
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-auto-submit]");
    if (form) form.requestSubmit();
  });

  // --- one box chooses all rows of its table
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-pick-all]");
    if (!all) return;
    for (const box of all.closest("table").querySelectorAll(".pick input")) box.checked = all.checked;
  });

  // --- a form that has been sent asks for no preview any more
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-preview]")) event.target.dataset.sent = "";
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.closest("[data-sent]")) event.preventDefault();
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
  });

  // --- ages grow while the page is open
  const units = [[86400, "d"], [3600, "h"], [60, "min"]];
  const age = (seconds) => {
    const unit = units.find(([size]) => seconds >= size);
    return unit ? `${Math.floor(seconds / unit[0])} ${unit[1]} ago` : `${seconds} s ago`;
  };
  setInterval(() => {
    if (document.hidden) return;
    const now = Date.now();
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const text = age(Math.max(0, Math.floor((now - Date.parse(time.dateTime)) / 1000)));
      if (time.textContent !== text) time.textContent = text;
    }
  }, 1000);
})();
