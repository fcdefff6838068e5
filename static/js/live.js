// Keeps a page current: takes apart what its socket sends, and changes what differs in the page.
(() => {
  "use strict";

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

  // --- a part of the page becomes like what was sent for it: what is equal is left alone, so that
  // focus, selection and what was opened stay, and the page is laid out for what changed only
  const alike = (have, want) =>
    have?.nodeType === want.nodeType && have.nodeName === want.nodeName && have.id === want.id;
  const stale = new Set(); // what htmx must read anew
  const dress = (have, want) => {
    for (const { name, value } of want.attributes) {
      if (name === "hx-swap-oob" || have.getAttribute(name) === value) continue;
      have.setAttribute(name, value);
      if (name.startsWith("hx-")) stale.add(have);
    }
    for (const { name } of [...have.attributes]) {
      const theirs = name === "open" && have.nodeName === "DETAILS"; // the reader opened it
      if (!theirs && !want.hasAttribute(name)) have.removeAttribute(name);
    }
  };
  const become = (have, want) => {
    if (have.nodeType !== Node.ELEMENT_NODE) {
      if (have.data !== want.data) have.data = want.data;
    } else if (!have.matches("time[data-ago]") || have.dateTime !== want.getAttribute("datetime")) {
      dress(have, want);
      for (const _ of fill(have, want)) continue;
    }
  };
  const put = (parent, nodes, before) => {
    for (const node of nodes) {
      parent.insertBefore(node, before);
      if (node.nodeType === Node.ELEMENT_NODE) htmx.process(node);
    }
  };
  // Child by child: those with an id are found wherever they stand, others in their turn.
  function* fill(have, want) {
    const named = new Map([...have.children].filter(({ id }) => id).map((each) => [each.id, each]));
    let next = have.firstChild;
    for (const wanted of [...want.childNodes]) {
      const found = wanted.id ? named.get(wanted.id) : next;
      if (!alike(found, wanted)) put(have, [wanted], next);
      else {
        if (found === next) next = next.nextSibling;
        else have.insertBefore(found, next);
        become(found, wanted);
      }
      yield;
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }
  // A part is rows that replace those with their ids, or one element around rows of a section.
  function* apply(part) {
    const template = document.createElement("template");
    template.innerHTML = part;
    for (const sent of [...template.content.children]) {
      const [how, where] = sent.getAttribute("hx-swap-oob").split(":#");
      const place = document.getElementById(where ?? sent.id);
      if (!place) continue;
      if (how === "true") become(place, sent);
      else if (how === "innerHTML") yield* fill(place, sent);
      else if (how === "afterbegin") put(place, [...sent.children], place.firstChild);
      else if (how === "delete") place.remove();
      yield;
    }
  }

  // --- what changed at once comes as one message of several parts; where the device is slow they
  // are done a few rows at a time, so that the page answers in between
  const SLICE_MS = 8;
  const pause = () => window.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));
  const waiting = [];
  let busy = false;
  const work = async () => {
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      let began = performance.now();
      holdColumns();
      for (const part of message.split("\x1e")) {
        for (const _ of apply(part)) {
          if (performance.now() - began < SLICE_MS) continue;
          await pause();
          began = performance.now();
        }
      }
      stale.forEach((each) => htmx.process(each));
      stale.clear();
      adjustColumns();
    }
  };
  const opened = new Set();
  htmx.createWebSocket = (address) => {
    // Connected anew, the page may show more than it was answered with: all is sent again.
    const url = opened.has(address) ? address.replace(/([?&])seen=[^&]*/, "$1") : address;
    opened.add(address);
    const socket = new WebSocket(url);
    socket.addEventListener("message", (event) => {
      event.stopImmediatePropagation(); // htmx would exchange whole rows
      waiting.push(event.data);
      if (busy) return;
      busy = true;
      work().finally(() => (busy = false));
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

})();
