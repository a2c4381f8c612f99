/**
 * A project of 5000 sites with comments is about 1 MB in 400 000 tokens; these limits are above and keep a hostile file cheap.
 * Texts up to `smallText` characters are parsed without counting first.
 */
export const yamlLimits = {
  characters: 4 * 1024 * 1024,
  smallText: 128 * 1024,
  tokens: 800_000,
  depth: 64,
  nodes: 400_000,
};
