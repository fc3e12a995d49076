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
    self.postMessage({ id: 0, error: told(error) });
  }
}

async function load({ vendor, programs, wheels, checkout, sizes }) {
  const fetchText = async (address) => (await fetched(address)).text();
  countBytes();
  const pyodide = await loadPyodide({ indexURL: `${vendor}pyodide/` });
  const arrived = sizes["pyodide/pyodide.mjs"] + sizes["pyodide/pyodide.asm.mjs"];
  progress(arrived); // which were imported, not fetched
  pyodide.setStdout({ batched: (line) => printed.add("stdout", line) });
  pyodide.setStderr({ batched: (line) => printed.add("stderr", line) });
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
    const send = (kind, value) => {
      printed.flush();
      self.postMessage({ id, [kind]: value });
    };
    const inPython = pyodide.toPy(given);
    try {
      await bring(module);
      await session.call(module, name, inPython, send);
    } catch (error) {
      send("error", told(error)); // of the worker, or of a Python that has broken down
    } finally {
      inPython.destroy();
    }
  };
}

const told = ({ name, message }) => ({ type: name, message, traceback: "", line: null });

// What is printed, sent a few times a second: a program may print faster than a page can show.
const printed = {
  lines: [],
  stream: "stdout",
  sent: 0,
  add(stream, line) {
    if (stream !== this.stream) this.flush();
    this.stream = stream;
    this.lines.push(line);
    if (performance.now() - this.sent > 100) this.flush();
  },
  flush() {
    const { lines, stream } = this;
    if (lines.length) self.postMessage({ print: lines.slice(-MOST_LINES).join("\n"), stream });
    this.lines = [];
    this.sent = performance.now();
  },
};
const MOST_LINES = 500;

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
