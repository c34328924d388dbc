"use strict";
(() => {
  const notes = JSON.parse(document.getElementById("notes").textContent);
  const stage = document.getElementById("stage");
  const drawing = document.getElementById("drawing");
  const tip = document.getElementById("tip");
  const find = document.getElementById("find");
  const found = document.getElementById("found");
  const components = [...drawing.querySelectorAll("[data-component]")];
  const wires = [...drawing.querySelectorAll("[data-wire]")];
  const natural = drawing.viewBox.baseVal;
  let pinned = null;

  // What is near: a component with its connections and neighbours, or a connection.
  function near(part) {
    if (part.dataset.wire !== undefined) {
      const { ends } = notes.wires[part.dataset.wire];
      return [part, ...ends.map((n) => components[n])];
    }
    const n = Number(part.dataset.component);
    const parts = [part];
    notes.wires.forEach(({ ends }, m) => {
      if (ends.includes(n)) {
        parts.push(wires[m], components[ends[0]], components[ends[1]]);
      }
    });
    return parts;
  }

  function light(part) {
    for (const old of drawing.querySelectorAll(".near")) old.classList.remove("near");
    drawing.classList.toggle("lit", part !== null);
    if (part) for (const other of near(part)) other.classList.add("near");
  }

  function make(tag, text) {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  }

  function show(part, x, y) {
    const { wire, component } = part.dataset;
    const note = wire === undefined ? notes.components[component] : notes.wires[wire];
    const list = document.createElement("dl");
    for (const [label, text] of note.rows) {
      list.append(make("dt", label), make("dd", text));
    }
    tip.replaceChildren(make("strong", note.title), list);
    tip.hidden = false;
    const box = part.getBoundingClientRect();
    const [left, below] = x === undefined ? [box.left, box.bottom + 10] : [x + 14, y + 14];
    const above = (y === undefined ? box.top : y) - tip.offsetHeight - 10;
    const room = window.innerHeight - tip.offsetHeight - 8;
    const right = window.innerWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(left, right))}px`;
    tip.style.top = `${Math.max(8, below <= room ? below : above)}px`;
    light(part);
  }

  function hide() {
    tip.hidden = true;
    light(pinned);
  }

  function pin(part) {
    if (pinned) pinned.setAttribute("aria-pressed", "false");
    pinned = pinned === part ? null : part;
    if (pinned) pinned.setAttribute("aria-pressed", "true");
    light(pinned);
  }

  function go(part) {
    for (const other of components) other.tabIndex = other === part ? 0 : -1;
    part.focus({ preventScroll: true });
    part.scrollIntoView({ block: "nearest", inline: "nearest" });
    show(part);
  }

  // The nearest component in a direction; what is straight ahead counts as nearer.
  function beside(part, dx, dy) {
    const from = part.getBoundingClientRect();
    let best = null;
    let least = Infinity;
    for (const other of components) {
      const to = other.getBoundingClientRect();
      const x = to.left + to.width / 2 - from.left - from.width / 2;
      const y = to.top + to.height / 2 - from.top - from.height / 2;
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (other !== part && ahead > 1 && ahead + 3 * aside < least) {
        [best, least] = [other, ahead + 3 * aside];
      }
    }
    return best;
  }

  for (const part of components) {
    part.addEventListener("focus", () => { if (part.matches(":focus-visible")) show(part); });
    part.addEventListener("blur", hide);
    part.addEventListener("click", () => { pin(part); show(part); });
    part.addEventListener("pointerenter", () => show(part));
    part.addEventListener("pointerleave", hide);
    part.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      let next = null;
      if (steps[event.key]) next = beside(part, ...steps[event.key]);
      else if (event.key === "Home") next = components[0];
      else if (event.key === "End") next = components[components.length - 1];
      else if (event.key === "Enter" || event.key === " ") pin(part);
      else return;
      event.preventDefault();
      if (next) go(next);
    });
  }
  for (const part of wires) {
    part.addEventListener("pointermove", (event) => show(part, event.clientX, event.clientY));
    part.addEventListener("pointerleave", hide);
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (pinned) pin(pinned);
    hide();
  });

  let scale = 1;
  function zoom(to, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    const next = Math.min(3, Math.max(0.1, to));
    const [left, top] = [stage.scrollLeft + x, stage.scrollTop + y];
    drawing.style.width = `${natural.width * next}px`;
    drawing.style.height = `${natural.height * next}px`;
    stage.scrollLeft = left * next / scale - x;
    stage.scrollTop = top * next / scale - y;
    scale = next;
  }
  const fit = () => Math.min(1, stage.clientWidth / natural.width,
    parseFloat(getComputedStyle(stage).maxHeight) / natural.height || 1);
  const kinds = { in: () => scale * 1.25, out: () => scale / 1.25, fit, full: () => 1 };
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(kinds[button.dataset.zoom]()));
  }
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });

  let hold = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && !event.target.closest(".component")) {
      hold = { x: event.clientX + stage.scrollLeft, y: event.clientY + stage.scrollTop };
      stage.classList.add("held");
    }
  });
  window.addEventListener("pointermove", (event) => {
    if (hold) stage.scrollTo(hold.x - event.clientX, hold.y - event.clientY);
  });
  window.addEventListener("pointerup", () => {
    hold = null;
    stage.classList.remove("held");
  });
  stage.addEventListener("scroll", () => {
    const part = document.activeElement.closest(".component:focus-visible");
    if (part && !tip.hidden) show(part);
    else tip.hidden = true;
  });

  let hits = [];
  let next = 0;
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    hits = wanted === "" ? [] : components.filter((part) =>
      notes.components[part.dataset.component].title.toLowerCase().includes(wanted));
    next = 0;
    drawing.classList.toggle("seeking", wanted !== "");
    for (const part of components) part.classList.toggle("hit", hits.includes(part));
    found.textContent = wanted === "" ? "" : `${hits.length} found`;
    if (hits.length) hits[0].scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && hits.length) {
      hits[next++ % hits.length].scrollIntoView({ block: "center", inline: "center" });
    }
  });

  document.querySelector(".tools").hidden = false;
  // Small enough to see much of it, large enough to read it.
  zoom(Math.max(fit(), Math.min(1, Math.max(0.85, stage.clientWidth / natural.width))));
})();
