// Two moons: the network of the tutorial is trained in the worker, and what it tells is drawn here.

import { CHARTS, calm, colour, lossChart, onSchemeChange } from "./charts.js";
import { choice, number, slider } from "./controls.js";
import { button, copyLink, element, fromAddress, launcher, place } from "./panel.js";

const RATES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const NEURONS = [...Array(17).keys()];
const ACTIVATIONS = ["tanh", "relu", "sigmoid", "none"];
const BETWEEN = calm ? 1_000 : 0; // milliseconds between two pictures, at least
const SPOKEN = 5_000; // milliseconds between two readings by a screen reader

let seen = null; // what Python told last
let losses = [];
let training = null; // the latest call of train, while it lasts
let drawn = 0; // when
let spoken = 0;

const where = place();
const bar = await launcher(where, { onStart: begin, onStop, also: CHARTS,
  remains: "What the network had learnt is gone." });
const from = { hidden: 8, activation: "tanh", lr: 0.5, seed: 1, ...fromAddress() };
const anew = () => bar.run(begin);
const controls = {
  lr: slider("Learning rate", RATES, from.lr, { oninput: () => bar.run(setLearningRate) }),
  hidden: slider("Hidden neurons", NEURONS, from.hidden, { onchange: anew }),
  activation: choice("Activation", ACTIVATIONS, from.activation, anew),
  seed: number("Seed", from.seed, { min: 0, max: 9999, onchange: anew }),
};
const buttons = {
  train: button("Train", () => bar.run(training ? pause : train)),
  step: button("Step", () => bar.run(step)),
  reset: button("Reset", () => bar.run(reset)),
};
const said = element("p", { class: "training-said", id: "moons-said" });
const aloud = element("p", { class: "training-aloud", role: "status" });
const canvas = element("canvas", {
  class: "training-picture", role: "img", "aria-describedby": said.id,
  "aria-label": "The points of both moons, and which moon the network takes each place for",
});
const pictures = element("div", { class: "training-pictures" }, canvas);
where.append(
  element("div", { class: "training-controls" }, ...Object.values(controls).map((c) => c.shown)),
  element("div", { class: "playground-bar" }, ...Object.values(buttons), copyLink(settings)),
  said, aloud, pictures,
);
const chart = lossChart(pictures, {
  height: 260,
  range: (_, low, high) => [0, Math.max(high, 0.1) * 1.05],
  lines: [{ label: "loss", colour: "--training-blue", width: 2 }],
});
new ResizeObserver(draw).observe(canvas);
onSchemeChange(draw);
enable(false);

// What the buttons do.

function settings() {
  return Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.value]));
}

/** A new network, of the settings; if the one before was being trained, so is this one. */
async function begin() {
  if (!bar.session) return;
  const goOn = training;
  bar.clear();
  seen = await bar.session.call("moons", "begin", settings());
  losses = [];
  show(seen);
  enable(true);
  if (goOn) await train();
}

async function reset() {
  trains(null);
  await begin();
}

async function train() {
  const mine = {};
  trains(mine);
  try {
    await bar.session.call("moons", "train", {}, { onItem: show });
  } finally {
    if (training === mine) trains(null);
    show();
  }
}

const pause = () => bar.session.call("moons", "pause");

async function step() {
  await pause();
  show(await bar.session.call("moons", "step"));
}

async function setLearningRate() {
  await bar.session?.call("moons", "set_learning_rate", { lr: controls.lr.value });
}

function onStop() {
  trains(null);
  enable(false);
}

function trains(call) {
  training = call;
  buttons.train.textContent = call ? "Pause" : "Train";
}

function enable(ready) {
  for (const each of Object.values(buttons)) each.disabled = !ready;
}

// What is seen.

/** Takes what Python tells; draws it, unless it just drew something and more is to come. */
function show(told = {}) {
  seen = { ...seen, ...told };
  losses.push(...(told.losses ?? []));
  const now = performance.now();
  if (training && now - drawn < BETWEEN) return;
  drawn = now;
  said.textContent =
    `Step ${seen.steps}: the loss is ${seen.loss.toFixed(4)}, and ${seen.right} of ` +
    `${seen.points.length} points are told apart, with ${seen.parameters} parameters.`;
  if (!training || now - spoken > SPOKEN) {
    spoken = now;
    aloud.textContent = said.textContent;
  }
  chart.draw([...losses.keys()], losses);
  draw();
}

function draw() {
  if (!seen) return;
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const { xs, ys, scores } = seen;
  const [dx, dy] = [xs[1] - xs[0], ys[1] - ys[0]];
  // A place of the plane in the picture: the scores are at the middle of their cells.
  const across = (x) => (((x - xs[0]) / dx + 0.5) * width) / xs.length;
  const down = (y) => height - (((y - ys[0]) / dy + 0.5) * height) / ys.length;
  context.drawImage(heatMap(scores, xs.length, ys.length), 0, 0, width, height);
  drawBoundary(context, scores, xs, ys, across, down);
  for (const [x, y, moon] of seen.points) drawPoint(context, across(x), down(y), moon, scale);
}

/** One pixel for each score: the surer, the stronger; the browser blends them when it enlarges. */
function heatMap(scores, columns, rows) {
  const small = new OffscreenCanvas(columns, rows);
  const context = small.getContext("2d");
  const image = context.createImageData(columns, rows);
  const colours = [rgb("--training-orange"), rgb("--training-blue")];
  scores.forEach((score, i) => {
    const pixel = 4 * ((rows - 1 - Math.floor(i / columns)) * columns + (i % columns));
    image.data.set(colours[Number(score > 0)], pixel);
    image.data[pixel + 3] = 20 + 110 * Math.abs(score);
  });
  context.putImageData(image, 0, 0);
  return small;
}

const rgb = (name) => colour(name).match(/\w\w/g).map((two) => parseInt(two, 16));

/** Where the score is 0: in each cell, a line between the sides on which its sign changes. */
function drawBoundary(context, scores, xs, ys, across, down) {
  const at = (column, row) => ({ x: xs[column], y: ys[row], score: scores[row * xs.length + column] });
  context.beginPath();
  for (let row = 0; row + 1 < ys.length; row++)
    for (let column = 0; column + 1 < xs.length; column++) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([c, r]) => at(column + c, row + r));
      const crossings = corners.flatMap((a, i) => {
        const b = corners[(i + 1) % 4];
        if (a.score > 0 === b.score > 0) return [];
        const part = a.score / (a.score - b.score);
        return [[across(a.x + part * (b.x - a.x)), down(a.y + part * (b.y - a.y))]];
      });
      crossings.forEach((point, i) => (i % 2 ? context.lineTo(...point) : context.moveTo(...point)));
    }
  context.lineWidth = 2 * devicePixelRatio;
  context.strokeStyle = colour("--training-ink");
  context.stroke();
}

/** A disc for one moon, a triangle for the other: they differ in more than colour. */
function drawPoint(context, x, y, moon, scale) {
  const size = 4.5 * scale;
  context.beginPath();
  if (moon > 0) context.arc(x, y, size * 0.85, 0, 2 * Math.PI);
  else {
    context.moveTo(x, y - size);
    context.lineTo(x + size, y + 0.8 * size);
    context.lineTo(x - size, y + 0.8 * size);
    context.closePath();
  }
  context.fillStyle = colour(moon > 0 ? "--training-blue" : "--training-orange");
  context.strokeStyle = colour("--md-default-bg-color");
  context.lineWidth = scale;
  context.fill();
  context.stroke();
}
