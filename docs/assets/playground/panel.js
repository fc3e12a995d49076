// What all panels share: the button that starts and stops Python, errors, what was printed.

import { PythonError, Stopped, bytes, manifest, start } from "./session.js";

/** element("p", { class: "x" }, "text", child): attributes that start with "on" are listeners. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export const button = (text, onclick, attributes = {}) =>
  element("button", { type: "button", class: "md-button", onclick, ...attributes }, text);

/** The page's panel, emptied of the note that it does not run here. */
export function place() {
  const found = document.querySelector(".playground");
  found.replaceChildren();
  return found;
}

/**
 * The bar with Start and Stop, put at the end of `where`. `onStart()` is called each time Python
 * has started; `onStop()` when it was stopped. The text in editors is the panel's: it stays.
 * Gives an object whose `session` is null unless Python runs, `run(task)` which shows the errors
 * of an async function as messages, `clear()`, which takes away errors and what was printed, and
 * `tell(text)`, which says something in the status line, or again what runs.
 * `remains` says what is left after Stop. `also` names files of vendor/ that the panel fetches
 * besides, for the size on the button.
 */
export async function launcher(
  where,
  { onStart = () => {}, onStop = () => {}, remains = "", pytest = false, also = [] },
) {
  const served = await manifest();
  let running = null; // the session, from the moment when it begins to load
  const size = `${(bytes(served, { pytest, also }) / 1e6).toFixed(1)} MB`;
  const toggle = button("", () => (running ? bar.stop() : bar.start()));
  toggle.classList.add("md-button--primary");
  const progress = element("progress", { "aria-label": "Loading Python", hidden: true });
  const status = element("span", { class: "playground-status", role: "status" });
  const problem = element("div", { class: "playground-error", role: "alert", hidden: true });
  const printed = element("pre", { class: "playground-printed", tabindex: "0", hidden: true,
    role: "region", "aria-label": "What the program printed" });
  where.append(element("div", { class: "playground-bar" }, toggle, progress, status), problem, printed);

  const bar = {
    session: null,
    tell: (text = bar.facts) => (status.textContent = text),
    async start() {
      bar.clear();
      toggle.textContent = "Stop";
      progress.hidden = false;
      const begun = (running = start(served, { onProgress, onPrint, pytest }));
      await bar.run(() => begun.starting);
      if (running !== begun) return; // it was stopped in the meantime
      progress.hidden = true;
      if (!begun.facts) return bar.stop();
      const { engine, scalargrad, python } = begun.facts;
      bar.facts = `scalargrad ${scalargrad}, ${engine} engine, on Python ${python} in this page`;
      bar.tell();
      bar.session = begun;
      await bar.run(onStart);
    },
    stop() {
      running.stop();
      running = bar.session = null;
      progress.hidden = true;
      toggle.textContent = "Start again";
      bar.tell(`Stopped. ${remains}`.trim());
      onStop();
    },
    async run(task) {
      try {
        return await task();
      } catch (error) {
        if (!(error instanceof Stopped)) bar.showError(error);
        return undefined;
      }
    },
    showError(error) {
      const known = error instanceof PythonError;
      const at = known && error.line ? ` (line ${error.line})` : "";
      const name = known ? error.type : error.name;
      problem.replaceChildren(element("p", {}, element("strong", {}, `${name}${at}: `), error.message));
      if (known && error.traceback)
        problem.append(
          element("details", {}, element("summary", {}, "Traceback"),
            element("pre", { tabindex: "0" }, error.traceback)),
        );
      problem.hidden = false;
      problem.scrollIntoView({ block: "nearest" }); // the button may be far below
    },
    clear() {
      problem.hidden = printed.hidden = true;
      printed.textContent = "";
    },
  };
  const onProgress = (loaded, total) => {
    progress.max = total;
    progress.value = loaded;
    status.textContent = `Loading Python: ${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
  };
  const onPrint = (text) => {
    printed.hidden = false;
    printed.textContent = `${printed.textContent}${text}\n`.slice(-10_000);
  };
  toggle.textContent = `Start (${size}, once)`;
  return bar;
}

/** What stands in the page's address behind #, as an object: {code: "..."}. */
export const fromAddress = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

/** A button that copies a link to the page with what `state()` gives, to be read by fromAddress. */
export function copyLink(state) {
  const link = button("Copy link", async () => {
    history.replaceState(null, "", `#${new URLSearchParams(state())}`);
    try {
      await navigator.clipboard.writeText(location.href);
      link.textContent = "Copied";
    } catch {
      link.textContent = "The link is in the address bar";
    }
    setTimeout(() => (link.textContent = "Copy link"), 2_000);
  });
  return link;
}
