// Makes the page quicker for those who have JavaScript: drop, paste, preview, and answers without a reload.
// All words come from the server: answers and errors arrive as finished HTML, the rest lies in the page.

const form = document.getElementById("photo-form");
const samples = document.getElementById("samples-form");
const result = document.getElementById("result");
const input = document.getElementById("photo");
const drop = form.querySelector(".drop");
const empty = form.querySelector(".drop-empty");
const preview = form.querySelector(".drop-preview");
const previewImage = preview.querySelector("img");
const removeButton = document.getElementById("remove");
const predictButton = form.querySelector(".primary");
const predictLabel = predictButton.textContent;

// Asking again does no harm: classifying changes nothing. A restart of what answers takes a second or two.
const PATIENCE_MS = 10_000; // from the first attempt without an answer on
const FIRST_PAUSE_MS = 250; // twice as long each time
const LONGEST_PAUSE_MS = 2_000;
const SILENT_MS = 1_000; // before the page says that it keeps trying

let photoUrl = null; // of the photo in the form
let shownUrl = null; // of the photo beside the answer
let running = null; // aborts the request that is under way, pauses between its attempts included

document.documentElement.classList.add("js");

function show(element) {
  result.replaceChildren(element);
  result.querySelector("h2")?.focus({ preventScroll: true });
  result.scrollIntoView({ block: "start" });
}

function showTemplate(id) {
  show(document.getElementById(id).content.cloneNode(true));
}

function choose(file) {
  const files = new DataTransfer();
  if (file) files.items.add(file);
  input.files = files.files;
  updatePreview();
}

function updatePreview() {
  stop(); // who chooses another photo, or none, waits no longer for what the last one shows
  const file = input.files[0];
  if (photoUrl && photoUrl !== shownUrl) URL.revokeObjectURL(photoUrl);
  photoUrl = file ? URL.createObjectURL(file) : null;
  empty.hidden = Boolean(file);
  preview.hidden = removeButton.hidden = !file;
  previewImage.hidden = false;
  previewImage.src = photoUrl ?? "";
  preview.querySelector(".file-name").textContent = file?.name ?? "";
}

previewImage.addEventListener("error", () => {
  previewImage.hidden = true;
});
input.addEventListener("change", updatePreview);
removeButton.addEventListener("click", () => {
  choose(null);
  input.focus();
});

// A photo may be dropped anywhere on the page; the browser would otherwise leave the page to show it.
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (!carriesFiles(event)) return;
  event.preventDefault();
  choose(event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => {
  const file = event.clipboardData?.files[0];
  if (file) choose(file);
});

function setBusy(busy) {
  for (const element of [form, samples]) element?.setAttribute("aria-busy", String(busy));
  predictButton.textContent = busy ? predictButton.dataset.busy : predictLabel;
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

function withPhoto(answer) {
  const image = answer.querySelector("[data-preview]");
  if (image && photoUrl) {
    if (shownUrl && shownUrl !== photoUrl) URL.revokeObjectURL(shownUrl);
    shownUrl = photoUrl;
    image.hidden = previewImage.hidden;
    image.src = photoUrl;
  }
  return answer;
}

function stop() {
  running?.abort();
  running = null;
  setBusy(false);
  document.getElementById("trying")?.remove();
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// One attempt; null where the connection was refused or lost, or a proxy says so in Verger's place (502, 503, 504).
async function attempt(body, signal) {
  try {
    const response = await fetch("/predict", { method: "POST", headers: { "X-Fragment": "answer" }, body, signal });
    const { ok, status, headers } = response;
    if (status > 501 && !headers.has("X-Request-ID")) return null;
    const retryMs = status === 503 ? 1000 * headers.get("Retry-After") : 0;
    return { ok, html: await response.text(), retryMs };
  } catch {
    return null;
  }
}

// Attempts until one is answered for good, or the signal or the end of all patience stops it. Gives the last answer.
async function ask(body, signal) {
  let answer = await attempt(body, signal);
  let wait = FIRST_PAUSE_MS;
  const end = performance.now() + PATIENCE_MS;
  const notice = setTimeout(() => signal.aborted || showTemplate("template-trying"), SILENT_MS);
  while (!signal.aborted && (!answer || answer.retryMs)) {
    const ms = Math.max(wait, answer?.retryMs ?? 0);
    if (performance.now() + ms > end) break;
    await pause(ms);
    answer = await attempt(body, signal);
    wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
  }
  clearTimeout(notice);
  return answer;
}

async function predict(body) {
  stop(); // a newer request takes the place of the last one
  const { signal } = (running = new AbortController());
  setBusy(true);
  const answer = await ask(body, signal);
  if (signal.aborted) return false;
  stop();
  if (answer) show(withPhoto(parse(answer.html)));
  else showTemplate("error-NETWORK");
  return Boolean(answer?.ok);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (input.files[0]?.size > Number(input.dataset.maxBytes)) return showTemplate("error-IMAGE_TOO_LARGE");
  if (await predict(new FormData(form))) choose(null);
});
samples?.addEventListener("submit", (event) => {
  event.preventDefault();
  predict(new FormData(samples, event.submitter));
});

// "Try another photo" leads to the form; the file dialog itself may only open on a click there.
result.addEventListener("click", (event) => {
  if (!event.target.closest(".again")) return;
  event.preventDefault();
  choose(null);
  form.scrollIntoView({ block: "center" });
  input.focus({ preventScroll: true });
});
