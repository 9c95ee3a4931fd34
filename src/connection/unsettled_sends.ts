/**
 * The sends that were asked for by `Ring.sendNow` and are not known to be over.
 *
 * Such a send has no completion when it succeeds: it is over when the turn that submitted it has
 * been handled and nothing said otherwise. So each passes through two states, in the flags of its
 * endpoint: asked for (SENDING_NOW), then submitted by the turn under way (SETTLING). A send asked
 * for while a turn is handled belongs to the next one, even where the submission queue was full and
 * handed it over early; its bad news may come early too, which takes both flags away.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import * as tunnel from "./tunnels.ts";
import { ENDED, LISTED, PAUSED, SENDING, SENDING_NOW, SETTLING, type Tunnels } from "./tunnels.ts";

export interface SendOwner {
  /** The send to this endpoint is over and took everything. */
  onSettled(endpoint: number): void;
}

export class UnsettledSends {
  readonly #tunnels: Tunnels;
  readonly #owner: SendOwner;
  /** Each endpoint once (LISTED), and once more while settling, for what follows its send. */
  readonly #endpoints: Int32Array;
  #count = 0;
  /** The first so many are those of the turn under way. */
  #turnCount = 0;

  constructor(tunnels: Tunnels, owner: SendOwner) {
    this.#tunnels = tunnels;
    this.#owner = owner;
    this.#endpoints = new Int32Array(tunnels.capacity * 4);
  }

  add(endpoint: number): void {
    const flags = this.#tunnels.flags[endpoint];
    assert((flags & SENDING) === 0, "one send in flight");
    if ((flags & LISTED) === 0) this.#endpoints[this.#count++] = endpoint;
    this.#tunnels.flags[endpoint] = flags | SENDING | SENDING_NOW | LISTED;
  }

  /**
   * Before a turn, whose call submits all sends asked for so far.
   * @returns whether one of them will leave more to do at once, so that the turn must not wait.
   */
  beginTurn(): boolean {
    const tunnels = this.#tunnels;
    let more = 0;
    this.#turnCount = this.#count;
    for (let i = 0; i < this.#turnCount; i++) {
      const endpoint = this.#endpoints[i];
      if ((tunnels.flags[endpoint] & SENDING_NOW) === 0) continue;
      tunnels.flags[endpoint] |= SETTLING;
      if (tunnels.queueHead[endpoint] >= 0) more++;
      else if ((tunnels.flags[endpoint ^ 1] & (ENDED | PAUSED)) !== 0) more++;
      else if (tunnels.state[endpoint >> 1] !== tunnel.OPEN) more++;
    }
    return more > 0;
  }

  /** After a turn's completions were handled: those of its sends that did not complain are over. */
  settle(): void {
    const tunnels = this.#tunnels;
    const endpoints = this.#endpoints;
    const turnCount = this.#turnCount;
    let kept = 0;
    for (let i = 0; i < turnCount; i++) {
      const endpoint = endpoints[i];
      const flags = tunnels.flags[endpoint];
      if ((flags & SETTLING) !== 0) {
        tunnels.flags[endpoint] = flags & ~(SENDING | SENDING_NOW | SETTLING | LISTED);
        this.#owner.onSettled(endpoint);
      } else if ((flags & SENDING_NOW) !== 0) endpoints[kept++] = endpoint;
      else tunnels.flags[endpoint] = flags & ~LISTED;
    }
    for (let i = turnCount; i < this.#count; i++) endpoints[kept++] = endpoints[i];
    this.#count = kept;
    this.#turnCount = 0;
  }
}
