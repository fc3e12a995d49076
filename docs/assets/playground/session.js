// A session with Python: a worker in which the real scalargrad runs.
//
//     const session = await start(await manifest(), { onProgress, onPrint }).starting;
//     const result = await session.call("expression", "look", { text }, { onItem });
//     session.stop();
//
// call() runs a function of a file in python/ with named arguments, and gives what it returns. If it
// is a generator, each item goes to onItem as it comes; between two items other calls are answered.
// stop() ends the worker at once, whatever it is doing: a call that was waiting fails with Stopped.

const HERE = new URL(".", import.meta.url);
const VENDOR = new URL("../vendor/", HERE);

/** What Python said when it failed: its type, its message, the line in the reader's program. */
export class PythonError extends Error {
  constructor({ type, message, traceback, line }) {
    super(message);
    Object.assign(this, { type, traceback, line });
  }
}

export class Stopped extends Error {}

/** What is served, by vendor/manifest.json. */
export async function manifest() {
  return (await fetch(new URL("manifest.json", VENDOR))).json();
}

/** The bytes that a session fetches, once; the browser keeps them. */
export function bytes(manifest, { pytest = false, also = [] } = {}) {
  return [...files(manifest, pytest), ...also].reduce((sum, file) => sum + manifest.bytes[file], 0);
}

function files(manifest, pytest) {
  return [
    ...Object.keys(manifest.bytes).filter((file) => file.startsWith("pyodide/")),
    manifest.wheel,
    ...manifest.checkout.map((file) => `checkout/${file}`),
    ...(pytest ? manifest.pytest : []),
  ];
}

/**
 * Starts Python, from what the manifest says is served; `pytest: true` brings pytest too. It can be
 * used when `starting` is done. onProgress(loaded, total) counts bytes.
 */
export function start(served, { onProgress = () => {}, onPrint = () => {}, pytest = false } = {}) {
  const settings = {
    vendor: VENDOR.href,
    programs: new URL("python/", HERE).href,
    wheels: [served.wheel, ...(pytest ? served.pytest : [])],
    checkout: served.checkout,
    sizes: served.bytes,
  };
  const worker = workerRunning(`
    import { start } from ${JSON.stringify(new URL("worker.js", HERE).href)};
    start(${JSON.stringify(settings)});`);
  const total = bytes(served, { pytest });
  const waiting = new Map();
  let last = 0;
  const session = {
    /** The versions and the engine, once it runs. */
    facts: null,
    call(module, name, args = {}, { onItem = () => {} } = {}) {
      const id = ++last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject, onItem });
        worker.postMessage({ id, module, function: name, arguments: args });
      });
    },
    stop() {
      worker.terminate();
      for (const { reject } of waiting.values()) reject(new Stopped("stopped"));
      waiting.clear();
    },
  };
  const ready = new Promise((resolve, reject) => waiting.set(0, { resolve, reject }));
  worker.onerror = (event) => {
    event.preventDefault();
    for (const { reject } of waiting.values()) reject(new Error(event.message || "the worker failed"));
    waiting.clear();
  };
  worker.onmessage = ({ data }) => {
    if ("progress" in data)
      return session.facts || onProgress(Math.min(data.progress, total), total);
    if ("print" in data) return onPrint(data.print, data.stream);
    const call = waiting.get(data.id);
    if (!call) return;
    if ("item" in data) return call.onItem(data.item);
    waiting.delete(data.id);
    if ("error" in data) call.reject(new PythonError(data.error));
    else call.resolve(data.result);
  };
  onProgress(0, total);
  session.starting = ready.then((facts) => ((session.facts = facts), session));
  return session;
}

// A worker loaded from an address would have a content security policy of its own, that is none. One
// loaded from a blob has the page's: what a reader's program may fetch comes from this site alone.
function workerRunning(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return worker;
}
