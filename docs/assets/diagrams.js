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

// The first line of the text in each box is its name: n1("price<br>data 4").
function arrowsOf(source) {
  const names = {};
  for (const [, id, name] of source.matchAll(/\b(\w+)(?:\(|\[|\{)+"?(.+?)(?:<br>|"|\)|\]|\})/g))
    names[id] ??= name.replace(/#(\d+);/g, (_, code) => String.fromCharCode(code));
  const arrows = source.matchAll(/(\w+)(?:[([{]+[^\n]*?[)\]}]+)?(?:@\{[^}]*\})? *(?:--|==|-\.)[^>\n]*> *(?:\|[^|\n]*\| *)?(\w+)/g);
  return [...arrows].map(([, from, to]) => [names[from] ?? from, names[to] ?? to]);
}
