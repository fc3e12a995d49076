// The GPT of the example: trained in the worker by its own files; what it tells is shown here.

import { Attention } from "./attention.js";
import { CHARTS, calm, lossChart } from "./charts.js";
import { choice, number, slider, text } from "./controls.js";
import { button, copyLink, element, fromAddress, launcher, place } from "./panel.js";

const THEIRS = "the names of the example";
const OWN = "words of your own";
const EXAMPLE = "monday\ntuesday\nwednesday\nthursday\nfriday\nsaturday\nsunday";
const BETWEEN = calm ? 1_000 : 0; // milliseconds between two pictures, at least
const SPOKEN = 5_000; // milliseconds between two readings by a screen reader

let run = null; // what Python said of the run that is shown
let seen = null; // what it told last
let losses = [];
let means = []; // null where none was told
let training = null; // the latest call of train, while it lasts
let looking = false; // at the attention, and whether to look again
let lookWanted = false;
let drawn = 0; // when
let spoken = 0;

const where = place();
const bar = await launcher(where, { onStart: enable, onStop, also: CHARTS,
  remains: "What the model had learnt is gone." });
const from = {
  steps: 1000, n_embd: 16, n_head: 4, seed: 42, temperature: 0.5, prompt: "", ...fromAddress(),
};
const sizes = {
  steps: number("Steps", from.steps, { min: 1, max: 100_000 }),
  n_embd: choice("Embedding size", [8, 16, 32, 64], from.n_embd),
  n_head: choice("Heads", [1, 2, 4, 8], from.n_head),
  seed: number("Seed", from.seed, { min: 0, max: 9999 }),
};
const documents = choice("Train on", [THEIRS, OWN], from.words ? OWN : THEIRS, showWords);
const words = text("Your words, one on a line", from.words || EXAMPLE, { rows: 7 });
const sampling = {
  temperature: slider("Temperature", [...Array(21).keys()].map((i) => i / 10), from.temperature, {
    onchange: sample,
  }),
  prompt: text("Begin with", from.prompt, { onchange: sample }),
};
const buttons = {
  train: button("Train", () => bar.run(training ? pause : train)),
  anew: button("New run", () => bar.run(anew)),
  write: button("Write", () => bar.run(write)),
};
const progress = element("progress", { class: "training-progress", max: 1, value: 0,
  "aria-label": "Steps of the training" });
const said = element("p", { class: "training-said" });
const aloud = element("p", { class: "training-aloud", role: "status" });
const samples = element("dl", { class: "training-samples", tabindex: "0",
  "aria-label": "What it has written so far" });
const settings = element("fieldset", { class: "training-controls" },
  element("legend", {}, "The run"), documents.shown,
  ...Object.values(sizes).map((size) => size.shown), words.shown);
const attention = new Attention();
const curve = element("div", {});
where.append(
  settings,
  element("div", { class: "playground-bar" }, buttons.train, buttons.anew, copyLink(state)),
  progress, said, aloud,
  element("div", { class: "training-pictures" }, curve, samples),
  element("fieldset", { class: "training-controls" },
    element("legend", {}, "What it writes"), ...Object.values(sampling).map((s) => s.shown),
    buttons.write),
  attention.shown,
);
const chart = lossChart(curve, {
  height: 260,
  range: (_, low, high) => [Math.max(0, Math.min(low, 2) - 0.2), Math.max(high, 3.5)],
  lines: [
    { label: "each step", colour: "--training-faint", width: 1 },
    { label: "mean of the last 50", colour: "--training-blue", width: 2 },
    { label: "all characters alike", colour: "--training-ink", width: 1, dash: [6, 5] },
  ],
});
// Once it has made a step, a run keeps its settings; before, another setting is another run.
settings.addEventListener("change", () => (run = null));
showWords();
enable();

// What the buttons do.

/** The settings of a run, as the function `begin` takes them. */
function chosen() {
  return {
    steps: sizes.steps.value,
    n_embd: Number(sizes.n_embd.value),
    n_head: Number(sizes.n_head.value),
    seed: sizes.seed.value,
    ...(documents.value === OWN ? { words: words.value } : {}),
  };
}

/** The same for the page's address, with what is set for the samples. */
function state() {
  return { ...chosen(), temperature: sampling.temperature.value, prompt: sampling.prompt.value };
}

