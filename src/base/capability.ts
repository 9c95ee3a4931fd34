/** Capabilities of Linux that matter here, as masks; include/uapi/linux/capability.h. */
export const CAP_DAC_OVERRIDE = 1 << 1;
export const CAP_NET_BIND_SERVICE = 1 << 10;
export const CAP_NET_ADMIN = 1 << 12;
export const CAP_NET_RAW = 1 << 13;
