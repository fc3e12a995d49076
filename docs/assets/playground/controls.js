// Labelled inputs. Each has `value`, as text or number, and tells of a change when it is made.

import { element } from "./panel.js";

let made = 0;

/** An input below its label, and what goes beside it. */
function labelled(label, input, ...more) {
  input.id = `training-control-${++made}`;
  return element("div", { class: "training-control" },
    element("label", { for: input.id }, label), input, ...more);
}

/** A choice among texts. */
export function choice(label, options, value, onchange = () => {}) {
  const select = element("select", { onchange });
  for (const option of options)
    select.append(element("option", { selected: `${option}` === `${value}` }, `${option}`));
  return { shown: labelled(label, select), get value() { return select.value; } };
}

/** A slider over a list of numbers: told of while it moves by `oninput`, in the end by `onchange`. */
export function slider(label, numbers, value, { oninput = () => {}, onchange = () => {} } = {}) {
  const distance = (number) => Math.abs(number - value);
  const nearest = numbers.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const output = element("output", {});
  const input = element("input", {
    type: "range", min: 0, max: numbers.length - 1, step: 1, value: numbers.indexOf(nearest), onchange,
    oninput: () => (tell(), oninput()),
  });
  const tell = () => {
    output.textContent = `${numbers[input.value]}`;
    input.setAttribute("aria-valuetext", output.textContent);
  };
  tell();
  return { shown: labelled(label, input, output), get value() { return numbers[input.value]; } };
}

/** A number that is typed; NaN if it is none. */
export function number(label, value, { min, max, onchange = () => {} }) {
  const input = element("input", { type: "number", min, max, step: 1, value, onchange });
  return {
    shown: labelled(label, input),
    get value() { return input.valueAsNumber; },
  };
}

/** A line of text, or, with `rows`, several. */
export function text(label, value, { rows, onchange = () => {} } = {}) {
  const plain = { onchange, spellcheck: "false", autocomplete: "off" };
  const input = rows
    ? element("textarea", { rows, ...plain }, value)
    : element("input", { type: "text", value, ...plain });
  return { shown: labelled(label, input), get value() { return input.value; } };
}
