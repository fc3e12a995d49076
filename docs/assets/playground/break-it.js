// Break it: small mistakes in a small engine, and its numbers beside the right ones.

import { element, launcher, place } from "./panel.js";

const MISTAKES = {
  sort: "Take out the sort: go through the numbers as they are found",
  add: "Replace += by =",
  zero: "Forget zero_grad: leave the old gradient in the training loop",
};

const where = place();
const text = await (await fetch(new URL("python/small_value.py", import.meta.url))).text();
const toggles = Object.keys(MISTAKES).map((value) =>
  element("input", { type: "checkbox", value, disabled: true, onchange: look }));
const engine = element("pre", { class: "playground-engine", tabindex: "0", role: "region",
  "aria-label": "The engine; lines that were changed are shown with what was there before" }, text);
const numbers = element("div", { class: "playground-columns", "aria-live": "polite" });
where.append(
  element("fieldset", { class: "playground-toggles", "aria-label": "Mistakes" },
    ...toggles.map((toggle) => element("label", {}, toggle, ` ${MISTAKES[toggle.value]}`))),
);
const python = await launcher(where, {
  onStart: () => {
    for (const toggle of toggles) toggle.disabled = false;
    return look();
  },
  onStop: () => {
    for (const toggle of toggles) toggle.disabled = true;
  },
});
where.append(element("div", { class: "playground-side-by-side" }, engine, numbers));

async function look() {
  python.clear();
  const mistakes = toggles.filter((toggle) => toggle.checked).map((toggle) => toggle.value);
  const found = await python.run(() =>
    python.session.call("break_it", "look", { engine: text, mistakes }));
  if (!found) return;
  engine.replaceChildren(...found.lines.map(line));
  numbers.replaceChildren(
    table("y = a + b, where b = a × 2, a = x × x and x = 3", ["number", "data", "grad", "should be"],
      found.example.map(({ name, data, grad, right }) => [name, data, checked(grad, right), right])),
    element("p", {}, element("strong", {}, "sg.gradcheck "),
      found.gradcheck ? "says:" : "finds nothing wrong with backward."),
    ...(found.gradcheck ? [element("pre", { class: "playground-engine" }, oneLineEach(found.gradcheck))] : []),
    table("Training: w should go to 3, and the loss to 0",
      ["step", "loss", "should be", "grad of w", "should be"],
      found.training.map(({ loss, grad, right_loss, right_grad }, i) =>
        [i + 1, checked(loss, right_loss), right_loss, checked(grad, right_grad), right_grad])),
  );
}

function line({ kind, text }) {
  if (kind === "same") return `${text}\n`;
  const indentation = text.slice(0, text.search(/\S/));
  return element(kind === "old" ? "del" : "ins", {}, indentation, element("span", {}, text.trim()));
}

// gradcheck breaks its lines for a terminal; the page breaks them where it has to.
const oneLineEach = (message) => message.replaceAll(/\n +/g, " ");

const checked = (number, right) => ({ number, wrong: number !== right });

function table(caption, head, rows) {
  return element("table", { class: "playground-table" },
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))));
}

function cell(content) {
  const { number = content, wrong = false } = typeof content === "object" ? content : {};
  const shown = typeof number === "number" ? String(Number(number.toPrecision(4))) : number;
  return element("td", { class: wrong ? "wrong" : undefined }, wrong ? `✗ ${shown}` : shown);
}
