// Answers several photos, a few at a time, in a grid: with progress, feedback on each, and a table to download.

const MAX_AT_ONCE = 2; // so that one visitor does not take all places of the server
const MAX_TRIES = 30; // of one photo; the server says how long to wait between them
const PAUSE_MS = 1_000;

const files = new WeakMap(); // of cards

// Returns the photo that a form in the grid is about.
export const fileOf = (element) => files.get(element.closest(".several li"));

// several: photos to show in `place`. reasonAgainst: (file) => why it need not be sent, or null. body: (file) => what to
// send. filled, parse: make parts of the page of templates and of HTML.
export async function answerSeveral(several, place, signal, { reasonAgainst, body, filled, parse }) {
  const section = filled("template-several", { count: several.length }).firstElementChild;
  const cards = several.map((file) => cardFor(file, filled));
  const rows = several.map((file) => ({ file: file.name }));
  section.querySelector("ol").append(...cards);
  place.replaceChildren(section);
  section.querySelector("h2").focus({ preventScroll: true });
  let [done, next, pause] = [0, 0, Promise.resolve()];
  const told = section.querySelector("[data-text]");
  const tellProgress = () => {
    section.querySelector("progress").value = done / several.length;
    told.textContent = told.dataset.text.replace("{done}", done).replace("{count}", several.length);
  };

  // Asks until there is an answer. Where the server wants a pause, all wait.
  async function ask(file) {
    for (let tries = 1; ; tries++) {
      await pause;
      if (signal.aborted) return "";
      let response = null;
      try {
        response = await fetch("/predict", { method: "POST", headers: { "X-Fragment": "answer" }, body: body(file), signal });
      } catch {
        // tried again below
      }
      if (response && ![429, 502, 503, 504].includes(response.status)) return response.text();
      if (tries === MAX_TRIES || signal.aborted) return response?.text() ?? "";
      const ms = 1000 * (response?.headers.get("Retry-After") ?? 0) || PAUSE_MS;
      pause = Promise.all([pause, new Promise((resolve) => setTimeout(resolve, ms))]);
    }
  }

  async function work() {
    while (next < several.length && !signal.aborted) {
      const index = next++;
      const reason = await reasonAgainst(several[index]);
      const html = reason ? "" : await ask(several[index]);
      if (signal.aborted) return;
      const answer = html ? parse(html) : filled(`error-${reason ?? "NETWORK"}`);
      Object.assign(rows[index], tell(cards[index], answer.firstElementChild));
      done++;
      tellProgress();
    }
  }

  tellProgress();
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, work));
  if (signal.aborted) return;
  const button = section.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", () => download(table(rows), "verger.csv"));
}

function cardFor(file, filled) {
  const card = filled("template-one-of-several").firstElementChild;
  files.set(card, file);
  const image = card.querySelector("img");
  image.onload = () => URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  card.querySelector(".file-name").textContent = file.name;
  return card;
}

// Shows an answer or an error in its card. Returns the row of the table.
function tell(card, answer) {
  const { verdict = "", label = "", probability = "", reason = "" } = answer.dataset;
  card.className = verdict || "error";
  card.querySelector(".told").textContent = answer.querySelector("h2").textContent;
  if (verdict === "recognised") card.querySelector(".sure").textContent = answer.querySelector(".explanation").textContent;
  const feedback = answer.querySelector(".feedback");
  if (feedback) card.append(feedback);
  return { verdict, label, probability, reason };
}

function table(rows) {
  const columns = ["file", "verdict", "label", "probability", "reason"];
  const lines = rows.map((row) => columns.map((column) => cell(row[column] ?? "")));
  return [columns, ...lines].map((line) => line.join(",") + "\r\n").join("");
}

// Returns a cell of a CSV file (RFC 4180). Spreadsheets would take some file names for formulas.
function cell(text) {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
