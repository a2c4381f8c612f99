import type { FlareLine } from '../../project/model.ts';
import { findRuntimeFolder } from './runtime-folder.ts';
import { shebang } from './shell.ts';

/** `stop_fl.sh`: asks, then leaves a `shutdown.fl` for the loop of `sub_start.sh` (docs/reference/provisioning.md §7.4). */
export function renderStop(line: FlareLine): string {
  const makeFolder = line === '2.7.2' ? '' : '  mkdir -p "$work"\n';
  return `${shebang}# Asks the running site to stop, without telling the server.
${findRuntimeFolder(line)}
echo "This is the last resort. The regular way is the shutdown command of the admin console:"
echo "it signs the site off. Stopped from here, the site stays listed at the server for a while."
read -r -n1 -p "Stop this site now (y/N)? " answer
echo
if [[ "$answer" == y || "$answer" == Y ]]; then
${makeFolder}  touch "$work/shutdown.fl"
  echo "Asked to stop; that takes up to ten seconds."
else
  echo "Nothing was done."
fi
`;
}
