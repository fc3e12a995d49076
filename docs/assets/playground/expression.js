// An expression: a program, its graph, and the ledger of its backward pass, stepped line by line.

import { button, copyLink, element, fromAddress, launcher, place } from "./panel.js";
import { draw, prepare } from "./picture.js";
import { editor } from "../vendor/editor.js";

const PRESETS = {
  bill: "The bill of the tutorial",
  neuron: "A neuron",
  shared: "A number used twice",
  softmax: "Softmax and cross-entropy",
  kink: "A kink: relu at 0",
};
const SECONDS_A_STEP = 0.9;
const SECONDS_UNTIL_TOLD = 2;

const where = place();
const preset = element("select", { id: "playground-preset", onchange: () => show(preset.value) });
preset.append(...Object.entries(PRESETS).map(([value, text]) => element("option", { value }, text)));
const note = element("p", { class: "playground-note", role: "note", hidden: true });
const sliders = element("div", { class: "playground-sliders" });
const box = element("div", { class: "playground-editor" });
where.append(
  element("div", { class: "playground-bar" },
    element("label", { for: "playground-preset" }, "Begin with "), preset,
    copyLink(() => ({ code: code.text() }))),
  note,
  element("div", { class: "playground-side-by-side" }, box, sliders),
);
const code = editor(box, { label: "Your program", onChange: changed, run: compute });
const python = await launcher(where, {
  also: ["viz.js"],
  remains: "Your text is kept.",
  onStart: () => {
    prepare();
    drawButton.disabled = false;
    if (ours) return compute(); // a reader's program may be the one that had to be stopped
  },
  onStop: () => {
    drawButton.disabled = true;
    pause();
    setSliders([]);
  },
});

// The picture and what belongs to it.

const drawButton = button("Draw the graph", compute, { disabled: true, title: "Ctrl-Enter" });
const steps = {
  Step: button("Step", () => (pause(), go(position + 1))),
  Back: button("Back", () => (pause(), go(position - 1))),
  Run: button("Run", () => (timer ? pause() : run())),
  Reset: button("Reset", () => (pause(), go(0))),
};
const controls = element("div", { class: "playground-bar", role: "group",
  "aria-label": "The backward pass" }, ...Object.values(steps));
const said = element("p", { class: "playground-said", "aria-live": "polite" });
const picture = element("div", { class: "playground-picture", tabindex: "0", role: "region",
  "aria-label": "The graph; the table beside it says the same" });
const lines = element("tbody");
const ledger = element("div", { class: "playground-ledger", tabindex: "0", role: "region",
  "aria-label": "The backward pass" },
  element("table", { id: "playground-ledger", class: "playground-table" },
    element("caption", {}, "The backward pass, line by line"),
    element("thead", {}, element("tr", {},
      ...["node", "op", "upstream", "× local", "= contribution", "→ parent", "its grad"].map((text) =>
        element("th", { scope: "col" }, text)))),
    lines));
const shown = element("div", { hidden: true }, controls, said,
  element("div", { class: "playground-side-by-side" }, picture, ledger));
where.querySelector(".playground-bar:has(progress) button").after(drawButton);
where.append(shown);

let ours = false; // whether the program is a preset, as it came
let result = null; // what Python said of the program
let position = 0; // how many lines of the ledger are done
let drawn = null;
let timer = null;
let running = null; // the wait for the program that was begun last

// The program.

async function show(name) {
  const answer = await fetch(new URL(`python/presets/${name}.py`, import.meta.url));
  code.setText(await answer.text());
  note.hidden = true;
  ours = true;
  await compute();
}

function changed() {
  ours = false;
  for (const input of sliders.querySelectorAll("input")) input.disabled = true;
}

async function compute() {
  if (!python.session) return;
  note.hidden = true;
  pause();
  python.clear();
  const begun = (running = setTimeout(() => {
    python.tell("Your program is still running. “Stop” ends it.");
  }, 1_000 * SECONDS_UNTIL_TOLD));
  const done = await python.run(async () => {
    await update(code.text(), null);
    setSliders(result.numbers);
    await go(0);
    return true;
  });
  clearTimeout(begun);
  if (running !== begun) return; // a later one has begun
  if (python.session) python.tell();
  if (!done) forget();
}

