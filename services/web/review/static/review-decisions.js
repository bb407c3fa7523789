// Sends decisions, one after the other, and takes them back. What was decided stays known for undo after a reload.

const MAX_PHOTOS = 1000; // of one decision
const MAX_RETRY_TIME_MS = 15_000;
const PAUSE_MS = 1_000;
const KEPT = "verger-review-steps";
const MAX_KEPT = 50;

const HEADERS = { Accept: "application/json, text/html", "X-Fragment": "answer" };

export class Failure extends Error {
  // html: the error as the server shows it; empty where there is no connection.
  constructor(html) {
    super("not done");
    this.html = html;
  }
}

// Returns what the server answers. A connection that fails, and 503, are tried again: whatever is sent has an id.
export async function ask(address, body) {
  const end = performance.now() + MAX_RETRY_TIME_MS;
  for (;;) {
    let response = null;
    try {
      response = await fetch(address, body ? { method: "POST", headers: HEADERS, body } : { headers: HEADERS });
    } catch {
      // tried again below
    }
    if (response?.ok) return response;
    const waits = 1000 * (response?.headers.get("Retry-After") ?? 0) || PAUSE_MS;
    const isPassing = !response || response.status === 503 || response.status === 429;
    if (!isPassing || performance.now() + waits > end) throw new Failure(response ? await response.text() : "");
    await new Promise((resolve) => setTimeout(resolve, waits));
  }
}

export class Decisions {
  #last = Promise.resolve();
  #waiting = 0;

  // csrf: the token of the page's forms, if there are sessions.
  constructor(csrf) {
    this.csrf = csrf;
    this.steps = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    addEventListener("beforeunload", (event) => this.#waiting && event.preventDefault());
  }

  // Labels photos, which changes items. Calls told(outcome) with what became of them, or failed(failure).
  label(items, label, told, failed) {
    const step = { decisions: [], before: items.map(({ id, label, name, by }) => ({ id, label, name, by })) };
    this.#next(async () => {
      for (let start = 0; start < items.length; start += MAX_PHOTOS) {
        const part = items.slice(start, start + MAX_PHOTOS);
        const decision = newId();
        const photos = part.map(({ id, revision }) => ["photo", `${id}:${revision}`]);
        const outcome = await this.#send("/review/labels", [["decision", decision], ["label", label], ...photos]);
        if (outcome.changed.length) step.decisions.push(decision);
        told(outcome);
      }
    }, failed).then(() => this.#keep(step));
  }

  // Takes the last step back. Calls told(outcome, before), or nothing() if there is none.
  undo(told, nothing, failed) {
    this.#next(async () => {
      const step = this.steps.pop();
      if (!step) return nothing();
      this.#store();
      for (const decision of step.decisions.toReversed()) {
        told(await this.#send("/review/undo", [["decision", decision], ["change", newId()]]), step.before);
      }
    }, failed);
  }

  delete(items, told, failed) {
    this.#next(async () => {
      for (let start = 0; start < items.length; start += MAX_PHOTOS) {
        const part = items.slice(start, start + MAX_PHOTOS);
        await this.#send("/review/deletions", part.map(({ id }) => ["photo", `${id}:0`]));
        told(part);
      }
    }, failed);
  }

  #next(work, failed) {
    this.#waiting++;
    this.#last = this.#last.then(work).catch(failed).finally(() => this.#waiting--);
    return this.#last;
  }

  async #send(address, fields) {
    if (this.csrf) fields.push(["csrf", this.csrf]);
    return (await ask(address, new URLSearchParams(fields))).json();
  }

  #keep(step) {
    if (step.decisions.length) this.steps = [...this.steps, step].slice(-MAX_KEPT);
    this.#store();
  }

  #store() {
    sessionStorage.setItem(KEPT, JSON.stringify(this.steps));
  }
}

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
