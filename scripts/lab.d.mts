/** Types for the tests; the bootstrap itself is plain JavaScript, since it runs before anything is installed. */
export function labFolder(): string;
export const flareVersions: readonly string[];
