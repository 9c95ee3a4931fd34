/** The version of this program, as `ringway version` and `status` show it. */
export const VERSION = "0.1.0";
