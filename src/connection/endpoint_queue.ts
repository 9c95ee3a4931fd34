/**
 * A queue of endpoints, each in it at most once, linked through one typed array: for endpoints
 * that wait for something that all share, first come, first served.
 *
 * @hot
 */
const NONE = -1;

export class EndpointQueue {
  readonly #next: Int32Array;
  #head = NONE;
  #tail = NONE;

  constructor(endpoints: number) {
    this.#next = new Int32Array(endpoints).fill(NONE);
  }

  get isEmpty(): boolean {
    return this.#head < 0;
  }

  /** Does nothing for an endpoint that stands in the queue already. */
  push(endpoint: number): void {
    if (this.#next[endpoint] !== NONE || this.#tail === endpoint) return;
    if (this.#tail < 0) this.#head = endpoint;
    else this.#next[this.#tail] = endpoint;
    this.#tail = endpoint;
  }

  /** The endpoint that has waited longest, or -1. */
  shift(): number {
    const endpoint = this.#head;
    if (endpoint < 0) return NONE;
    this.#head = this.#next[endpoint];
    this.#next[endpoint] = NONE;
    if (this.#head < 0) this.#tail = NONE;
    return endpoint;
  }
}
