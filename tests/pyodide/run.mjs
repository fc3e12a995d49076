// Runs pytest in Pyodide: node run.mjs PYODIDE WHEEL PACKAGES CHECKOUT ARGUMENT..., see run.py.

import { pathToFileURL } from "node:url";

const [folder, wheel, packages, checkout, ...options] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));

globalThis.fetch = (address) => {
  throw new Error(`no network: ${address} was asked for`);
};
const engines = wheel.endsWith("-none-any.whl") ? "reference" : "reference,compiled";
const pyodide = await loadPyodide({ env: { SCALARGRAD_TEST_ENGINES: engines } });
await pyodide.loadPackage(wheel, { messageCallback() {} });
pyodide.mountNodeFS("/packages", packages);
pyodide.FS.mkdir("/checkout");
pyodide.mountNodeFS("/checkout", checkout);
pyodide.globals.set("options", pyodide.toPy(options));

// A breakdown of Pyodide is thrown here, which ends node with an error, as it should.
process.exit(
  pyodide.runPython(`
    import os, sys

    sys.dont_write_bytecode = True
    sys.path[:0] = ["/packages", "/checkout/tests/pyodide"]
    os.chdir("/checkout")
    import pytest

    int(pytest.main([*options]))
  `),
);
