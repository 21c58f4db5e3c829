// What htmx has no word for: the stream, pausing it, copying, and small comforts of forms. No state beyond the page.
"use strict";
(() => {
  const button = document.getElementById("pause");
  const announced = document.getElementById("announced");
  let source = null, heard = false, paused = false, pressed = false, missed = false, lost = false;

  function show() {
    if (!button) return;
    const how = lost ? "lost" : !heard ? "opening" : paused ? (missed ? "news" : "paused") : "live";
    button.dataset.how = how;
    button.setAttribute("aria-pressed", String(paused));
    const words = button.querySelector(".words");
    if (words.textContent !== button.dataset[how]) words.textContent = button.dataset[how];
  }
  function reach(whether) {
    lost = !whether;
    document.body.classList.toggle("lost", lost);
    show();
  }
  function changed() {
    missed = paused || pressed;
    if (!missed) htmx.trigger(document.body, "changed");
    show();
  }
  function pause(whether) {
    paused = whether;
    if (!paused && missed) changed();
    show();
  }
  // What is pressed and what is let go must be the same element: until then what nobody asked for is not put in anew.
  let patience = null;
  function press() {
    pressed = true;
    clearTimeout(patience);
    patience = setTimeout(release, 2000); // a menu or a window that opened may have seen the end of it
  }
  function release() {
    setTimeout(() => { // behind the click
      pressed = false;
      if (missed && !paused) changed();
    });
  }
  document.addEventListener("pointerdown", press);
  document.addEventListener("keydown", (event) => { if (event.key === " ") press(); });
  for (const end of ["pointerup", "pointercancel", "keyup", "dragend"]) document.addEventListener(end, release);
  window.addEventListener("blur", release);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!pressed || event.detail.requestConfig.triggeringEvent?.type !== "changed") return;
    event.detail.shouldSwap = false;
    missed = true;
  });
  // A stream holds one of the few connections that a browser opens to a host: a page that nobody sees has none.
  function listen() {
    if (document.hidden || !document.getElementById("live")) {
      if (source) source.close();
      source = null;
    } else if (!source) {
      source = new EventSource("/live");
      source.onopen = () => { heard = true; reach(true); };
      source.onerror = () => reach(false);
      source.onmessage = changed;
    }
  }
  document.addEventListener("visibilitychange", listen);
  window.addEventListener("pagehide", () => { if (source) source.close(); source = null; });
  window.addEventListener("pageshow", listen);
  if (button) button.addEventListener("click", () => pause(!paused));

  async function copy(from) {
    const text = document.getElementById(from.dataset.copies).textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(document.getElementById(from.dataset.copies));
      document.execCommand("copy");
    }
    const words = from.textContent;
    from.textContent = from.dataset.done;
    setTimeout(() => { from.textContent = words; }, 1500);
  }
  document.addEventListener("click", (event) => {
    const copies = event.target.closest("[data-copies]");
    if (copies) copy(copies);
    if (event.target.closest("[data-pauses]")) pause(true);
  });
  document.addEventListener("change", (event) => {
    const field = event.target.closest("[data-submits]");
    if (field) field.form.requestSubmit();
  });
  function slide(slider) {
    const output = document.getElementById(slider.dataset.shows);
    if (output) output.textContent = slider.dataset.words.replace("{}", slider.value);
  }
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-shows]")) slide(event.target);
    if (event.target.matches("[data-reveals]")) reveal(event.target);
  });
  // Of a form, the fields that go with what is chosen: those of the others are disabled, and so not sent.
  function reveal(choice) {
    for (const field of choice.form.querySelectorAll("[data-with]")) {
      const fits = field.dataset.with.split(" ").includes(choice.value);
      field.hidden = !fits;
      for (const input of field.querySelectorAll("input, select")) input.disabled = !fits;
    }
  }
  // What a person opened or scrolled to stays so when the part of the page that lives is put in anew.
  let opened = [];
  function scroll() {
    document.querySelectorAll("#live .thread").forEach((thread) => { thread.scrollTop = thread.scrollHeight; });
  }
  document.addEventListener("htmx:beforeSwap", () => {
    opened = [...document.querySelectorAll("#live details[open][id]")].map((details) => details.id);
  });
  function begin() {
    scroll();
    document.querySelectorAll("[data-shows]").forEach(slide);
    document.querySelectorAll("[data-reveals]").forEach(reveal);
    show();
  }
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    if (document.getElementById("live")?.contains(document.activeElement) === false) scroll();
  });
  // What a screen reader is told of a part that changed: in words, and not more often than one can listen.
  let telling = null;
  document.addEventListener("htmx:afterSettle", () => {
    telling ??= setTimeout(() => {
      telling = null;
      const says = document.querySelector("#live [data-says]")?.dataset.says;
      if (says && announced && announced.textContent !== says) announced.textContent = says;
    }, 2000);
  });
  // What is shown is not what was asked for where nobody answered.
  for (const name of ["sendError", "timeout"]) document.addEventListener(`htmx:${name}`, () => reach(false));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr?.status) reach(true);
  });
  // The field that is wrong, which the refusal names.
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest?.("form");
    if (!form) return;
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    const wrong = form.elements.namedItem(event.detail.xhr?.getResponseHeader("X-Field") || "");
    if (!(wrong instanceof HTMLElement)) return;
    wrong.setAttribute("aria-invalid", "true");
    wrong.focus();
  });
  // That something was done is said for a while; what was refused stays.
  let saying = null;
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "said") return;
    clearTimeout(saying);
    saying = setTimeout(() => document.querySelector("#said .good")?.remove(), 10000);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest && event.target.closest("form[data-empties]");
    if (form && event.detail.successful) form.reset();
  });
  document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  begin();
  listen();
})();
