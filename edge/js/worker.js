// What the platform calls. The build puts this file beside the bindings that wasm-bindgen generated and bundles both.
//
// After a panic or a trap nobody knows what the wasm instance holds: the next call starts a fresh one, and each Durable
// Object gets a fresh object of Rust in it.
import { WorkerEntrypoint } from "cloudflare:workers";
import * as rust from "./index.js";

// The stack of a trap is deep: the default of 10 frames ends inside the panic machinery.
Error.stackTraceLimit = 100;

/** Shared with the crate `worker`: its panic hook sets `criticalError`; `instanceId` changes with each fresh instance. */
const state = rust.__worker_init_state();

function noteTrap(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  console.error("The wasm instance trapped:", error);
  state.criticalError = true;
}

function renewInstance() {
  if (!state.criticalError) return;
  console.log("Starting a fresh wasm instance.");
  rust.__wbg_reset_state();
  state.criticalError = false;
  state.instanceId += 1;
}

async function call(act) {
  renewInstance();
  try {
    return await act();
  } catch (error) {
    noteTrap(error);
    throw error;
  }
}

// A trap in a callback that nobody awaits.
addEventListener("error", (event) => noteTrap(event.error));

export default class extends WorkerEntrypoint {
  fetch(request) {
    return call(() => rust.fetch.call(this, request, this.env, this.ctx));
  }

  queue(batch) {
    return call(() => rust.queue.call(this, batch, this.env, this.ctx));
  }

  scheduled(event) {
    return call(() => rust.scheduled.call(this, event, this.env, this.ctx));
  }
}

/** A class whose methods are those of `Class` in Rust, on an object of the current wasm instance. */
function durableObject(Class) {
  class DurableObject {
    #words;
    #object;
    #instanceId;

    constructor(...words) {
      this.#words = words;
      this.#current();
    }

    #current() {
      renewInstance();
      if (this.#instanceId !== state.instanceId) {
        try {
          this.#object = new Class(...this.#words);
        } catch (error) {
          noteTrap(error);
          throw error;
        }
        this.#instanceId = state.instanceId;
      }
      return this.#object;
    }

    static method(name) {
      return function (...words) {
        return call(() => this.#current()[name](...words));
      };
    }
  }
  for (const name of Object.getOwnPropertyNames(Class.prototype)) {
    const isHandler = name !== "constructor" && name !== "free" && !name.startsWith("_");
    if (isHandler) DurableObject.prototype[name] = DurableObject.method(name);
  }
  return DurableObject;
}

export const Hub = durableObject(rust.Hub);
export const Sweeper = durableObject(rust.Sweeper);
export const Dispatch = durableObject(rust.Dispatch);
