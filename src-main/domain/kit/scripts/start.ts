import { findOwnFolder, shebang } from './shell.ts';

/**
 * `start.sh`: starts `sub_start.sh` in the background and returns; with `--cloud aws|azure` hands over to the start
 * script of that cloud with all arguments (docs/reference/provisioning.md §7.1).
 */
export function renderStart(): string {
  return `${shebang}# Starts this site in the background. With "--cloud aws" or "--cloud azure": creates a machine there first.
${findOwnFolder}
cloud=
in_cloud=no
given=("$@")
while [[ $# -gt 0 ]]; do
  if [[ "$1" == --cloud ]]; then
    in_cloud=yes
    cloud="\${2:-}"
    shift
  fi
  shift
done

if [[ "$in_cloud" == no ]]; then
  "$here/sub_start.sh" &
elif [[ "$cloud" == azure || "$cloud" == aws ]]; then
  "$here/\${cloud}_start.sh" "\${given[@]}"
else
  echo "start.sh: '$cloud' is not a cloud this kit can start in; use aws or azure, or leave --cloud out."
fi
`;
}
