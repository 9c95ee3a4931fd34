/**
 * Memory addresses as the two signed 32-bit halves that submission entries are written with.
 *
 * Cold: computed once per buffer and slot at start, so that no turn needs a 64-bit number.
 */

export function lowHalf(base: bigint, offset: number): number {
  return Number(BigInt.asIntN(32, base + BigInt(offset)));
}

export function highHalf(base: bigint, offset: number): number {
  return Number(BigInt.asIntN(32, (base + BigInt(offset)) >> 32n));
}
