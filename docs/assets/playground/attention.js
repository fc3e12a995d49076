// A text, and for each head a map of what it looks at: a row for each place, a cell for each place
// before it, the stronger the larger the share. One place can be chosen; it is told of in words.

import { calm } from "./charts.js";
import { element } from "./panel.js";

const PER_CHARACTER = 150; // milliseconds, for an eye to follow the writing
const BEGINNING = "·";

export class Attention {
  constructor() {
    this.text = null;
    this.place = 0;
    this.writing = null; // what is being written, a character at a time
    this.line = element("div", { class: "training-text", role: "group",
      "aria-label": "The text; choose a character to see what each head looks at there" });
    this.words = element("p", { class: "training-said" });
    this.maps = element("div", { class: "training-maps" });
    this.shown = element("div", {}, this.line, this.words, this.maps);
  }

  clear() {
    this.text = this.writing = null;
    for (const part of [this.line, this.words, this.maps]) part.replaceChildren();
  }

  /**
   * Shows a text as if it were written now: a character at a time, with the rows of its maps. It is
   * shown whole at once if a place is chosen meanwhile, or another text is shown.
   */
  async write(told) {
    this.show(told);
    const places = this.labels.length;
    this.writing = told;
    for (let place = 0; place < places && this.writing === told && !calm; place++) {
      this.reveal(place);
      this.mark(place);
      await new Promise((resolve) => setTimeout(resolve, PER_CHARACTER));
    }
    if (this.writing === told) this.choose(places - 1);
  }

  /** Shows {text, heads}, with the same place chosen as before. */
  show(told) {
    this.told = told;
    this.text = told.text;
    this.labels = [BEGINNING, ...told.text].slice(0, told.heads[0].length);
    this.line.replaceChildren(
      ...[BEGINNING, ...told.text].map((character, i) =>
        i < this.labels.length
          ? element("button", { type: "button", onclick: () => this.choose(i) }, visible(character))
          : element("span", {}, visible(character)),
      ),
    );
    this.maps.replaceChildren(...told.heads.map((rows, head) => this.map(rows, head)));
    this.choose(Math.min(this.place, this.labels.length - 1), "off");
  }

  map(rows, head) {
    const labels = this.labels.map(visible);
    const columns = labels.map((label) => element("th", { scope: "col" }, label));
    const body = rows.map((shares, i) => {
      const cells = labels.map((label, j) => {
        if (j > i) return element("td", {});
        const cell = element("td", { title: `${labels[i]} → ${label}: ${percent(shares[j])}` },
          element("span", {}, percent(shares[j])));
        cell.style.setProperty("--share", shares[j]);
        return cell;
      });
      return element("tr", {}, element("th", { scope: "row" }, labels[i]), ...cells);
    });
    return element("table", { class: "training-attention" },
      element("caption", {}, `Head ${head}`),
      element("thead", {}, element("tr", {}, element("td", {}), ...columns)),
      element("tbody", {}, ...body),
    );
  }

  /** Everything up to a place is seen, the rest not yet. */
  reveal(place) {
    const hide = (part, i) => (part.style.visibility = i > place ? "hidden" : "");
    [...this.line.children].forEach(hide);
    for (const body of this.maps.querySelectorAll("tbody")) [...body.rows].forEach(hide);
  }

  mark(place) {
    this.place = place;
    [...this.line.children].forEach((part, i) => part.setAttribute("aria-pressed", i === place));
    for (const body of this.maps.querySelectorAll("tbody"))
      [...body.rows].forEach((row, i) => row.classList.toggle("chosen", i === place));
  }

  /** Marks a place and says what each head looks at most there; a screen reader, if asked for it. */
  choose(place, live = "polite") {
    this.writing = null;
    this.words.setAttribute("aria-live", live);
    this.reveal(Infinity);
    this.mark(place);
    const looks = this.told.heads.map((rows, head) => {
      const share = Math.max(...rows[place]);
      const most = this.labels[rows[place].indexOf(share)];
      return `head ${head} looks most at ${named(most)} (${percent(share)})`;
    });
    this.words.textContent =
      `At ${named(this.labels[place])}, to find what comes next, ${looks.join(", ")}.`;
  }
}

const visible = (character) => (character === " " ? "␣" : character);
const named = (label) => (label === BEGINNING ? "the beginning" : `“${visible(label)}”`);
const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
