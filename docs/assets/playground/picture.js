// A graph as a picture: Graphviz lays it out, the page's style sheet gives it its colours.

import { instance } from "../vendor/viz.js";

let graphviz;

/** Fetches Graphviz, which the first picture would otherwise wait for. */
export const prepare = () => (graphviz ??= instance());

/**
 * Puts the picture of a graph in Graphviz's language into `place`: from left to right, or from top
 * to bottom where there is little room. Gives an object that lights its parts.
 */
export async function draw(place, dot, attributes) {
  const direction = place.clientWidth < 400 ? "TB" : "LR";
  const drawn = (await prepare()).renderSVGElement(dot.replace("rankdir=LR", `rankdir=${direction}`));
  const svg = onlyShapes(drawn);
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const parts = (kind) => [...svg.querySelectorAll(`.${kind}`)];
  const title = (part) => part.querySelector("title").textContent;
  const nodes = new Map(parts("node").map((node) => [title(node), node]));
  const arrows = new Map();
  for (const edge of parts("edge")) arrows.set(title(edge), [...(arrows.get(title(edge)) ?? []), edge]);
  for (const part of svg.querySelectorAll("title")) part.remove(); // n1 is no tooltip
  place.replaceChildren(svg);
  return {
    /** Writes a gradient into a line of a box. */
    setGradient({ box, line }, text) {
      const written = nodes.get(box)?.querySelectorAll("text")[line];
      if (written) written.textContent = written.textContent.replace(/grad \S+$/, `grad ${text}`);
    },
    /** Lights an arrow, of several between the same boxes that one, and the boxes at its ends. */
    light(arrow, which = 0) {
      for (const lit of svg.querySelectorAll(".lit")) lit.classList.remove("lit");
      if (!arrow) return;
      const several = arrows.get(arrow) ?? [];
      several[which % several.length]?.classList.add("lit");
      for (const box of arrow.split("->")) nodes.get(box)?.classList.add("lit");
    },
  };
}

const SHAPES = ["svg", "g", "title", "path", "polygon", "polyline", "ellipse", "text"];
const GEOMETRY = ["viewBox", "width", "height", "transform", "d", "points", "cx", "cy", "rx", "ry", "x", "y"];

// What a label says stays text: nothing but shapes and their geometry comes into the page.
function onlyShapes(drawn) {
  const kept = document.createElementNS("http://www.w3.org/2000/svg", drawn.localName);
  for (const name of [...GEOMETRY, "class", "text-anchor", "font-size"])
    if (drawn.hasAttribute(name)) kept.setAttribute(name, drawn.getAttribute(name));
  for (const child of drawn.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) kept.append(child.textContent);
    if (SHAPES.includes(child.localName)) kept.append(onlyShapes(child));
  }
  return kept;
}
