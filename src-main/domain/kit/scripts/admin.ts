import type { FlareLine } from '../../project/model.ts';
import { findOwnFolder, shebang } from './shell.ts';

/** `fl_admin.sh`: the admin console (docs/reference/provisioning.md §7.2). From 2.8 on it passes its arguments on. */
export function renderFlAdmin(line: FlareLine): string {
  const forwarded = line === '2.7.2' ? '' : ' "$@"';
  return `${shebang}# Opens the admin console of this kit.
${findOwnFolder}
mkdir -p "$here/../transfer"
exec python3 -m nvflare.fuel.hci.tools.admin -m "$here/.." -s fed_admin.json${forwarded}
`;
}
