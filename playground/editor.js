// The editor of the playground: CodeMirror for Python, in the colours of the page.
//
// Tab indents; Escape and then Tab leaves the editor, for those who have no mouse.

import { indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

const colour = (name) => `var(--md-code-hl-${name}-color)`;

const highlighting = HighlightStyle.define([
  { tag: tags.comment, color: colour("comment") },
  { tag: [tags.string, tags.special(tags.string)], color: colour("string") },
  { tag: [tags.number, tags.bool, tags.null], color: colour("constant") },
  { tag: [tags.keyword, tags.operatorKeyword], color: colour("keyword") },
  { tag: [tags.function(tags.variableName), tags.definition(tags.className)], color: colour("function") },
]);

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--md-code-bg-color)", color: "var(--md-code-fg-color)" },
  "&.cm-focused": { outline: "2px solid var(--md-accent-fg-color)" },
  ".cm-scroller": { fontFamily: "var(--md-code-font, monospace)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--md-code-fg-color)" },
  ".cm-cursor": { borderLeftColor: "var(--md-code-fg-color)" },
  ".cm-gutters": {
    backgroundColor: "transparent",
    color: "var(--md-default-fg-color--light)",
    border: "none",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--md-accent-fg-color--transparent)" },
});

/**
 * An editor in `place`, named `label` for screen readers. `onChange` is told the text when the
 * reader changes it; `run` is called for Ctrl-Enter. `text()`, `setText(text)` and `focus()` are
 * for the page.
 */
export function editor(place, { text = "", label, onChange = () => {}, run = () => {} }) {
  let told = true;
  const view = new EditorView({
    parent: place,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }, indentWithTab]),
        basicSetup,
        python(),
        indentUnit.of("    "),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && told) onChange(update.state.doc.toString());
        }),
        syntaxHighlighting(highlighting),
        theme,
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    setText(text) {
      told = false;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
      told = true;
    },
    focus: () => view.focus(),
  };
}