function showWords() {
  words.shown.hidden = documents.value !== OWN;
}

/** Sees to it that there is a run. */
async function ready() {
  bar.clear();
  if (run) return;
  run = { ...(await bar.session.call("gpt", "begin", chosen())), step: 0 };
  forget();
  show();
}

function forget() {
  [seen, losses, means] = [null, [], []];
  samples.replaceChildren();
  attention.clear();
}

async function train() {
  await ready();
  await bar.run(setSampling); // if the prompt cannot be, training goes on without it
  settings.disabled = true;
  const mine = {};
  trains(mine);
  try {
    await bar.session.call("gpt", "train", {}, { onItem: (told) => run && take(told) });
  } finally {
    if (training === mine) trains(null);
    if (run) show();
  }
}

const pause = () => bar.session.call("gpt", "pause");

/** Forgets the run, so that the settings can be changed. */
async function anew() {
  await pause();
  bar.clear();
  onStop();
  forget();
  said.textContent = "";
  progress.value = 0;
  chart.draw([], [], [], []);
}

async function write() {
  await ready();
  await setSampling();
  await attention.write(await bar.session.call("gpt", "write"));
}

/** Look again at the same text: its attention changes while the model learns. */
async function lookAgain() {
  if (attention.text === null) return attention.write(await bar.session.call("gpt", "write"));
  attention.show(await bar.session.call("gpt", "read", { text: attention.text }));
}

/** Does that now or, if it is being done, once more after that: never twice at a time. */
async function keepLooking() {
  lookWanted = true;
  if (looking) return;
  looking = true;
  while (lookWanted && run) {
    lookWanted = false;
    await bar.run(lookAgain);
  }
  looking = false;
}

function sample() {
  if (run && bar.session) bar.run(setSampling);
}

async function setSampling() {
  await bar.session.call("gpt", "set_sampling", {
    temperature: sampling.temperature.value,
    prompt: sampling.prompt.value,
  });
}

function onStop() {
  run = null;
  settings.disabled = false;
  trains(null);
  enable();
}

function enable() {
  for (const each of Object.values(buttons)) each.disabled = !bar.session;
}

function trains(call) {
  training = call;
  buttons.train.textContent = call ? "Pause" : "Train";
}

// What is seen.

function take(told) {
  if ("name" in told) return addText("After the last step", told.name);
  seen = told;
  run.step = told.step;
  losses.push(...told.losses);
  means.push(...Array(told.losses.length - 1).fill(null), told.mean);
  for (const each of told.samples) addText(`After ${told.step} steps`, each);
  if (told.samples.length || told.step === run.steps) keepLooking();
  show();
}

/** Adds a text to those that were written at the same time; the latest are on top. */
function addText(when, written) {
  if (samples.firstChild?.textContent !== when)
    samples.prepend(element("dt", {}, when), element("dd", {}));
  const list = samples.querySelector("dd");
  list.append(list.textContent ? ", " : "", element("code", {}, written || "(nothing)"));
}

/** Draws what is known, unless something was just drawn and more is to come. */
function show() {
  const now = performance.now();
  if (training && now - drawn < BETWEEN) return;
  drawn = now;
  said.textContent = inWords();
  if (!training || now - spoken > SPOKEN) {
    spoken = now;
    aloud.textContent = said.textContent;
  }
  Object.assign(progress, { max: run.steps, value: run.step });
  const steps = losses.map((_, i) => i + 1);
  chart.draw(steps, losses, means, losses.map(() => run.even));
}

function inWords() {
  const whole = (x) => Math.round(x).toLocaleString("en");
  if (!seen)
    return (
      `${whole(run.documents)} documents, made of ${run.characters.length} different characters; ` +
      `a model of ${whole(run.parameters)} parameters.`
    );
  const { step, mean, speed, seconds_left: left } = seen;
  const ended = step === run.steps;
  const time = left < 90 ? `${whole(left)} s` : `${whole(left / 60)} min`;
  return (
    `Step ${whole(step)} of ${whole(run.steps)}: the mean loss of the last 50 is ` +
    `${mean.toFixed(4)}. ${speed < 10 ? speed.toFixed(1) : whole(speed)} steps a second` +
    (ended ? ". “New run” begins another." : training ? `, ${time} left.` : ".")
  );
}
