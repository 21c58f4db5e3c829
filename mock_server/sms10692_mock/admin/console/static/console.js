// Script of the console beside htmx: live updates and their pause button, copying, forms. Keeps no state beyond the page.
"use strict";
(() => {
  const button = document.getElementById("pause");
  const announcement = document.getElementById("announcement");
  let connected = false, paused = false, pressed = false, missed = false, lost = false, failing = false;

  function showState() {
    if (!button) return;
    const state = lost ? "lost" : failing ? "failing" : !connected ? "opening" : paused ? (missed ? "news" : "paused") : "live";
    button.dataset.state = state;
    button.setAttribute("aria-pressed", String(paused));
    const label = button.querySelector(".label");
    if (label.textContent !== button.dataset[state]) label.textContent = button.dataset[state];
  }
  function setReachable(reachable) {
    const isBack = lost && reachable;
    lost = !reachable;
    document.body.classList.toggle("lost", lost);
    showState();
    if (isBack) applyFilter();
  }
  // What was typed while the connection was lost, or while requests failed, has not reached the list yet.
  function applyFilter() {
    document.getElementById("filter")?.requestSubmit();
  }
  // The emulator responds that its store is unavailable, or that it failed: the live part stays as it was.
  function setFailing(value) {
    const isBack = failing && !value;
    failing = value;
    document.body.classList.toggle("failing", failing);
    showState();
    if (isBack) applyFilter();
  }
  function onChange() {
    missed = paused || pressed;
    if (!missed) update();
    showState();
  }
  // After an update that took long, such as a search in 100,000 requests, the next one waits three times as long.
  // A page may have several parts that are updated: an update ends with the last of their requests.
  const openRequests = new Set(), outdated = new WeakSet();
  let updateStarted = 0, nextUpdate = 0, waiting = null;
  function update() {
    if (openRequests.size) missed = true;
    else if (Date.now() >= nextUpdate) htmx.trigger(document.body, "changed");
    else waiting ??= setTimeout(() => { waiting = null; onChange(); }, nextUpdate - Date.now());
  }
  document.addEventListener("htmx:beforeRequest", ({ detail: { requestConfig, target, xhr } }) => {
    const isUpdate = requestConfig.triggeringEvent?.type === "changed";
    if (!isUpdate && !document.getElementById("live")?.contains(target)) return;
    if (!openRequests.size) updateStarted = Date.now();
    // What the user asks for and an update replace the same part: of two responses, the later one would be lost.
    if (!isUpdate) for (const other of openRequests) outdated.add(other);
    openRequests.add(xhr);
    // Events of htmx do not reach the document once the part was replaced, for example by the response to a filter.
    xhr.addEventListener("loadend", () => {
      openRequests.delete(xhr);
      if (openRequests.size) return;
      nextUpdate = Date.now() + 3 * (Date.now() - updateStarted);
      if (missed) onChange();
    });
  });
  function setPaused(value) {
    paused = value;
    if (!paused && missed) onChange();
    showState();
  }
  // A click needs the same element at press and at release: updates from the stream wait while a button is pressed.
  let releaseTimer = null;
  function press() {
    pressed = true;
    clearTimeout(releaseTimer);
    releaseTimer = setTimeout(release, 2000); // a menu or a window that opened may have received the release event
  }
  function release() {
    setTimeout(() => { // after the click event
      pressed = false;
      if (missed && !paused) onChange();
    });
  }
  document.addEventListener("pointerdown", press);
  document.addEventListener("keydown", (event) => { if (event.key === " ") press(); });
  for (const end of ["pointerup", "pointercancel", "keyup", "dragend"]) document.addEventListener(end, release);
  window.addEventListener("blur", release);
  document.addEventListener("htmx:beforeSwap", (event) => {
    // Only a failure that the console names itself has a notice. Others are pages of a proxy.
    const { xhr } = event.detail;
    if (xhr.status >= 500 && !xhr.getResponseHeader("HX-Retarget")) event.detail.shouldSwap = false;
    const isUpdate = event.detail.requestConfig.triggeringEvent?.type === "changed";
    if (!isUpdate || !(pressed || outdated.has(xhr))) return;
    event.detail.shouldSwap = false;
    missed = true;
  });
  // One stream serves all windows of the browser (events.js). Hidden pages do not listen.
  const { worker, events } = document.body.dataset;
  // The stream has an event every two seconds at least. Without one the emulator hangs, or the worker is gone.
  const SILENCE_MILLISECONDS = 15000;
  let stream = null, silence = null;
  const onEvent = { open: () => { connected = true; setReachable(true); }, change: onChange, lost: () => setReachable(false) };
  function listen() {
    if (!document.getElementById("live")) return;
    if (!stream) {
      const shared = "SharedWorker" in window;
      const started = shared ? new SharedWorker(worker, { name: events }) : new Worker(worker, { name: events });
      started.onerror = onEvent.lost;
      stream = shared ? started.port : started;
      stream.onmessage = ({ data }) => {
        expectEvents();
        onEvent[data]();
      };
    }
    stream.postMessage(document.hidden ? "leave" : "listen");
    expectEvents();
  }
  function expectEvents() {
    clearTimeout(silence);
    if (!document.hidden) silence = setTimeout(startAgain, SILENCE_MILLISECONDS);
  }
  function startAgain() {
    onEvent.lost();
    stream.onmessage = null;
    stream.postMessage("leave");
    stream = null;
    listen();
  }
  document.addEventListener("visibilitychange", listen);
  window.addEventListener("pagehide", () => stream?.postMessage("leave"));
  window.addEventListener("pageshow", listen);
  if (button) button.addEventListener("click", () => setPaused(!paused));

  async function copy(from) {
    const text = document.getElementById(from.dataset.copies).textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(document.getElementById(from.dataset.copies));
      document.execCommand("copy");
    }
    const label = from.textContent;
    from.textContent = from.dataset.done;
    setTimeout(() => { from.textContent = label; }, 1500);
  }
  document.addEventListener("click", (event) => {
    const copies = event.target.closest("[data-copies]");
    if (copies) copy(copies);
    if (event.target.closest("[data-pauses]")) setPaused(true);
    event.target.closest("[data-closes]")?.closest(".notice").remove();
    const adds = event.target.closest("[data-adds]");
    if (adds) {
      const field = document.getElementById(adds.dataset.adds);
      field.value = [...field.value.split(",").filter((number) => number.trim()), adds.dataset.text].join(",");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const opens = event.target.closest("[data-opens]");
    if (opens && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      const dialog = document.getElementById(opens.dataset.opens);
      dialog.showModal();
      for (const field of dialog.querySelectorAll("[hx-trigger*=opened]")) htmx.trigger(field, "opened");
    }
    if (event.target.matches("dialog")) event.target.close(); // the backdrop
  });
  function showValue(slider, value = slider.value) {
    const output = document.getElementById(slider.dataset.shows);
    if (output) output.textContent = slider.dataset.format.replace("{}", value);
  }
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-shows]")) showValue(event.target);
    if (event.target.matches("[data-reveals]")) reveal(event.target);
  });
  // Values of sliders can be typed too: the number field is sent, the slider follows, and sets it.
  function addNumberField(slider) {
    const field = document.createElement("input");
    Object.assign(field, { className: "typed", inputMode: "decimal", autocomplete: "off", value: slider.value, name: slider.name });
    field.setAttribute("aria-label", slider.labels[0].firstChild.textContent.trim());
    slider.removeAttribute("name");
    slider.after(field);
    slider.addEventListener("input", () => { field.value = slider.value; });
    field.addEventListener("input", () => { slider.value = field.value; showValue(slider, field.value); });
    slider.form.addEventListener("reset", () => setTimeout(() => { field.value = slider.value; showValue(slider); }));
  }
  // Shows the fields that belong to the selected option. The others are disabled, so the form does not send them.
  function reveal(choice) {
    for (const field of choice.form.querySelectorAll("[data-with]")) {
      const visible = field.dataset.with.split(" ").includes(choice.value);
      field.hidden = !visible;
      for (const input of field.querySelectorAll("input, select")) input.disabled = !visible;
    }
  }
  // Opened details and the scroll position survive an update of the live part.
  let opened = [];
  function scrollToEnd() {
    document.querySelectorAll("#live .conversation").forEach((box) => { box.scrollTop = box.scrollHeight; });
  }
  document.addEventListener("htmx:beforeSwap", () => {
    opened = [...document.querySelectorAll("#live details[open][id]")].map((details) => details.id);
  });
  function initialize() {
    scrollToEnd();
    for (const slider of document.querySelectorAll("[data-shows]")) {
      showValue(slider);
      addNumberField(slider);
    }
    document.querySelectorAll("[data-reveals]").forEach(reveal);
    showState();
    showRelativeTimes();
  }
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    if (document.getElementById("live")?.contains(document.activeElement) === false) scrollToEnd();
  });
  // An element with the focus may be disabled for a request, or be gone from an updated page: then the focus returns to it
  // or goes to what followed it, so that the keyboard continues where it was.
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  const keyOf = (element) => element.id || element.getAttribute("href") || element.getAttribute("aria-label") || element.textContent;
  let keys = [];
  function rememberFocus() {
    const elements = [...document.querySelectorAll(`main :is(${FOCUSABLE})`)];
    const at = elements.indexOf(document.activeElement);
    if (at >= 0) keys = [...elements.slice(at), ...elements.slice(0, at).reverse()].map(keyOf);
  }
  function restoreFocus() {
    const active = document.activeElement;
    // A browser takes the focus from a disabled element some time later: until then the focus is not where it seems to be.
    if (active && active !== document.body && !active.disabled) keys = [];
    if (!keys.length) return;
    const elements = [...document.querySelectorAll(`main :is(${FOCUSABLE})`)].filter((element) => element.checkVisibility());
    const found = new Map(elements.reverse().map((element) => [keyOf(element), element]));
    const next = found.get(keys.find((key) => found.has(key)));
    if (!next) document.getElementById("main").focus({ preventScroll: true });
    // A disabled element is in use until the end of its request.
    else if (!next.disabled) next.focus({ preventScroll: keyOf(next) === keys[0] });
  }
  document.addEventListener("pointerdown", () => { keys = []; });
  document.addEventListener("focusin", () => { keys = []; });
  for (const name of ["beforeRequest", "beforeSwap"]) document.addEventListener(`htmx:${name}`, rememberFocus);
  for (const name of ["afterRequest", "afterSettle"]) document.addEventListener(`htmx:${name}`, restoreFocus);
  // Relative times, by the account's clock or by the real one, as the server showed them when it rendered the live part.
  const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  let rendered = null, renderedAt = 0;
  function showRelativeTimes() {
    const live = document.getElementById("live");
    if (!live) return;
    if (live !== rendered) [rendered, renderedAt] = [live, Date.now()];
    const elapsed = Date.now() - renderedAt;
    const accountNow = Date.parse(live.dataset.now) + elapsed * Number(live.dataset.speed);
    const wallNow = Date.parse(live.dataset.wall) + elapsed;
    for (const time of document.querySelectorAll("main time[datetime]")) {
      const seconds = (Date.parse(time.dateTime) - (time.dataset.clock === "wall" ? wallNow : accountNow)) / 1000;
      const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || ["second", 1];
      const isAhead = time.dataset.past && seconds >= 1; // the clock was set back since
      const text = isAhead ? time.dataset.past : relative.format(Math.trunc(seconds / length), unit);
      if (time.dataset.ago !== text) time.dataset.ago = text;
    }
  }
  setInterval(showRelativeTimes, 5000);
  document.addEventListener("htmx:afterSettle", showRelativeTimes);
  // Announces a summary of the live part to screen readers, at most every two seconds.
  let announceTimer = null;
  document.addEventListener("htmx:afterSettle", () => {
    announceTimer ??= setTimeout(() => {
      announceTimer = null;
      const summary = document.querySelector("#live [data-summary]")?.dataset.summary;
      if (summary && announcement && announcement.textContent !== summary) announcement.textContent = summary;
    }, 2000);
  });
  // Without a response the page shows old data: mark it as disconnected.
  for (const name of ["sendError", "timeout"]) document.addEventListener(`htmx:${name}`, () => setReachable(false));
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr } = event.detail;
    if (!xhr?.status) return;
    setReachable(true);
    setFailing(xhr.status >= 500);
  });
  // A list that is being loaded says so to screen readers too.
  for (const [name, busy] of [["beforeRequest", "true"], ["afterRequest", "false"]]) {
    document.addEventListener(`htmx:${name}`, (event) => {
      if (event.target.id === "filter") document.getElementById("live")?.setAttribute("aria-busy", busy);
    });
  }
  // The page of an unavailable store is loaded again as soon as the store works.
  async function retry() {
    const response = await fetch(location, { method: "HEAD" }).catch(() => null); // null: the emulator is away too
    if (response && response.status !== 503) location.reload();
    else setTimeout(retry, 2000);
  }
  if (document.querySelector("[data-retries]")) setTimeout(retry, 2000);
  // Marks and focuses the invalid field, which an error response names in X-Field.
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest?.("form");
    if (!form) return;
    for (const field of form.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
    for (const error of form.querySelectorAll(".field-error")) error.remove();
    const invalid = form.elements.namedItem(event.detail.xhr?.getResponseHeader("X-Field") || "");
    if (!(invalid instanceof HTMLElement)) return;
    const error = document.createElement("p");
    Object.assign(error, { className: "field-error", id: `${invalid.id || invalid.name}-error` });
    error.textContent = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").querySelector(".notice span")?.textContent;
    invalid.after(error);
    invalid.setAttribute("aria-describedby", error.id);
    invalid.setAttribute("aria-invalid", "true");
    invalid.focus();
  });
  // Notices of success disappear after ten seconds. Errors stay.
  let noticeTimer = null;
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "sent") event.target.scrollIntoView({ block: "nearest" });
    if (event.target.id !== "notice") return;
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => document.querySelector("#notice .good")?.remove(), 10000);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest && event.target.closest("form[data-empties]");
    if (form && event.detail.successful) form.reset();
  });
  document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  initialize();
  listen();
})();
