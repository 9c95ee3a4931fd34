/**
 * What will happen in a simulated world, in order of time; of two things at the same moment the one
 * that was planned first comes first, so that a run is a function of its seed.
 *
 * A binary heap of indices into typed arrays: hours of traffic are millions of events, and an
 * object for each would make the garbage collector the slowest part of the simulation.
 */
const CAPACITY_FIRST = 1 << 12;

export class EventQueue {
  /** Of the event that was taken last: time never goes back. */
  nowMs = 0;
  kind = 0;
  subject = 0;
  generation = 0;
  count = 0;
  #planned = 0;
  #capacity = CAPACITY_FIRST;
  #heap = new Int32Array(CAPACITY_FIRST);
  #free = Int32Array.from({ length: CAPACITY_FIRST }, (_, i) => i);
  #atMs = new Float64Array(CAPACITY_FIRST);
  #order = new Float64Array(CAPACITY_FIRST);
  #kinds = new Uint8Array(CAPACITY_FIRST);
  #subjects = new Int32Array(CAPACITY_FIRST);
  #generations = new Int32Array(CAPACITY_FIRST);

  /** `generation` lets the receiver tell whether the subject is still the one that was meant. */
  plan(atMs: number, kind: number, subject: number, generation = 0): void {
    if (this.count === this.#capacity) this.#grow();
    const entry = this.#free[this.count];
    this.#atMs[entry] = Math.max(atMs, this.nowMs);
    this.#order[entry] = this.#planned++;
    this.#kinds[entry] = kind;
    this.#subjects[entry] = subject;
    this.#generations[entry] = generation;
    this.#rise(this.count++, entry);
  }

  /** Takes the next event and makes its time the present; false: there is none until `endMs`. */
  take(endMs: number): boolean {
    if (this.count === 0) return false;
    const heap = this.#heap;
    const entry = heap[0];
    if (this.#atMs[entry] >= endMs) return false;
    this.nowMs = this.#atMs[entry];
    this.kind = this.#kinds[entry];
    this.subject = this.#subjects[entry];
    this.generation = this.#generations[entry];
    this.count--;
    this.#free[this.count] = entry;
    if (this.count > 0) this.#sink(heap[this.count]);
    return true;
  }

  #isBefore(left: number, right: number): boolean {
    const difference = this.#atMs[left] - this.#atMs[right];
    return difference !== 0 ? difference < 0 : this.#order[left] < this.#order[right];
  }

  #rise(from: number, entry: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  #sink(entry: number): void {
    const heap = this.#heap;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= this.count) break;
      if (child + 1 < this.count && this.#isBefore(heap[child + 1], heap[child])) child++;
      if (!this.#isBefore(heap[child], entry)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = entry;
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    const free = new Int32Array(capacity);
    for (let i = this.#capacity; i < capacity; i++) free[i] = i;
    this.#free = free;
    this.#heap = widen(this.#heap, new Int32Array(capacity));
    this.#atMs = widen(this.#atMs, new Float64Array(capacity));
    this.#order = widen(this.#order, new Float64Array(capacity));
    this.#kinds = widen(this.#kinds, new Uint8Array(capacity));
    this.#subjects = widen(this.#subjects, new Int32Array(capacity));
    this.#generations = widen(this.#generations, new Int32Array(capacity));
    this.#capacity = capacity;
  }
}

function widen<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
