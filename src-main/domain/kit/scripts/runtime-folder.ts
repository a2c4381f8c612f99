import type { FlareLine } from '../../project/model.ts';
import { findOwnFolder } from './shell.ts';

/**
 * Sets `here` (the script's folder), `kit` (the startup kit) and `work` (where the site runs).
 * 2.7 always runs in the kit. 2.8 lets NVFL_WORKSPACE choose, and moves a kit under /user_config to the
 * encrypted /vault (docs/reference/provisioning.md §7.3).
 */
export function findRuntimeFolder(line: FlareLine): string {
  if (line === '2.7.2') return `${findOwnFolder}kit="$here/.."\nwork="$kit"\n`;
  return `${findOwnFolder}kit="$(cd "$here/.." >/dev/null 2>&1 && pwd)"
if [[ -n "\${NVFL_WORKSPACE:-}" ]]; then
  work="$NVFL_WORKSPACE"
elif [[ "$kit" == /user_config ]]; then
  work=/vault/workspace
elif [[ "$kit" == /user_config/* ]]; then
  work="/vault/workspace/$(basename "$kit")"
else
  work="$kit"
fi
if [[ -z "$work" || "$work" == / ]]; then
  echo "The site cannot run in the folder '$work'. Set NVFL_WORKSPACE to another one."
  exit 1
fi
`;
}
