/** Opaque tokens for paths, so that a page can hand a place back without being able to name one. */
import { randomBytes } from 'node:crypto';

export interface PlaceBook {
  /** The token of a path; the same path keeps its token while this process runs. */
  tokenOf(path: string): string;
  /** The path behind a token; undefined for anything this book did not issue. */
  pathOf(token: string): string | undefined;
}

export function createPlaceBook(): PlaceBook {
  const byToken = new Map<string, string>();
  const byPath = new Map<string, string>();
  return {
    tokenOf(path) {
      const known = byPath.get(path);
      if (known !== undefined) return known;
      const token = `place:${randomBytes(16).toString('base64url')}`;
      byPath.set(path, token);
      byToken.set(token, path);
      return token;
    },
    pathOf: (token) => byToken.get(token),
  };
}
