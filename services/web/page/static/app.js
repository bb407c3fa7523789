// Adds to the page what needs JavaScript: drop, paste, preview, retries, and answers without a reload.
// All texts come from the server: answers and errors as HTML, the others in templates and attributes of the page.

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

// A service that restarts is back within seconds. Retries are safe because classifying changes nothing on the server.
const MAX_RETRY_TIME_MS = 10_000; // counted from the end of the first attempt
const MIN_PAUSE_MS = 250; // before the first retry; each pause is twice as long as the last
const MAX_PAUSE_MS = 2_000;
const NOTICE_DELAY_MS = 1_000; // before the page says that it keeps trying

let photoUrl = null; // blob: URL of the photo in the form
let shownUrl = null; // blob: URL of the photo beside the answer
let running = null; // AbortController of the current request and its retries

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
  stop(); // another photo, or none, makes the current request pointless
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

// A photo may be dropped anywhere on the page. Without this, the browser would open it instead of the page.
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (!hasFiles(event)) return;
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

// Makes one attempt. Returns null if the web service did not answer: the connection failed, or a proxy answered
// 502, 503 or 504. Verger's own answers have an X-Request-ID.
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

// Repeats attempts until there is a final answer, the time for retries is over, or the signal aborts. Returns the last
// answer. Verger's own 503 is repeated too, after its Retry-After: a service behind it is unavailable.
async function askWithRetries(body, signal) {
  let answer = await attempt(body, signal);
  let wait = MIN_PAUSE_MS;
  const end = performance.now() + MAX_RETRY_TIME_MS;
  const notice = setTimeout(() => signal.aborted || showTemplate("template-trying"), NOTICE_DELAY_MS);
  while (!signal.aborted && (!answer || answer.retryMs)) {
    const ms = Math.max(wait, answer?.retryMs ?? 0);
    if (performance.now() + ms > end) break;
    await pause(ms);
    answer = await attempt(body, signal);
    wait = Math.min(2 * wait, MAX_PAUSE_MS);
  }
  clearTimeout(notice);
  return answer;
}

async function predict(body) {
  stop(); // a new request replaces the current one
  const { signal } = (running = new AbortController());
  setBusy(true);
  const answer = await askWithRetries(body, signal);
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

// "Try another photo" leads to the form. It does not open the file dialog: browsers allow that only on a click there.
result.addEventListener("click", (event) => {
  if (!event.target.closest(".try-again")) return;
  event.preventDefault();
  choose(null);
  form.scrollIntoView({ block: "center" });
  input.focus({ preventScroll: true });
});
