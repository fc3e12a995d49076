// The exercises: a file with gaps in the editor, and its own tests, run by pytest in the worker.

import { button, element, fromAddress, launcher, place } from "./panel.js";
import { manifest } from "./session.js";
import { editor } from "../vendor/editor.js";
import { kept } from "./exercises-kept.js";

const VENDOR = new URL("../vendor/", import.meta.url);
const served = await manifest();
const names = served.checkout
  .filter((path) => path.startsWith("exercises/ex"))
  .map((path) => path.slice("exercises/".length, -".py".length));
const stubs = Object.fromEntries(await Promise.all(names.map(async (name) => {
  const answer = await fetch(new URL(`checkout/exercises/${name}.py`, VENDOR));
  return [name, await answer.text()];
})));
const title = (name) => /^"""(.*?)\.?$/m.exec(stubs[name])[1];

// What is on the page, from top to bottom.

const where = place();
const chosen = Object.fromEntries(names.map((name) => [name,
  element("button", { type: "button", onclick: () => choose(name) })]));
const list = element("ol", { class: "playground-exercises", "aria-label": "The exercises" },
  ...names.map((name) => element("li", {}, chosen[name])));
const box = element("div", { class: "playground-editor" });
const file = element("input", { type: "file", accept: ".py,text/x-python", hidden: true,
  "aria-label": "Your file", onchange: () => load(file.files[0]) });
where.append(
  list,
  box,
  element("div", { class: "playground-bar" },
    button("Download", download, { title: "The file to hand in" }),
    button("Load a file", () => file.click()), file,
    button("Begin again", beginAgain, { title: "From the file as it was handed out" })),
);
const python = await launcher(where, { pytest: true, onStart: enable, onStop: stopped,
  remains: "Your text is kept." });
const testButton = button("Run the tests", test, { disabled: true, title: "Ctrl-Enter" });
const line = element("input", { type: "text", id: "playground-line", autocomplete: "off",
  spellcheck: "false", autocapitalize: "off", placeholder: "Value(2.0) + Value(3.0)" });
const tryButton = button("Try it", attempt, { disabled: true, type: "submit" });
const answer = element("pre", { class: "playground-printed", tabindex: "0", hidden: true,
  "aria-label": "What Python answered", "aria-live": "polite" });
const verdict = element("p", { class: "playground-said", "aria-live": "polite" });
const results = element("ul", { class: "playground-tests" });
where.querySelector(".playground-bar:has(progress) button").after(testButton);
where.append(
  verdict,
  results,
  element("form", { class: "playground-bar", onsubmit: (event) => event.preventDefault() },
    element("label", { for: "playground-line" }, "A line after your file: "), line, tryButton),
  answer,
);

let current = null;
let code = null; // an editor for each choice: undo never brings back the text of another exercise

// Choosing an exercise.

function choose(name) {
  current = name;
  box.replaceChildren();
  code = editor(box, {
    label: `${title(name)}, your file ${name}.py`,
    text: kept.text(name) ?? stubs[name],
    onChange: save,
    run: test,
  });
  showResults([]);
  verdict.textContent = answer.textContent = "";
  answer.hidden = true;
  history.replaceState(null, "", `#exercise=${name}`);
  mark();
}

function mark() {
  for (const name of names) {
    const { passed, total } = kept.result(name);
    const state = !total ? "" : passed === total ? " ✓ solved" : ` ${passed} of ${total}`;
    chosen[name].replaceChildren(title(name), element("span", {}, state));
    chosen[name].setAttribute("aria-current", String(name === current));
    chosen[name].classList.toggle("solved", Boolean(total) && passed === total);
  }
}

// The student's text.

function save() {
  const text = code.text();
  kept.setText(current, text === stubs[current] ? null : text);
}

function download() {
  const address = URL.createObjectURL(new Blob([code.text()], { type: "text/x-python" }));
  element("a", { href: address, download: `${current}.py` }).click();
  URL.revokeObjectURL(address);
}

async function load(chosenFile) {
  if (!chosenFile) return;
  const text = await chosenFile.text();
  file.value = ""; // so that the same file can be loaded again
  const name = names.find((name) => chosenFile.name === `${name}.py`) ?? current;
  if (name !== current) choose(name);
  replace(text);
}

function beginAgain() {
  if (!confirm(`Put ${current}.py back as it was handed out? Your text is lost.`)) return;
  kept.setResult(current, {});
  showResults([]);
  verdict.textContent = "";
  replace(stubs[current]);
  mark();
}

function replace(text) {
  code.setText(text);
  save();
}

// Its tests.

async function test() {
  const name = current;
  await ask(`Running the tests of ${name}.py …`, async () => {
    showResults([]);
    const tests = await python.session.call("exercises", "check", { name, text: code.text() });
    const passed = tests.filter((test) => test.passed).length;
    kept.setResult(name, { passed, total: tests.length });
    mark();
    if (name !== current) return "";
    showResults(tests);
    return passed === tests.length
      ? `Solved: all ${passed} tests pass.`
      : `${passed} of ${tests.length} tests pass. Begin with the first that fails.`;
  });
}

function showResults(tests) {
  const first = tests.find((test) => !test.passed);
  results.replaceChildren(...tests.map((test) => test.passed
    ? element("li", { class: "passed" }, `✓ ${test.name}`)
    : element("li", { class: "failed" },
        element("details", { open: test === first },
          element("summary", {}, `✗ ${test.name}`),
          element("pre", { tabindex: "0" }, ...coloured(test.text))))));
}

// As in the terminal: what went wrong in red, and where in bold. It is text, never markup.
function coloured(text) {
  return text.split(/(?<=\n)/).map((line) => {
    if (line.startsWith("E ")) return element("span", { class: "wrong" }, line);
    return line.startsWith(">") ? element("strong", {}, line) : line;
  });
}

// One line in addition, as `python -i` would take it.

async function attempt() {
  await ask("Running your file and the line …", async () => {
    const given = { text: code.text(), line: line.value };
    answer.textContent = await python.session.call("exercises", "attempt", given);
    answer.hidden = !answer.textContent;
    return "";
  });
}

// Asking Python: one thing at a time, and Stop ends it.

let asked = 0;

async function ask(saying, task) {
  if (!python?.session || testButton.disabled) return;
  python.clear();
  const mine = ++asked;
  testButton.disabled = tryButton.disabled = true;
  verdict.textContent = saying;
  const said = await python.run(task);
  if (mine !== asked) return;
  verdict.textContent = said ?? "";
  enable();
}

function enable() {
  testButton.disabled = tryButton.disabled = false;
}

function stopped() {
  asked++;
  testButton.disabled = tryButton.disabled = true;
  verdict.textContent = "Python was stopped. Your text is still here.";
}

// The exercise to begin with: that of the address, or the first that is not yet solved.

function begin() {
  const given = fromAddress().exercise;
  const unsolved = names.find((name) => !chosen[name].classList.contains("solved"));
  if (given !== current || !current) choose(names.includes(given) ? given : unsolved ?? names[0]);
}

window.addEventListener("hashchange", begin);
mark();
begin();
