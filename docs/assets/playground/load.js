// Loads the panel that the page names, if it can run here. If not, the page says why.
{
  const { panel, base } = document.currentScript.dataset;
  const missing = reason();
  if (missing) {
    const note = document.querySelector(".playground-unavailable");
    note.textContent = missing;
  } else {
    import(new URL(`assets/playground/${panel}.js`, new URL(`${base}/`, location)).href);
  }

  function reason() {
    if (location.protocol === "file:")
      return (
        "This page was opened as a file, and browsers let such pages load no Python. Type " +
        "“python -m http.server -d site” where the folder “site” is, and open " +
        "http://localhost:8000/playground/."
      );
    if (!window.WebAssembly || !window.Worker || !supportsModuleWorkers())
      return (
        "This browser cannot run Python in a page: it lacks WebAssembly or module workers. " +
        "Firefox, Chrome, Edge and Safari have had both since 2023. The rest of the page can be " +
        "read all the same."
      );
    return "";
  }

  // A browser that knows them asks for the type; the worker itself is never begun.
  function supportsModuleWorkers() {
    let asked = false;
    const options = { get type() { asked = true; return "module"; } };
    const address = URL.createObjectURL(new Blob([""], { type: "text/javascript" }));
    try {
      new Worker(address, options).terminate();
    } catch {
      return false;
    } finally {
      URL.revokeObjectURL(address);
    }
    return asked;
  }
}
