// A list of any length as a grid of thumbnails, of which only those that are visible are in the document.

const MIN_TILE_PX = 150;
const WORDS_PX = 44; // below the picture
const GAP_PX = 6;
const SPARE_ROWS = 2; // above and below what is visible
const AHEAD_ROWS = 12; // before the end of what is loaded, more is loaded
const RETRY_MS = 1_500; // a thumbnail that the busy server refused is asked for again

export class Gallery {
  // box: the element that scrolls. items: grows while the list is loaded. wants: called where more should be loaded.
  // describe: (item, tile) => fills a tile.
  constructor(box, items, wants, describe) {
    Object.assign(this, { box, items, wants, describe, tiles: new Map(), focus: 0 });
    box.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.resize()).observe(box);
    box.addEventListener("error", (event) => this.#retry(event.target), { capture: true });
  }

  // Starts anew with an empty list.
  clear() {
    this.room = document.createElement("div");
    this.room.className = "room";
    this.tiles.clear();
    this.box.replaceChildren(this.room);
    this.box.scrollTop = 0;
    this.resize();
  }

  resize() {
    const width = this.box.clientWidth;
    if (!this.room || !width) return;
    this.columns = Math.max(2, Math.floor(width / MIN_TILE_PX));
    this.width = Math.floor(width / this.columns);
    this.height = this.width + WORDS_PX;
    for (const [index, tile] of this.tiles) this.#place(index, tile);
    this.draw();
  }

  draw() {
    if (!this.width) return;
    const rows = Math.ceil(this.items.length / this.columns);
    this.room.style.height = `${rows * this.height}px`;
    const top = Math.floor(this.box.scrollTop / this.height);
    const bottom = top + Math.ceil(this.box.clientHeight / this.height);
    const first = Math.max(0, top - SPARE_ROWS) * this.columns;
    const last = Math.min(this.items.length, (bottom + 1 + SPARE_ROWS) * this.columns);
    for (const [index, tile] of this.tiles) {
      if ((index < first || index >= last) && index !== this.focus) {
        tile.remove();
        this.tiles.delete(index);
      }
    }
    for (let index = first; index < last; index++) if (!this.tiles.has(index)) this.#add(index);
    if (bottom + AHEAD_ROWS >= rows) this.wants();
  }

  // Shows anew what has changed of an item.
  update(index) {
    const tile = this.tiles.get(index);
    if (tile) this.describe(this.items[index], tile, index);
  }

  updateAll() {
    for (const index of this.tiles.keys()) this.update(index);
  }

  // Moves the focus to an item and scrolls until it is visible.
  show(index) {
    const before = this.focus;
    this.focus = index;
    if (this.width) {
      const top = Math.floor(index / this.columns) * this.height;
      if (top < this.box.scrollTop) this.box.scrollTop = top;
      else if (top + this.height > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + this.height - this.box.clientHeight;
      this.draw();
      if (!this.tiles.has(index) && this.items[index]) this.#add(index);
    }
    this.update(before);
    this.update(index);
  }

  get page() {
    return Math.max(1, Math.floor(this.box.clientHeight / this.height)) * this.columns;
  }

  #add(index) {
    const tile = document.createElement("div");
    tile.setAttribute("role", "option");
    tile.id = `photo-${index}`;
    tile.dataset.index = index;
    this.#place(index, tile);
    this.tiles.set(index, tile);
    this.describe(this.items[index], tile, index);
    this.room.append(tile);
  }

  #place(index, tile) {
    const column = index % this.columns;
    const row = Math.floor(index / this.columns);
    tile.style.width = `${this.width - GAP_PX}px`;
    tile.style.height = `${this.height - GAP_PX}px`;
    tile.style.transform = `translate(${column * this.width + GAP_PX / 2}px, ${row * this.height + GAP_PX / 2}px)`;
  }

  #retry(image) {
    if (image.tagName !== "IMG" || image.dataset.tries > 3) return;
    image.dataset.tries = 1 + Number(image.dataset.tries ?? 0);
    setTimeout(() => image.isConnected && image.setAttribute("src", image.getAttribute("src")), RETRY_MS);
  }
}
