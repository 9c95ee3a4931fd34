/**
 * The two queues of the simulated ring: what was asked for and not handed over, what has been told
 * and not been seen; and the time that passes between.
 *
 * As unpleasant as io_uring may be: completions of different operations come in any order, and may
 * be seen turns after what they tell has happened; a cancel may lose against success; a full queue
 * is handed over before its turn, and a completion queue that overflowed tells more than it held.
 */
import { EAGAIN, ECANCELED, ENOBUFS } from "../../src/base/errno.ts";
import { Random } from "../../src/base/random.ts";
import { IGNORED } from "../../src/ring/ring.ts";
import { promise } from "./promise.ts";
import type { SimulatedClock } from "./simulated_clock.ts";
import { type Completion, Operation } from "./simulated_operation.ts";

const ENOENT = 2;
/** Time that passes at most between two looks at the world. */
const STEP_MS_MAX = 5;
const CALL_MS = 1 / 64;
/** Turns without anything new after which a worker is told to be spinning. */
const IDLE_TURNS_MAX = 50;

interface Entry {
  /** What goes in flight with it. */
  readonly operation: Operation | null;
  readonly submit: () => void;
}

export abstract class SimulatedQueues {
  nowMs: number;
  kind = 0;
  index = 0;
  generation = 0;
  result = 0;
  more = false;
  buffer = -1;
  /** In flight, or over and not seen to be. */
  readonly operations = new Set<Operation>();
  turns = 0;
  /** Hears what is asked and told, a line each; for looking into a seed. */
  trace: ((line: string) => void) | null = null;
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly #lateOneIn: number;
  readonly #queue: Entry[] = [];
  #ready: Completion[] = [];
  /** Turns since time passed or anything was told. */
  #idleTurns = 0;

  /** @param lateOneIn one completion in so many is seen turns after it was told. */
  constructor(clock: SimulatedClock, seed: number, lateOneIn: number) {
    this.clock = clock;
    this.#lateOneIn = lateOneIn;
    this.random = new Random(seed ^ 0x41e6);
    this.nowMs = clock.nowMs;
  }

  /** The world goes on. */
  protected abstract step(): void;
  /**
   * Whether a multishot receive has more to tell. Then it stands in another queue of the kernel,
   * where a cancel may miss it.
   */
  protected abstract isAboutToTell(operation: Operation): boolean;
  /** An operation in flight goes on as far as it can. */
  protected abstract progress(operation: Operation): void;

