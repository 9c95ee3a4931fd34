/**
 * Cuts the supervisor's pipe into messages: one line of JSON each, in pieces as they arrive.
 */
import type { ControlMessage } from "../upstream/plan.ts";

export class ControlChannel {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** Messages completed by these bytes; what is left of a line waits for the next call. */
  parse(bytes: Uint8Array, count: number): readonly ControlMessage[] {
    this.#rest += this.#decoder.decode(bytes.subarray(0, count), { stream: true });
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as ControlMessage);
  }
}
