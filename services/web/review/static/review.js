// The page for reviewers: a list of any length, decided by keyboard. Texts come from the server, in attributes of #texts.

import { Decisions, ask } from "./review-decisions.js";
import { Gallery } from "./review-gallery.js";
import { PhotoList } from "./review-list.js";
import { describe, fail, fill, find, make, parse, tell, texts } from "./review-telling.js";

const DETAIL_DELAY_MS = 120; // while keys go through photos, those in between are not loaded in large
const ADDRESS_DELAY_MS = 200;
const AHEAD = 50;
const MAX_SELECTED = 1000;
const NARROW = matchMedia("(width < 60rem)");

document.documentElement.classList.add("js");
const [box, detail, notice, together] = ["gallery", "detail", "notice", "together"].map(find);
const workspace = document.querySelector(".workspace");
const choices = [...document.querySelectorAll(".choice[value]")];
const names = new Map(choices.map((choice) => [choice.value, choice.lastChild.textContent.trim()]));
const keys = new Map(choices.filter(({ dataset }) => dataset.key).map((choice) => [choice.dataset.key, choice.value]));

const selected = new Set(); // ids
let focus = 0;
let anchor = 0; // where a selection by shift began
let decided = 0;
const start = new URLSearchParams(location.search);

const decisions = new Decisions(document.querySelector("#decide [name=csrf]")?.value);
const list = new PhotoList(find("filters"), listChanged, fail);
const { items, places } = list;
const gallery = new Gallery(box, items, () => list.load(), (item, tile, index) =>
  describe(item, tile, {
    label: item.pending ? names.get(item.pending) : item.name,
    isFocus: index === focus,
    isSelected: selected.has(item.id),
    isTogether: together.checked && item.size > 1 && item.group === items[focus]?.group,
  }),
);

function listChanged() {
  if (!items.length) gallery.room.replaceChildren(make("p", { className: "empty", textContent: texts.none }));
  gallery.draw();
  tellStatus();
}

// Begins the list anew, at the photo that the address names, or as far down as it was.
async function begin(photo, at) {
  list.clear();
  selected.clear();
  [focus, anchor] = [0, 0];
  gallery.clear();
  if (!(await list.loadUntil(photo, at))) return;
  if (items.length) move(places.get(photo) ?? Math.min(at, items.length - 1));
  else detail.replaceChildren();
}

// Where one is

function move(to, extends_ = false) {
  focus = Math.max(0, Math.min(to, items.length - 1));
  if (!extends_) anchor = focus;
  else {
    selected.clear();
    for (let index = Math.min(anchor, focus); index <= Math.max(anchor, focus); index++) selected.add(items[index].id);
  }
  const isGrouped = items[gallery.focus]?.size > 1 || items[focus].size > 1;
  gallery.show(focus);
  if (extends_ || isGrouped) gallery.updateAll();
  if (focus > items.length - AHEAD) list.load(); // where only one photo is shown, the gallery does not ask for more
  box.setAttribute("aria-activedescendant", `photo-${focus}`);
  tellStatus();
  showDetail();
  keepAddress();
}

// Returns a function that does something so much later, once. Calling it again puts it off.
function later(ms, work) {
  let timer;
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(work, ms);
  };
  start.cancel = () => clearTimeout(timer);
  return start;
}

const keepAddress = later(ADDRESS_DELAY_MS, () => {
  const found = list.search();
  if (together.checked) found.set("together", "1");
  if (workspace.classList.contains("is-large")) found.set("large", "1");
  if (items[focus]) {
    found.set("photo", items[focus].id);
    found.set("at", focus);
  }
  history.replaceState(null, "", `/review?${found}`);
  for (const link of document.querySelectorAll("nav [hreflang]")) link.href = `/review?${found}&lang=${link.hreflang}`;
});

const showDetail = later(DETAIL_DELAY_MS, () => loadDetail());

let wanted = 0; // number of the detail that was asked for last; what arrives late of others is dropped

async function loadDetail(evidence = "") {
  const [item, mine] = [items[focus], ++wanted];
  showDetail.cancel();
  if (!item || (NARROW.matches && !workspace.classList.contains("is-large"))) return;
  if (item.gone) return detail.replaceChildren();
  try {
    const html = await (await ask(`/review/photos/${item.id}${evidence}`)).text();
    if (mine === wanted) detail.replaceChildren(parse(html));
  } catch (failure) {
    if (mine === wanted) detail.replaceChildren();
    if (!item.gone) fail(failure); // whoever has found out has told it
  }
}

