// Diagrams keep their size, to be read on a phone too; what is too wide for the page can be scrolled,
// and on paper it is made smaller. Those who hear a page hear what points to what.
const { initialize, render } = mermaid;
const ON_PAPER = "@media print { & { max-width: 100%; height: auto; } }";

mermaid.initialize = (settings) =>
  initialize({
    ...settings,
    themeCSS: (settings.themeCSS ?? "") + ON_PAPER,
    flowchart: { ...settings.flowchart, useMaxWidth: false },
  });

mermaid.render = (id, source, ...rest) => render(id, described(source), ...rest);

function described(source) {
  if (/^\s*accDescr/m.test(source)) return source;
  return source.replace(/^\s*(?:flowchart|graph) \w+.*$/m, (line) => {
    const arrows = arrowsOf(source).map(([from, to]) => `${from} to ${to}`);
    return `${line}\n  accTitle: Graph\n  accDescr: Arrows lead from ${arrows.join("; from ")}.`;
  });
}

// The first line of the text in each box is its name: n1("price<br>data 4") is called price.
const BOX = /\b(\w+)[([{]+(?:"(.+?)(?:<br>|")|([^"\])}]+))/g;
const ARROW = /\b(\w+)(?:[([{]+"[^"\n]*"[)\]}]+)? *(?:--|==|-\.)[^|>\n]*> *(?:\|[^|\n]*\| *)?(\w+)/g;

function arrowsOf(source) {
  const names = {};
  for (const [, id, quoted, plain] of source.matchAll(BOX))
    names[id] ??= (quoted ?? plain).replace(/#(\d+);/g, (_, code) => String.fromCharCode(code));
  return [...source.matchAll(ARROW)].map(([, from, to]) => [names[from] ?? from, names[to] ?? to]);
}
