/**
 * Memory addresses as the two signed 32-bit halves that submission entries are written with.
 *
 * An address of a process is below 2 ** 57 by the processor, below 2 ** 47 by what Linux maps
 * unasked (Documentation/arch/x86/x86_64/5level-paging.rst), so a number holds it exactly.
 */

export function lowHalf(address: number): number {
  return address | 0;
}

export function highHalf(address: number): number {
  return address / 2 ** 32 | 0;
}
