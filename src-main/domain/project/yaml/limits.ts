/** A project of 5000 sites with comments is about 1 MB; these limits are far above and keep a hostile file cheap. */
export const yamlLimits = { characters: 8 * 1024 * 1024, depth: 64, nodes: 400_000 };