  turn(waitMs: number): number {
    promise(this.#ready.length === 0, "a turn handles every completion of the one before");
    this.turns++;
    this.handOver();
    const untilMs = this.clock.nowMs + waitMs;
    const beganMs = this.clock.nowMs;
    for (;;) {
      this.step();
      this.#progressAll();
      this.#collect();
      if (this.#ready.length > 0 || this.clock.nowMs >= untilMs) break;
      this.clock.nowMs += Math.min(1 + this.random.below(STEP_MS_MAX), waitMs);
    }
    const isVain = ({ result }: Completion) => result === -ENOBUFS || result === -EAGAIN;
    const isIdle = this.#ready.every(isVain) && this.clock.nowMs === beganMs;
    this.#idleTurns = isIdle ? this.#idleTurns + 1 : 0;
    promise(this.#idleTurns < IDLE_TURNS_MAX, "a worker with nothing to do waits");
    // Even without waiting, calls take time.
    this.clock.nowMs += this.random.oneIn(8) ? 1 : CALL_MS;
    this.nowMs = this.clock.nowMs;
    return this.#ready.length;
  }

  next(): boolean {
    if (this.#ready.length === 0 && this.clock.hasFaults && this.random.oneIn(4)) {
      // As if the completion queue had overflowed: more is told, nothing more was submitted.
      this.#progressAll();
      this.#collect();
    }
    const completion = this.#ready.shift();
    if (completion === undefined) return false;
    this.kind = completion.kind;
    this.index = completion.index;
    this.generation = completion.generation;
    this.result = completion.result;
    this.more = completion.more;
    this.buffer = completion.buffer;
    this.#noteTold(completion);
    completion.onSeen?.();
    return true;
  }

  #noteTold({ kind, index, generation, result, more, buffer }: Completion): void {
    this.note("  told", { kind, index, generation, result, more, buffer });
  }

  protected note(what: string, about: Readonly<Record<string, unknown>>): void {
    if (this.trace === null) return;
    const fields = Object.entries(about).map(([name, value]) => `${name}=${value}`);
    this.trace(`turn ${this.turns} at ${this.clock.elapsedMs} ms: ${what} ${fields.join(" ")}`);
  }

  /** Queues something; a full queue is handed over before its turn. */
  protected push(submit: () => void, operation: Operation | null = null): void {
    this.#queue.push({ operation, submit });
    if (this.clock.hasFaults && this.random.oneIn(30)) this.handOver();
  }

  /** All that is queued reaches the kernel. */
  protected handOver(): void {
    for (const { submit } of this.#queue.splice(0)) submit();
  }

  /** Queues an operation that goes in flight; `check` is for when it does. */
  protected ask(operation: Operation, check: () => void): void {
    this.push(() => {
      check();
      this.operations.add(operation);
      const { type, fd, kind, index, generation, buffer, bytes } = operation;
      this.note("asked", { type, fd, kind, index, generation, buffer, bytes });
    }, operation);
  }

  /** Operations that wait to be handed over. */
  get queued(): Operation[] {
    return this.#queue.flatMap(({ operation }) => operation === null ? [] : [operation]);
  }

  #progressAll(): void {
    for (const operation of this.#shuffled()) {
      if (operation.isOver) continue;
      if (operation.isCancelled && !this.random.oneIn(3)) {
        const { sent } = operation;
        this.tell(operation, sent > 0 ? sent : -ECANCELED, false);
      } else this.progress(operation);
    }
  }

  #shuffled(): Operation[] {
    const operations = [...this.operations];
    for (let i = operations.length - 1; i > 0; i--) {
      const j = this.random.below(i + 1);
      [operations[i], operations[j]] = [operations[j], operations[i]];
    }
    return operations;
  }

  /** Takes what is due from each operation, in its order; operations among each other in any. */
  #collect(): void {
    for (const operation of this.#shuffled()) {
      const { completions } = operation;
      while (completions.length > 0 && completions[0].turn <= this.turns) {
        this.#ready.push(completions.shift()!);
      }
      if (operation.isOver && completions.length === 0) this.operations.delete(operation);
    }
  }

  tell(
    operation: Operation,
    result: number,
    more: boolean,
    buffer = -1,
    onSeen: (() => void) | null = null,
  ): void {
    const { kind, index, generation, completions } = operation;
    const isLate = this.clock.hasFaults && this.random.oneIn(this.#lateOneIn);
    const late = isLate ? this.random.below(4) : 0;
    const turn = Math.max(this.turns + late, completions.at(-1)?.turn ?? 0);
    completions.push({ kind, index, generation, result, more, buffer, turn, onSeen });
    if (!more) operation.isOver = true;
  }

  /**
   * Bad news of something that has no completion when it goes well: never late, that is its
   * contract.
   */
  notify(fd: number, kind: number, index: number, generation: number, result: number): void {
    const operation = new Operation("notice", fd, kind, index, generation);
    const { turns: turn } = this;
    const news = { more: false, buffer: -1, turn, onSeen: null };
    operation.completions.push({ kind, index, generation, result, ...news });
    operation.isOver = true;
    this.operations.add(operation);
  }

  isInFlight(fd: number, isWanted: (operation: Operation) => boolean = () => true): boolean {
    for (const operation of this.operations) {
      if (operation.fd === fd && isWanted(operation)) return true;
    }
    return false;
  }

  cancel(kind: number, index: number, generation: number): void {
    this.push(() => {
      const found = [...this.operations].find((each) =>
        each.kind === kind && each.index === index && each.generation === generation
      );
      const isMissed = found !== undefined && found.isMultishot && this.clock.hasFaults &&
        this.random.oneIn(4) && this.isAboutToTell(found);
      if (found !== undefined && !found.isOver && !isMissed) found.isCancelled = true;
      else this.notify(-1, IGNORED, 0, 0, -ENOENT);
    });
  }

  cancelAll(fd: number): void {
    this.push(() => {
      const found = [...this.operations].filter((each) => each.fd === fd && !each.isOver);
      for (const operation of found) operation.isCancelled = true;
      if (found.length === 0) this.notify(-1, IGNORED, 0, 0, -ENOENT);
    });
  }
}