function setLarge(isLarge) {
  workspace.classList.toggle("is-large", isLarge);
  if (!isLarge) gallery.show(focus);
  loadDetail();
  keepAddress();
}

function tellStatus() {
  const parts = [fill(list.isWhole ? texts.loaded : texts.more, { count: items.length })];
  if (selected.size) parts.push(fill(texts.selected, { count: selected.size }));
  if (decided) parts.push(fill(texts.decided, { count: decided }));
  find("status").textContent = parts.join(" · ");
}

// Deciding

// Returns those that a decision is about: the selected ones, else the one in focus with those that look like it.
async function targets() {
  if (selected.size) return items.filter(({ id }) => selected.has(id));
  const item = items[focus];
  return item && together.checked && item.size > 1 ? list.alike(item) : [item].filter(Boolean);
}

async function decide(choose) {
  const chosen = (await targets()).filter(({ gone }) => !gone);
  const labels = Map.groupBy(chosen, choose);
  if (!chosen.length) return;
  if (labels.has("")) return tell(texts.noSuggestion);
  for (const [label, group] of labels) send(group, label);
  selected.clear();
  const last = Math.max(focus, ...chosen.map(({ id }) => places.get(id) ?? 0));
  const ahead = items.findIndex((item, index) => index > last && !item.label && !item.pending);
  move(ahead < 0 ? last + 1 : ahead);
  gallery.updateAll();
}

function send(group, label) {
  notice.replaceChildren();
  for (const item of group) Object.assign(item, { pending: label, conflict: false });
  decisions.label(
    group,
    label,
    (outcome) => {
      for (const { id, revision } of outcome.changed) {
        const item = group.find((each) => each.id === id);
        Object.assign(item, { revision, label, name: names.get(label), pending: "" });
      }
      decided += outcome.changed.length;
      take(outcome.conflicts, group);
    },
    (failure) => {
      for (const item of group) item.pending = "";
      gallery.updateAll();
      fail(failure);
    },
  );
}

// Shows what others have decided meanwhile. It counts; who disagrees decides again.
function take(conflicts, group) {
  for (const { id, deleted, revision, label, name, by } of conflicts) {
    const item = group.find((each) => each.id === id);
    if (item) Object.assign(item, deleted ? { gone: true, pending: "" } : { revision, label, name, by, conflict: true, pending: "" });
  }
  const gone = conflicts.some(({ deleted }) => deleted);
  const kept = conflicts.filter(({ deleted }) => !deleted);
  const one = kept[0] && fill(texts.conflict, { by: kept[0].by || texts.somebody, label: kept[0].name || texts.unlabelled });
  const lines = [kept.length > 1 && fill(texts.conflicts, { count: kept.length }), one, gone && texts.gone].filter(Boolean);
  if (lines.length) tell(...lines);
  gallery.updateAll();
  tellStatus();
  if (items[focus] && group.includes(items[focus])) showDetail();
}

function undo() {
  decisions.undo(
    (outcome, before) => {
      const known = new Map(before.map((each) => [each.id, each]));
      for (const { id, revision } of outcome.changed) {
        const item = list.get(id);
        if (item) Object.assign(item, known.get(id), { revision, pending: "", conflict: false });
      }
      decided = Math.max(0, decided - outcome.changed.length);
      tell(fill(texts.undone, { count: outcome.changed.length }));
      const first = Math.min(...outcome.changed.map(({ id }) => places.get(id) ?? Infinity));
      if (first < Infinity) move(first);
      if (outcome.conflicts.length) take(outcome.conflicts, items);
      gallery.updateAll();
    },
    () => tell(texts.nothing),
    fail,
  );
}

async function selectGroup() {
  const item = items[focus];
  if (!item) return;
  for (const each of await list.alike(item)) {
    list.add(each);
    selected.add(each.id);
  }
  gallery.draw();
  gallery.updateAll();
  tellStatus();
}

async function selectAll() {
  while (!list.isWhole && items.length < MAX_SELECTED) await list.load();
  for (const { id } of items.slice(0, MAX_SELECTED)) selected.add(id);
  gallery.updateAll();
  tellStatus();
}

