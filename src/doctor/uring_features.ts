/**
 * The features that a kernel says its io_uring has, by the names of io_uring_setup(2) without their
 * prefix; a bit that is newer than this list is shown by its number, so that none is left out.
 */

export const NO_IOWAIT = "no_iowait";

/** Bit 0 first (include/uapi/linux/io_uring.h, IORING_FEAT_*). */
const NAMES: readonly string[] = [
  "single_mmap",
  "nodrop",
  "submit_stable",
  "rw_cur_pos",
  "cur_personality",
  "fast_poll",
  "poll_32bits",
  "sqpoll_nonfixed",
  "ext_arg",
  "native_workers",
  "rsrc_tags",
  "cqe_skip",
  "linked_file",
  "reg_reg_ring",
  "recvsend_bundle",
  "min_timeout",
  "rw_attr",
  NO_IOWAIT,
];

export function nameFeatures(features: number): string[] {
  const bits = Array.from({ length: 32 }, (_, bit) => bit);
  return bits.filter((bit) => (features & 1 << bit) !== 0).map((bit) => NAMES[bit] ?? `bit_${bit}`);
}