/** Takes away the picture, which is of a program that is no longer there. */
function forget() {
  result = drawn = null;
  shown.hidden = true;
  setSliders([]);
}

async function update(text, change) {
  result = await python.session.call("expression", "look", { text, change });
  if (result.text !== text) code.setText(result.text);
  shown.hidden = false;
  lines.replaceChildren(...result.steps.map(line));
  drawn = await draw(picture, result.dot, {
    role: "img",
    "aria-label": `The graph of ${result.output.name}`,
    "aria-describedby": "playground-ledger",
  });
}

function line({ node, op, parent, shown: { upstream, local, contribution, grad } }) {
  const cells = [node, op, upstream, `× ${local}`, `= ${contribution}`, `→ ${parent}`, grad];
  return element("tr", {}, ...cells.map((text) => element("td", {}, text)));
}

// The backward pass.

async function go(to) {
  if (!result || !drawn) return;
  position = Math.max(0, Math.min(to, result.steps.length));
  const gradients = new Map(Object.keys(result.boxes).map((name) => [name, "0"]));
  gradients.set(result.output.name, "1");
  for (const { parent, shown } of result.steps.slice(0, position)) gradients.set(parent, shown.grad);
  for (const [name, text] of gradients) drawn.setGradient(result.boxes[name] ?? {}, text);
  const now = result.steps[position - 1];
  drawn.light(now?.arrow, now?.which);
  [...lines.children].forEach((row, i) => {
    row.classList.toggle("lit", i === position - 1);
    row.classList.toggle("done", i < position - 1);
  });
  ledger.scrollTop = Math.max(0, (lines.children[position - 1]?.offsetTop ?? 0) - ledger.clientHeight / 2);
  said.textContent = now ? told(now) : beginning();
  steps.Step.disabled = steps.Run.disabled = position === result.steps.length;
  steps.Back.disabled = steps.Reset.disabled = position === 0;
  if (position === result.steps.length) pause();
}

function beginning() {
  const { name, shown: data } = result.output;
  if (!result.steps.length) return `${name} was computed from nothing, so backward ends here.`;
  return `${name} is ${data}. Its own gradient is 1: from here, ${result.steps.length} lines go back.`;
}

function told({ node, parent, shown: { upstream, local, contribution, grad } }) {
  const lines = `Line ${position} of ${result.steps.length}`;
  return (
    `${lines}: ${node} has the gradient ${upstream}; times the local derivative ${local}, it hands ` +
    `${contribution} to ${parent}, whose gradient is now ${grad}.`
  );
}

function run() {
  steps.Run.textContent = "Pause";
  timer = setInterval(() => go(position + 1), 1_000 * SECONDS_A_STEP);
  go(position + 1);
}

function pause() {
  clearInterval(timer);
  timer = null;
  steps.Run.textContent = "Run";
}

// The sliders. Python answers one question after the other; of the waiting ones only the last counts.

let wanted = null;
let asking = false;

function setSliders(numbers) {
  sliders.replaceChildren(...numbers.map(slider));
}

function slider({ name, value }, index) {
  const reach = Math.max(2, 2 * Math.abs(value));
  const number = element("output", {}, String(value));
  const input = element("input", {
    type: "range", "aria-label": name, min: value - reach, max: value + reach, step: reach / 100,
    oninput: () => {
      number.textContent = String(Number(Number(input.value).toPrecision(4)));
      move([index, Number(number.textContent)]);
    },
  });
  input.value = value;
  return element("label", {}, element("span", {}, name), input, number);
}

async function move(change) {
  wanted = change;
  if (asking) return;
  asking = true;
  await python.run(async () => {
    while (wanted) {
      const change = wanted;
      wanted = null;
      await update(code.text(), change);
      await go(position);
      await new Promise(requestAnimationFrame);
    }
  });
  asking = false;
}

// The program to begin with: that of the address, which is shown and not run, or the first preset.

function begin() {
  const given = fromAddress().code;
  if (given === undefined) return show(preset.value);
  code.setText(given);
  ours = false;
  note.textContent =
    "This program came with the link. Read it first: it runs only when you press “Draw the graph”.";
  note.hidden = false;
}

window.addEventListener("hashchange", () => fromAddress().code !== undefined && begin());
begin();
