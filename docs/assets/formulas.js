// Draws what pymdownx.arithmatex marked as a formula.
for (const element of document.querySelectorAll(".arithmatex"))
  renderMathInElement(element, {
    delimiters: [
      { left: "\\(", right: "\\)", display: false },
      { left: "\\[", right: "\\]", display: true },
    ],
    throwOnError: true,
  });
