// Diagrams keep their size, to be read on a phone too; what is too wide for the page can be scrolled.
const initialize = mermaid.initialize;
mermaid.initialize = (settings) =>
  initialize({ ...settings, flowchart: { ...settings.flowchart, useMaxWidth: false } });
