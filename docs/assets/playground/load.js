// Loads the panel that the page names, if it can run here. If not, the page says why.
{
  const { panel, base } = document.currentScript.dataset;
  const assets = new URL(`${base}/assets/`, location);
  reason().then((missing) => {
    if (missing) document.querySelector(".playground-unavailable").textContent = missing;
    else import(new URL(`playground/${panel}.js`, assets).href);
  });

  async function reason() {
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
    if (!(await fetch(new URL("vendor/manifest.json", assets))).ok)
      return (
        "This copy of the site was built without npm, so Python is not in it; “make docs” on a " +
        "machine that has npm brings it."
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
