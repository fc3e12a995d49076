// What the copy button takes is what can be run: no prompts, and no outputs.
for (const code of document.querySelectorAll(".highlight code")) {
  const all = code.textContent;
  const runnable = withoutOutputs(all) ?? withoutDollars(all);
  if (runnable !== undefined) code.dataset.copy = runnable;
}

function withoutOutputs(text) {
  if (!/^>>> /m.test(text)) return;
  const lines = [];
  let inStatement = false;
  let inBlock = false;
  for (const line of [...text.split("\n"), ">>>"]) {
    const begins = /^>>>( |$)/.test(line);
    const goesOn = inStatement && /^\.\.\.( |$)/.test(line);
    // A Python prompt wants an empty line after a block, such as the body of a function.
    if (begins && inBlock && lines.at(-1) !== "") lines.push("");
    if (begins || goesOn) lines.push(line.slice(4));
    if (begins || goesOn) inBlock = goesOn;
    inStatement = begins || goesOn;
  }
  return lines.slice(0, -1).join("\n") + "\n";
}

function withoutDollars(text) {
  if (/^\$ /m.test(text)) return text.replace(/^\$ /gm, "");
}
