// The worker's side of session.js: it loads Python, then runs what the page asks for.
//
// From the page comes {id, module, function, arguments}; back go {id, item} for each item of a
// generator, and in the end {id, result} or {id, error: {type, message, traceback, line}}. What is
// printed goes as {print, stream}, and bytes loaded so far as {progress}. Id 0 is the start itself.

import { loadPyodide } from "../vendor/pyodide/pyodide.mjs";

export async function start(settings) {
  try {
    const call = await load(settings);
    self.onmessage = ({ data }) => call(data);
    const id = 0;
    call({ id, module: "session", function: "facts", arguments: {} });
  } catch (error) {
    const { name: type, message } = error;
    self.postMessage({ id: 0, error: { type, message, traceback: "", line: null } });
  }
}

async function load({ vendor, programs, wheels, checkout, sizes }) {
  const fetchText = async (address) => (await fetched(address)).text();
  countBytes();
  const pyodide = await loadPyodide({ indexURL: `${vendor}pyodide/` });
  const arrived = sizes["pyodide/pyodide.mjs"] + sizes["pyodide/pyodide.asm.mjs"];
  progress(arrived); // which were imported, not fetched
  const output = (stream) => ({ batched: (print) => self.postMessage({ print, stream }) });
  pyodide.setStdout(output("stdout"));
  pyodide.setStderr(output("stderr"));
  pyodide.setStdin({ error: true });
  const quiet = { messageCallback() {} };
  await pyodide.loadPackage(wheels.map((wheel) => vendor + wheel), quiet);
  const write = (path, text) => {
    pyodide.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    pyodide.FS.writeFile(path, text);
  };
  const home = pyodide.FS.cwd();
  const texts = await Promise.all(checkout.map((path) => fetchText(`${vendor}checkout/${path}`)));
  checkout.forEach((path, i) => write(`${home}/${path}`, texts[i]));

  // The programs of python/ are fetched when a page first asks for them.
  const folder = `${home}/playground`;
  const present = new Set();
  const bring = async (module) => {
    if (present.has(module)) return;
    write(`${folder}/${module}.py`, await fetchText(`${programs}${module}.py`));
    present.add(module);
  };
  await bring("session");
  pyodide.runPython("import sys; sys.path.insert(0, 'playground')");
  const session = pyodide.pyimport("session");
  return async ({ id, module, function: name, arguments: given }) => {
    const send = (kind, value) => self.postMessage({ id, [kind]: value });
    try {
      await bring(module);
      await session.call(module, name, pyodide.toPy(given), send);
    } catch (error) {
      send("error", brokenDown(error));
    }
  };
}

// Python tells its errors itself. One that comes here is of JavaScript: a file did not arrive, or
// calls went deeper than the browser has room for, after which Pyodide answers no more.
function brokenDown({ name: type, message }) {
  const advice = "Python cannot go on. Press Stop, then Start again; your text is kept.";
  return { type, message: `${message}. ${advice}`, traceback: "", line: null };
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} could not be fetched: ${answer.status}`);
  return answer;
}

let loaded = 0;

function progress(bytes) {
  loaded += bytes;
  self.postMessage({ progress: loaded });
}

// Whoever fetches while Python is being loaded, it is counted as it comes.
function countBytes() {
  const plain = self.fetch;
  self.fetch = async (...request) => {
    const answer = await plain(...request);
    if (!answer.body) return answer;
    const counting = new TransformStream({
      transform(chunk, stream) {
        progress(chunk.byteLength);
        stream.enqueue(chunk);
      },
    });
    const { status, statusText, headers } = answer;
    return new Response(answer.body.pipeThrough(counting), { status, statusText, headers });
  };
}
