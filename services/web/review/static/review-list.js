// The list of photos, loaded in parts as the form with the filters says. What an earlier list still loads is dropped.

import { ask } from "./review-decisions.js";

export class PhotoList {
  items = [];
  places = new Map(); // of items, by id
  loading = null;
  #next = ""; // token of the next part; null at the end
  #generation = 0;

  // filters: the form. changed: called when a part has come, or none will. failed: called with a Failure.
  constructor(filters, changed, failed) {
    Object.assign(this, { filters, changed, failed });
  }

  get isWhole() {
    return this.#next === null;
  }

  search() {
    const found = new URLSearchParams(new FormData(this.filters));
    for (const [name, value] of [...found]) if (!value.trim()) found.delete(name);
    return found;
  }

  clear() {
    this.#generation++;
    this.items.length = 0;
    this.places.clear();
    [this.#next, this.loading] = ["", null];
  }

  // Loads anew as far as a photo, or as far as so many. Returns whether no other list was begun meanwhile.
  async loadUntil(photo, count) {
    const mine = this.#generation;
    do await this.load();
    while (mine === this.#generation && !this.isWhole && !this.places.has(photo) && this.items.length <= count);
    return mine === this.#generation;
  }

  load() {
    if (!this.isWhole && !this.loading) this.loading = this.#load(this.#generation);
    return this.loading;
  }

  async #load(mine) {
    const wanted = this.search();
    if (this.#next) wanted.set("after", this.#next);
    let part = { items: [], next: "" };
    try {
      part = await (await ask(`/review/photos?${wanted}`)).json();
    } catch (failure) {
      if (mine === this.#generation) this.failed(failure);
    }
    if (mine !== this.#generation) return;
    for (const item of part.items) this.add(item);
    [this.#next, this.loading] = [part.next || null, null];
    this.changed();
  }

  add(item) {
    if (!this.places.has(item.id)) this.places.set(item.id, this.items.push(item) - 1);
  }

  get(id) {
    return this.items[this.places.get(id)];
  }

  // Returns all photos of the list that look like one, also those that are not loaded yet.
  async alike(item) {
    const found = new Map(this.items.filter(({ group }) => group === item.group).map((each) => [each.id, each]));
    if (found.size < item.size) {
      const wanted = this.search();
      wanted.set("group", item.group);
      const part = await (await ask(`/review/photos?${wanted}`)).json();
      for (const each of part.items) if (!found.has(each.id)) found.set(each.id, each);
    }
    return [...found.values()];
  }
}
