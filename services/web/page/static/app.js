// Adds to the page what needs JavaScript: drop, paste, preview, retries, and answers without a reload.
// All texts come from the server: answers and errors as HTML, the others in templates and attributes of the page.

import { answerSeveral, fileOf } from "./several.js";

const form = document.getElementById("photo-form");
const samples = document.getElementById("samples-form");
const result = document.getElementById("result");
const input = document.getElementById("photo");
const camera = document.getElementById("camera");
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

let photo = null; // the file in the form
let photoUrl = null; // its blob: URL
let answered = null; // the file beside the answer
let shownUrl = null; // blob: URL of the photo beside the answer
let running = null; // AbortController of the current request and its retries
let remark = null; // stands above the answer

document.documentElement.classList.add("js");
input.multiple = true;

// Showing answers, errors and notices

function show(element) {
  result.replaceChildren(...(remark ? [remark] : []), element);
  result.querySelector("h2")?.focus({ preventScroll: true });
  result.scrollIntoView({ block: "start" });
}

// Returns what a template holds, with {placeholders} in its texts filled in.
function filled(id, values = {}) {
  const content = document.getElementById(id).content.cloneNode(true);
  for (const element of content.querySelectorAll("h2, p")) {
    element.textContent = element.textContent.replace(/{(\w+)}/g, (_, name) => values[name]);
  }
  return content;
}

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
    image.hidden = false;
    image.src = photoUrl;
  }
  return answer;
}

// Choosing a photo

function put(file) {
  stop(); // another photo, or none, makes the current request pointless
  photo = file ?? null;
  if (photoUrl && photoUrl !== shownUrl) URL.revokeObjectURL(photoUrl);
  photoUrl = photo ? URL.createObjectURL(photo) : null;
  const files = new DataTransfer();
  if (photo) files.items.add(photo);
  input.files = files.files;
  camera.value = "";
  empty.hidden = Boolean(photo);
  preview.hidden = removeButton.hidden = !photo;
  previewImage.hidden = false;
  previewImage.src = photoUrl ?? "";
  preview.querySelector(".file-name").textContent = photo?.name ?? "";
}

// Puts a photo into the form and answers it; several are answered in a grid. The page says which photo gets no answer
// because this one replaces it.
function take(files) {
  const replaced = running && photo;
  remark = null;
  if (files.length > 1) return askForSeveral(files);
  const [file] = files;
  if (replaced) remark = filled("template-one-photo", { file: file.name, others: replaced.name }).firstElementChild;
  if (result.querySelector(".error")) result.replaceChildren();
  put(file);
  askForPhoto();
}

function mayBePhoto(file) {
  return /^$|^image\/|octet-stream/.test(file.type); // some systems don't know the types of all photos
}

// Returns the reason for which a file need not be sent, or null.
async function reasonAgainst(file) {
  if (file.size > Number(input.dataset.maxBytes)) return "IMAGE_TOO_LARGE";
  if (!mayBePhoto(file)) return "FILE_TYPE_UNSUPPORTED";
  if (/\bhei[cf](-sequence)?$/i.test(file.type || file.name) && !input.accept.includes("image/heic")) return "IMAGE_HEIC_UNSUPPORTED";
  const isReadable = await file.slice(0, 1).arrayBuffer().then(() => true, () => false);
  return isReadable ? null : "FILE_UNREADABLE";
}

// Not every browser can show every photo.
for (const place of [preview, result]) {
  place.addEventListener("error", (event) => (event.target.hidden = true), { capture: true });
}
for (const chooser of [input, camera]) {
  chooser.addEventListener("change", () => (chooser.files.length ? take([...chooser.files]) : put(null)));
}
removeButton.addEventListener("click", () => {
  put(null);
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
  if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) take([...event.clipboardData.files]);
});

// Asking for an answer

function stop() {
  running?.abort();
  running = null;
  setBusy(false);
  document.getElementById("trying")?.remove();
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Makes one attempt. Returns null if the web service did not answer: the connection failed, or a proxy answered
// 502, 503 or 504. Verger's own answers have an X-Request-ID.
async function attempt(body, signal, address = "/predict") {
  try {
    const response = await fetch(address, { method: "POST", headers: { "X-Fragment": "answer" }, body, signal });
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
  const notice = setTimeout(() => signal.aborted || show(filled("template-trying")), NOTICE_DELAY_MS);
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

function askForPhoto() {
  const body = new FormData(form); // with the token of the form, where visitors have to sign in
  body.set("file", photo);
  ask(body, photo);
}

// Shows the answer to a form, or to this file in it. A file that is answered, or can't be, leaves the form.
async function ask(body, file = null) {
  stop(); // a new request replaces the current one
  const { signal } = (running = new AbortController());
  setBusy(true);
  const reason = file && (await reasonAgainst(file));
  const answer = reason ? null : await askWithRetries(body, signal);
  if (signal.aborted) return;
  stop();
  const type = file?.name.match(/\.(\w+)$/)?.[1].toUpperCase() ?? file?.type;
  if (answer) show(withPhoto(parse(answer.html)));
  else show(filled(`error-${reason ?? "NETWORK"}`, { file: file?.name, type }));
  answered = answer?.ok ? file : null;
  if (file && (reason || answer?.ok)) put(null);
}

function askForSeveral(files) {
  put(null);
  const { signal } = (running = new AbortController());
  const body = (file) => {
    const sent = new FormData(form); // with the token and the box
    sent.set("file", file);
    return sent;
  };
  answerSeveral(files, result, signal, { reasonAgainst, body, filled, parse }).finally(() => signal.aborted || (running = null));
}

// Without a photo, the button opens the file dialog: the last answer stays until there is another one.
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!photo) return input.click();
  remark = null;
  askForPhoto();
});
samples?.addEventListener("submit", (event) => {
  event.preventDefault();
  remark = null;
  ask(new FormData(samples, event.submitter));
});

// Says whether the answer is right. The photo goes with it if the visitor has ticked the box.
result.addEventListener("submit", async (event) => {
  event.preventDefault();
  const feedback = event.target;
  if (feedback.getAttribute("aria-busy") === "true") return;
  const body = new FormData(feedback, event.submitter);
  const given = fileOf(feedback) ?? answered;
  if (body.get("keep") && given) body.set("file", given);
  feedback.setAttribute("aria-busy", "true");
  const answer = await attempt(body, undefined, "/feedback");
  feedback.removeAttribute("aria-busy");
  feedback.parentElement.querySelector(":scope > .card.error")?.remove();
  const told = answer ? parse(answer.html) : filled("error-NETWORK");
  if (answer?.ok) feedback.replaceWith(told);
  else feedback.before(told);
});

// Copies a program. Where the browser lets pages copy nothing, because the connection is not secure, it selects the text.
result.addEventListener("click", async ({ target }) => {
  if (!target.dataset.copied) return;
  const code = target.parentElement.querySelector("code");
  getSelection().selectAllChildren(code);
  try {
    await navigator.clipboard.writeText(code.textContent);
    target.textContent = target.dataset.copied;
  } catch {
    // The selected text is left to the visitor.
  }
});

// "Try another photo" leads to the form. It does not open the file dialog: browsers allow that only on a click there.
result.addEventListener("click", (event) => {
  if (!event.target.closest(".try-again")) return;
  event.preventDefault();
  put(null);
  form.scrollIntoView({ block: "center" });
  input.focus({ preventScroll: true });
});
