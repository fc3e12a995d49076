// The loss of a training, drawn as it comes, in the colours of the page.

import Plot from "../vendor/uplot.js";
import { element } from "./panel.js";

for (const sheet of ["../vendor/uplot.css", "training.css"])
  document.head.append(
    element("link", { rel: "stylesheet", href: new URL(sheet, import.meta.url).href }),
  );

/** The files of vendor/ that charts need. */
export const CHARTS = ["uplot.js", "uplot.css"];

/** Whether the reader asks for less motion: a picture now and then, in the place of a film. */
export const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

/** The value of a colour of training.css, as it is in the scheme that the page has now. */
export const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

/** Calls `redraw` when the reader changes between light and dark. */
export function onSchemeChange(redraw) {
  const watched = { attributes: true, attributeFilter: ["data-md-color-scheme"] };
  new MutationObserver(redraw).observe(document.body, watched);
}

/**
 * A chart of lines over steps. Each of `lines` is {label, colour, width}, and may have a `dash`;
 * `draw(steps, ...losses)` draws a list of numbers for each of them. Where one is null, the line
 * goes straight on.
 */
export function lossChart(where, { height, range, lines }) {
  const frame = element("div", { class: "training-chart", role: "img",
    "aria-label": "The loss over the steps of the training" });
  where.append(frame);
  const axis = (label, size) => ({
    label,
    size,
    labelSize: 20,
    font: "12px sans-serif",
    labelFont: "12px sans-serif",
    stroke: () => colour("--training-ink"),
    grid: { stroke: () => colour("--training-grid"), width: 1 },
    ticks: { show: false },
  });
  const plot = new Plot(
    {
      width: frame.clientWidth || 300,
      height,
      cursor: { show: false },
      scales: { x: { time: false, range: (_, low, high) => [0, Math.max(high, 10)] }, y: { range } },
      axes: [axis("step", 30), axis("loss", 44)],
      series: [
        {},
        ...lines.map(({ label, colour: name, width, dash }) => ({
          label,
          width,
          dash,
          spanGaps: true,
          stroke: () => colour(name),
          points: { show: false },
        })),
      ],
      legend: { live: false, show: lines.length > 1 },
    },
    [[], ...lines.map(() => [])],
    frame,
  );
  new ResizeObserver(() => plot.setSize({ width: frame.clientWidth, height })).observe(frame);
  onSchemeChange(() => plot.redraw());
  return { draw: (...data) => plot.setData(data) };
}
