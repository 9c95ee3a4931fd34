/**
 * Offsets inside the shim's control block, in bytes, and the numbers that go with them.
 * Generated from shim/shim.c by `deno task layout`; do not edit.
 */
export const ABI = 3;
export const CONTROL_BYTES = 1144;
export const SQES = 0;
export const SQ_HEAD = 8;
export const SQ_TAIL = 16;
export const SQ_FLAGS = 24;
export const CQES = 32;
export const CQ_HEAD = 40;
export const CQ_TAIL = 48;
export const CQ_OVERFLOW = 56;
export const LANES = 64;
export const ADDRESS = 88;
export const NOW_MS = 96;
export const SQ_ENTRIES = 104;
export const CQ_ENTRIES = 108;
export const FEATURES = 112;
export const RECEIVE_ALLOWANCE = 116;
export const SCRATCH = 120;
export const SCRATCH_BYTES = 1024;
export const LANES_MAX = 3;
export const PAGE_BYTES = 4096;

/** The same, one row each, as the library must report it when it is opened. */
export const LAYOUT_ROWS = [
  "ABI=3",
  "CONTROL_BYTES=1144",
  "SQES=0",
  "SQ_HEAD=8",
  "SQ_TAIL=16",
  "SQ_FLAGS=24",
  "CQES=32",
  "CQ_HEAD=40",
  "CQ_TAIL=48",
  "CQ_OVERFLOW=56",
  "LANES=64",
  "ADDRESS=88",
  "NOW_MS=96",
  "SQ_ENTRIES=104",
  "CQ_ENTRIES=108",
  "FEATURES=112",
  "RECEIVE_ALLOWANCE=116",
  "SCRATCH=120",
  "SCRATCH_BYTES=1024",
  "LANES_MAX=3",
  "PAGE_BYTES=4096",
];
