// What has been typed and not yet been taken by the server, kept in this browser through reloads and crashes.

const NAME = "drafts";

function opened() {
  return new Promise((done, fail) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(NAME, { keyPath: "key" });
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
}

const settled = (request) =>
  new Promise((done, fail) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });

/** A draft is {key, document, tab, turn, rev, text, base, order}: `base` is the text that revision `rev` had. */
export class Drafts {
  constructor(document) {
    this.document = document;
    this.tab = Math.random().toString(36).slice(2);
    this.count = 0;
    this.db = opened();
    this.works = this.db.then(() => true, () => false);
    // Held as long as this tab lives: how other tabs know whose drafts nobody sends any more.
    navigator.locks?.request(`drafts:${this.tab}`, () => new Promise(() => {}));
  }

  made(turn, rev, base) {
    const [order, number] = [Date.now(), (this.count += 1)];
    return { key: `${this.tab}/${number}`, document: this.document, tab: this.tab, turn, rev, base, text: base, order };
  }

  async store(mode) {
    return (await this.db).transaction(NAME, mode).objectStore(NAME);
  }

  async put({ key, document, tab, turn, rev, text, base, order }) {
    if (await this.works) await settled((await this.store("readwrite")).put({ key, document, tab, turn, rev, text, base, order }));
  }

  async remove(key) {
    if (await this.works) await settled((await this.store("readwrite")).delete(key));
  }

  /** What earlier pages of this document left behind, oldest first; from now on it is this tab's. */
  async adopt() {
    if (!(await this.works)) return [];
    const all = await settled((await this.store("readonly")).getAll());
    const held = new Set(((await navigator.locks?.query())?.held ?? []).map((lock) => lock.name));
    const orphans = all.filter((draft) => draft.document === this.document && !held.has(`drafts:${draft.tab}`));
    for (const orphan of orphans) await this.put(Object.assign(orphan, { tab: this.tab }));
    return orphans.sort((one, other) => one.order - other.order);
  }
}
