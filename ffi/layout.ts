/**
 * Offsets inside the shim's control block, in bytes, and the numbers that go with them.
 * Generated from shim/shim.c by `deno task layout`; do not edit.
 */
export const ABI = 1;
export const CONTROL_BYTES = 368;
export const SQES = 0;
export const SQ_HEAD = 8;
export const SQ_TAIL = 16;
export const SQ_FLAGS = 24;
export const CQES = 32;
export const CQ_HEAD = 40;
export const CQ_TAIL = 48;
export const CQ_OVERFLOW = 56;
export const LANES = 64;
export const ADDRESS = 80;
export const NOW_MS = 88;
export const SQ_ENTRIES = 96;
export const CQ_ENTRIES = 100;
export const FEATURES = 104;
export const RECEIVE_ALLOWANCE = 108;
export const SCRATCH = 112;
export const SCRATCH_BYTES = 256;
export const LANES_MAX = 2;
export const PAGE_BYTES = 4096;

/** The same, one row each, as the library must report it when it is opened. */
export const LAYOUT_ROWS = [
  "ABI=1",
  "CONTROL_BYTES=368",
  "SQES=0",
  "SQ_HEAD=8",
  "SQ_TAIL=16",
  "SQ_FLAGS=24",
  "CQES=32",
  "CQ_HEAD=40",
  "CQ_TAIL=48",
  "CQ_OVERFLOW=56",
  "LANES=64",
  "ADDRESS=80",
  "NOW_MS=88",
  "SQ_ENTRIES=96",
  "CQ_ENTRIES=100",
  "FEATURES=104",
  "RECEIVE_ALLOWANCE=108",
  "SCRATCH=112",
  "SCRATCH_BYTES=256",
  "LANES_MAX=2",
  "PAGE_BYTES=4096",
];
