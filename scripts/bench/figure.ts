/**
 * Figures as people read them: three digits, which is more than two runs agree on, and the unit
 * that fits. Ratios have a digit more than their goals, or many a near miss would look as if it
 * was none.
 */
import type { Spread } from "./statistic.ts";

/** What is shown where there is no figure. */
export const NO_FIGURE = "-";

type Unit = readonly [size: number, name: string];

const TIMES: readonly Unit[] = [[1e6, "s"], [1e3, "ms"], [1, "µs"]];
const SIZES: readonly Unit[] = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];

function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

function withUnit(value: number, units: readonly Unit[]): string {
  if (!Number.isFinite(value)) return NO_FIGURE;
  const [size, name] = units.find(([size]) => Math.abs(value) >= size) ?? units.at(-1)!;
  return `${threeDigits(value / size)} ${name}`;
}

export function formatMicros(micros: number): string {
  return withUnit(micros, TIMES);
}

export function formatBytes(bytes: number): string {
  // There are no parts of a byte.
  return Math.abs(bytes) < 1024 ? `${Math.round(bytes)} B` : withUnit(bytes, SIZES);
}

export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return NO_FIGURE;
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function formatRatio(ratio: number): string {
  return Number.isFinite(ratio) ? ratio.toFixed(3) : NO_FIGURE;
}

export function formatShare(share: number, digits = 0): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : NO_FIGURE;
}

/** From the least to the most, the unit told once where it is the same: "12.1-12.9 µs". */
export function formatRange({ min, max }: Spread, format: (value: number) => string): string {
  const [from, to] = [format(min), format(max)];
  if (from === to) return to;
  const [, amount, unit] = /^(\S+)( \S+)$/.exec(from) ?? [];
  return unit !== undefined && to.endsWith(unit) ? `${amount}-${to}` : `${from}-${to}`;
}
