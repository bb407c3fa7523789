// Says what has happened, in texts and in parts of the page that come from the server.

import { Failure } from "./review-decisions.js";

export const find = (id) => document.getElementById(id);
export const texts = find("texts").dataset;
export const fill = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);

export function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

export function tell(...lines) {
  const card = make("div", { className: "card notice" });
  card.append(...lines.map((line) => make("p", { textContent: line })));
  find("notice").replaceChildren(card);
}

export function fail(failure) {
  if (!(failure instanceof Failure)) throw failure;
  if (failure.html) find("notice").replaceChildren(parse(failure.html));
  else tell(texts.failed);
}

// Fills a tile of the gallery.
export function describe(item, tile, { label, isFocus, isSelected, isTogether }) {
  const classes = {
    grouped: item.size > 1,
    together: isTogether,
    focus: isFocus,
    pending: item.pending,
    conflict: item.conflict,
    gone: item.gone,
  };
  tile.className = ["tile", item.tone, ...Object.keys(classes).filter((name) => classes[name])].join(" ");
  tile.setAttribute("aria-selected", String(isSelected));
  tile.setAttribute("aria-label", [item.answer, label].filter(Boolean).join(", "));
  tile.dataset.id = item.id;
  if (!tile.firstChild) {
    const words = make("div", { className: "words" });
    words.append(make("strong"), make("span"));
    tile.append(make("img", { alt: "", decoding: "async", src: `/review/thumbnails/${item.id}` }), words);
    if (item.size > 1) tile.append(make("b", { className: "badge", textContent: `× ${item.size}` }));
  }
  tile.querySelector("strong").textContent = label || "\u00a0";
  tile.querySelector("span").textContent = item.report || item.answer;
}
