/**
 * The receive buffers on the kernel's side: those it may fill, by lane, in order.
 *
 * A buffer that is offered is overwritten, so that who still reads it sees nonsense.
 */
import { bufferOffset } from "../../src/buffer/buffer_pool.ts";
import { promise } from "./promise.ts";

const POISON = 0xee;
const POISONED_BYTES = 256;

export class SimulatedBuffers {
  readonly lanes: readonly number[][] = [[], [], []];
  readonly slab: Uint8Array;

  constructor(slab: Uint8Array) {
    this.slab = slab;
  }

  offer(lane: number, buffer: number): void {
    promise(!this.lanes[lane].includes(buffer), `buffer ${buffer} is offered once`);
    this.lanes[lane].push(buffer);
    const start = bufferOffset(buffer);
    this.slab.fill(POISON, start, start + POISONED_BYTES);
  }

  isDry(lane: number): boolean {
    return this.lanes[lane].length === 0;
  }
}
