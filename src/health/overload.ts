/**
 * When a worker takes no new connections, because one thing it lives on is nearly used up.
 *
 * Connections that are there already keep what they have; who comes is refused at once and can go
 * to another node, which is kinder than being accepted and then left waiting. Each of four figures
 * has a mark. One reading at the mark is no overload: a burst or a pause of the collector makes
 * one. Shedding ends well below the mark and after a longer calm, or it would begin and end several
 * times a second, each time letting in just enough to begin anew.
 *
 * How the figures are measured is the caller's. A figure of NaN, not known yet, is at no mark.
 */
import { assert } from "../base/assert.ts";

/** Shares, above 0; Infinity: this one does not matter. */
export interface OverloadMarks {
  readonly busy: number;
  readonly memory: number;
  readonly files: number;
  readonly buffers: number;
}

/** Readings in a row at a mark that begin shedding. */
const READINGS_OVER = 2;

/** All figures below this part of their marks for so many readings in a row end it. */
const CALM_SHARE = 0.95;
const READINGS_CALM = 4;

export class Overload {
  isShedding = false;
  /** The figure that was at its mark when shedding began; "" while there is no shedding. */
  reason = "";
  readonly #marks: OverloadMarks;
  /** Readings in a row that speak for the other state. */
  #readings = 0;

  constructor(marks: OverloadMarks) {
    for (const mark of [marks.busy, marks.memory, marks.files, marks.buffers]) {
      assert(mark > 0, "a mark is above zero, or everybody would be refused for ever");
    }
    this.#marks = marks;
  }

  /**
   * One reading; to be called in about equal intervals, some a second.
   *
   * @param busy share of a core that this worker needs.
   * @param memory share of what the container or the machine has.
   * @param files share of the connections and flows that this worker has room for.
   * @param buffers share of the receive buffers that are in use.
   * @returns whether `isShedding` has changed.
   */
  observe(busy: number, memory: number, files: number, buffers: number): boolean {
    const marks = this.#marks;
    // What the next reading must be to speak against the present state.
    const part = this.isShedding ? CALM_SHARE : 1;
    const isOver = busy >= marks.busy * part || memory >= marks.memory * part ||
      files >= marks.files * part || buffers >= marks.buffers * part;
    if (isOver === this.isShedding) {
      this.#readings = 0;
      return false;
    }
    this.#readings++;
    if (this.#readings < (this.isShedding ? READINGS_CALM : READINGS_OVER)) return false;
    this.#readings = 0;
    this.isShedding = !this.isShedding;
    this.reason = this.isShedding ? explain(marks, busy, memory, files, buffers) : "";
    return true;
  }
}

function explain(
  marks: OverloadMarks,
  busy: number,
  memory: number,
  files: number,
  buffers: number,
): string {
  if (busy >= marks.busy) return compare("busy", busy, "a core", marks.busy);
  if (memory >= marks.memory) return compare("memory", memory, "what there is", marks.memory);
  if (files >= marks.files) return compare("files", files, "what there is room for", marks.files);
  return compare("buffers", buffers, "what there is", marks.buffers);
}

function compare(figure: string, share: number, whole: string, mark: number): string {
  return `${figure} at ${percent(share)} of ${whole} (mark ${percent(mark)})`;
}

/** Tenths, rounded down on both sides: what is at its mark is never shown below it. */
function percent(share: number): string {
  return `${Math.floor(share * 1000 + 1e-6) / 10} %`;
}
