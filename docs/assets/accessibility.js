// What the theme leaves out for those who use a keyboard, or who hear the page.
//
// What is wider than the page scrolls in its place: the keyboard can reach it, and it has a name.
const KINDS = {
  "pre > code": "Code",
  ".md-typeset__scrollwrap": "Table",
  ".mermaid": "Diagram",
  ".arithmatex": "Formula",
};
const ALL = Object.keys(KINDS).map((selector) => `.md-content ${selector}`);

const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => mark(target)));

function mark(element) {
  if (element.scrollWidth > element.clientWidth + 1) {
    element.tabIndex = 0;
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", name(element));
  } else for (const attribute of ["tabindex", "role", "aria-label"]) element.removeAttribute(attribute);
}

// Such as "Code 2 in One neuron": no two of a page have the same name.
function name(element) {
  let heading = "";
  let count = 0;
  const kind = Object.keys(KINDS).find((selector) => element.matches(selector));
  for (const other of document.querySelectorAll(`.md-content :is(h1, h2, h3, h4), ${ALL}`)) {
    if (/^H\d$/.test(other.tagName)) [heading, count] = [other.innerText.replace(/¶\s*$/, ""), 0];
    else if (other.matches(kind)) count += 1;
    if (other === element) break;
  }
  return `${KINDS[kind]} ${count} in ${heading}`;
}

// Tables get their wrapping, diagrams their picture and code its buttons when the theme has started.
function watch() {
  for (const element of document.querySelectorAll(ALL)) sizes.observe(element);
  for (const buttons of document.querySelectorAll("nav.md-code__nav")) buttons.role = "presentation";
}
watch();
new MutationObserver(watch).observe(document.querySelector(".md-content"), {
  childList: true,
  subtree: true,
});

document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
