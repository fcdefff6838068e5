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

  // --- columns keep their width while figures change; they are measured anew when rows come
  // or go, or when a figure has outgrown its column
  const pinned = new Map();
  const narrow = window.matchMedia("(max-width: 48rem)");
  const unpin = (table) => {
    pinned.delete(table);
    table.style.tableLayout = "";
    for (const head of table.tHead.rows[0].cells) head.style.width = "";
  };
  // All is measured before anything is set, so that the page is laid out once.
  const pin = (tables) => {
    const measured = tables.map((table) =>
      [...table.tHead.rows[0].cells].map((head) => [head, head.getBoundingClientRect().width]),
    );
    tables.forEach((table, index) => {
      for (const [head, width] of measured[index]) head.style.width = `${width}px`;
      table.style.tableLayout = "fixed";
      pinned.set(table, table.rows.length);
    });
  };
  const outgrown = (table) =>
    [...table.querySelectorAll("tbody .num")].some((cell) => cell.scrollWidth > cell.clientWidth);
  const holdColumns = () => {
    if (narrow.matches) return;
    const tables = document.querySelectorAll("table.table:has(> tbody[id])");
    pin([...tables].filter((table) => !pinned.has(table) && table.offsetWidth));
  };
  const adjustColumns = () => {
    for (const table of [...pinned.keys()]) if (!table.isConnected) pinned.delete(table);
    const changed = [...pinned]
      .filter(([table, rows]) => rows !== table.rows.length || outgrown(table))
      .map(([table]) => table);
    changed.forEach(unpin);
    pin(changed);
  };
  window.addEventListener("resize", () => {
    for (const table of [...pinned.keys()]) unpin(table);
  });

  // --- what changed at once comes as one message, in parts that are swapped one by one
  const opened = new Set();
  htmx.createWebSocket = (address) => {
    // Connected anew, the page may show more than it was answered with: all is sent again.
    const url = opened.has(address) ? address.replace(/([?&])seen=[^&]*/, "$1") : address;
    opened.add(address);
    const socket = new WebSocket(url);
    socket.addEventListener("message", (event) => {
      if (!event.isTrusted) return; // a part, on its way to htmx
      event.stopImmediatePropagation();
      holdColumns();
      for (const data of event.data.split("\x1e")) {
        socket.dispatchEvent(new MessageEvent("message", { data }));
      }
      adjustColumns();
    });
    return socket;
  };

  // --- live state
  const say = (state, words) => {
    for (const mark of document.querySelectorAll("[data-live]")) {
      if (mark.dataset.state === state) continue;
      mark.dataset.state = state;
      mark.querySelector("[data-live-text]").textContent = words;
    }
  };
  document.addEventListener("htmx:wsOpen", () => say("live", "Live"));
  document.addEventListener("htmx:wsClose", () => say("lost", "Reconnecting"));

  // --- what was opened stays open when its row is sent anew
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    for (const { id } of detail.target.querySelectorAll("details[id][open]")) {
      const again = detail.fragment.querySelector(`#${CSS.escape(id)}`);
      if (again) again.open = true;
    }
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
