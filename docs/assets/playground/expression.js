import { element, launcher, place } from "./panel.js";
import { editor } from "../vendor/editor.js";

const where = place();
const code = editor(where, { text: "x = Value(3.0, label='x')\nx * x + 2 * x", label: "Your program" });
const shown = element("pre", { class: "playground-ledger" });
await launcher(where, {
  onStart: async (session) => {
    const result = await session.call("expression", "look", { text: code.text() });
    shown.textContent = JSON.stringify(result, null, 1);
  },
});
where.append(shown);
