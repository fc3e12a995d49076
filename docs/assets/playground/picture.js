// A graph as a picture: Graphviz lays it out, the page's style sheet gives it its colours.

import { instance } from "../vendor/viz.js";

// Letters of one width, so that Graphviz knows how wide a text will be in the reader's font.
const FONT = ['fontname="sans-serif"', 'fontname="Courier", fontsize=11'];

// Of its own size, in which a letter has 11 pixels: as large as the page has room, and not too small.
const LARGE = 1.25;
const SMALL = 0.9;

let loading;

/** Fetches Graphviz, which the first picture would otherwise wait for. */
export const prepare = () => (loading ??= instance());

/**
 * Puts the picture of a graph in Graphviz's language into `place`: from left to right, or from top
 * to bottom if it would be too wide. Gives an object that lights its parts.
 */
export async function draw(place, dot, attributes) {
  const graphviz = await prepare();
  const drawn = (direction) =>
    graphviz.renderSVGElement(
      dot.replace("rankdir=LR", `rankdir=${direction}`).replaceAll(...FONT));
  const width = (svg) => svg.viewBox.baseVal.width;
  let [svg, isUpright] = [drawn("LR"), false];
  if (width(svg) > place.clientWidth) {
    const upright = drawn("TB");
    if (width(upright) < width(svg)) [svg, isUpright] = [upright, true];
  }
  svg = onlyShapes(svg);
  svg.classList.toggle("upright", isUpright);
  svg.style.width = `${width(svg) * LARGE}px`;
  svg.style.minWidth = `${width(svg) * SMALL}px`; // what is wider can be scrolled
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const parts = (kind) => [...svg.querySelectorAll(`.${kind}`)];
  const title = (part) => part.querySelector("title").textContent;
  const nodes = new Map(parts("node").map((node) => [title(node), node]));
  const arrows = new Map();
  for (const edge of parts("edge")) arrows.set(title(edge), [...(arrows.get(title(edge)) ?? []), edge]);
  for (const part of svg.querySelectorAll("title")) part.remove(); // n1 is no tooltip
  place.replaceChildren(svg);
  return {
    /** Writes a gradient into a box: which of those in it, is counted from the last. */
    setGradient({ box, gradient }, text) {
      const written = [...(nodes.get(box)?.querySelectorAll("text") ?? [])]
        .filter((part) => /grad \S+$/.test(part.textContent))
        .at(gradient ?? NaN);
      if (!written) return;
      centre(written);
      written.textContent = written.textContent.replace(/grad \S+$/, `grad ${text}`);
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

// Graphviz gave the place of its left end: alone on its line, a shorter one would not be in the middle.
function centre(text) {
  const y = text.getAttribute("y");
  const line = [...text.parentNode.querySelectorAll("text")].filter((t) => t.getAttribute("y") === y);
  if (line.length > 1 || text.getAttribute("text-anchor") !== "start") return;
  text.setAttribute("x", Number(text.getAttribute("x")) + text.getComputedTextLength() / 2);
  text.setAttribute("text-anchor", "middle");
}

const SHAPES = ["svg", "g", "title", "path", "polygon", "polyline", "ellipse", "text"];
const GEOMETRY = ["viewBox", "transform", "d", "points", "cx", "cy", "rx", "ry", "x", "y"];

// What a label says stays text: nothing but shapes and their geometry comes into the page.
function onlyShapes(drawn) {
  const kept = document.createElementNS("http://www.w3.org/2000/svg", drawn.localName);
  for (const name of [...GEOMETRY, "class", "text-anchor", "font-weight"])
    if (drawn.hasAttribute(name)) kept.setAttribute(name, drawn.getAttribute(name));
  for (const child of drawn.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) kept.append(child.textContent);
    if (SHAPES.includes(child.localName)) kept.append(onlyShapes(child));
  }
  return kept;
}