function remove() {
  const dialog = find("deleting");
  if (!dialog || !items[focus]) return;
  dialog.returnValue = "";
  dialog.onclose = () => {
    if (dialog.returnValue !== "yes") return;
    const chosen = selected.size ? items.filter(({ id }) => selected.has(id)) : [items[focus]];
    selected.clear();
    decisions.delete(
      chosen,
      (part) => {
        for (const item of part) item.gone = true;
        tell(fill(texts.deleted, { count: part.length }));
        gallery.updateAll();
      },
      fail,
    );
  };
  dialog.showModal();
}

// Keys and clicks

function toggle() {
  const { id } = items[focus];
  if (!selected.delete(id)) selected.add(id);
  gallery.update(focus);
  tellStatus();
}

function leave() {
  if (selected.size) {
    selected.clear();
    gallery.updateAll();
    tellStatus();
  } else if (workspace.classList.contains("is-large")) setLarge(false);
}

const STEPS = {
  ArrowLeft: () => -1,
  ArrowRight: () => 1,
  ArrowUp: () => -(gallery.columns ?? 1),
  ArrowDown: () => gallery.columns ?? 1,
  PageUp: () => -gallery.page,
  PageDown: () => gallery.page,
  Home: () => -Infinity,
  End: () => Infinity,
};
const ACTIONS = {
  " ": toggle,
  Enter: () => setLarge(!workspace.classList.contains("is-large")),
  Escape: leave,
  Delete: remove,
  "?": () => find("help").showModal(),
  a: selectAll,
  e: () => loadDetail("?evidence=1"),
  g: selectGroup,
  s: () => together.click(),
  u: undo,
  y: () => decide(selected.size ? ({ suggestion }) => suggestion : () => items[focus].suggestion),
};

// Returns what a key means. Digits mean the key, wherever the layout has them: French keyboards need shift for them.
function meaning({ key, code, ctrlKey, metaKey, altKey }) {
  if (altKey) return null;
  if (ctrlKey || metaKey) return { z: "u", a: "a" }[key.toLowerCase()] ?? null;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1];
  return digit ?? (key.length === 1 ? key.toLowerCase() : key);
}

document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("input:not([type=checkbox]), select, textarea, dialog, summary, a");
  const pressed = meaning(event);
  if (inField || !pressed || !items.length) return;
  if (event.target.closest("button, input") && (pressed === "Enter" || pressed === " ")) return;
  const label = keys.get(pressed);
  const isMove = pressed in STEPS;
  if (!isMove && !label && !(pressed in ACTIONS)) return;
  event.preventDefault();
  if (isMove) {
    if (!event.shiftKey && selected.size) leave();
    move(focus + STEPS[pressed](), event.shiftKey);
  } else if (label) decide(() => label).catch(fail);
  else Promise.resolve(ACTIONS[pressed]()).catch(fail);
});

box.addEventListener("click", (event) => {
  const tile = event.target.closest("[data-index]");
  if (!tile) return;
  const index = Number(tile.dataset.index);
  if (event.ctrlKey || event.metaKey) {
    move(index);
    toggle();
  } else if (event.shiftKey) move(index, true);
  else {
    if (index === focus || NARROW.matches) setLarge(true);
    if (selected.size) leave();
    move(index);
  }
});
detail.addEventListener("click", (event) => {
  if (event.target.closest(".evidence-link")) {
    event.preventDefault();
    loadDetail("?evidence=1");
  } else if (event.target.closest(".large") && workspace.classList.contains("is-large")) setLarge(false);
});
find("decide").addEventListener("submit", (event) => {
  event.preventDefault();
  decide(() => event.submitter.value).catch(fail);
  box.focus({ preventScroll: true });
});
const BUTTONS = {
  accept: ACTIONS.y,
  undo,
  help: ACTIONS["?"],
  list: () => setLarge(false),
  previous: () => move(focus - 1),
  next: () => move(focus + 1),
};
find("decide").addEventListener("click", (event) => {
  const does = event.target.closest("[data-does]")?.dataset.does;
  if (does) Promise.resolve(BUTTONS[does]()).catch(fail);
});
find("filters").addEventListener("change", () => begin("", 0));
find("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  begin("", 0);
});
together.addEventListener("change", () => {
  gallery.updateAll();
  keepAddress();
});

// Beginning, as the address says

box.setAttribute("role", "listbox");
box.setAttribute("aria-multiselectable", "true");
box.setAttribute("aria-label", texts.gallery);
box.tabIndex = 0;
together.checked = start.has("together") || start.get("order") !== "newest";
workspace.classList.toggle("is-large", start.has("large"));
begin(start.get("photo") ?? "", Number(start.get("at") ?? 0)).then(() => box.focus({ preventScroll: true }));
