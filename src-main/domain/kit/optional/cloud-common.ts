import type { Participant, Project } from '../../project/model.ts';
import { findOwnFolder, shebang } from '../scripts/shell.ts';

/** What the start scripts of both clouds know about the site. */
export interface CloudSite {
  type: 'server' | 'client';
  name: string;
  org: string;
  /** What must be reachable from outside; none for a client. */
  ports: number[];
  /** The version of FLARE that fits the kit. */
  flare: string;
}

export function cloudSite(participant: Participant, project: Project): CloudSite | undefined {
  const { type, name, org } = participant;
  if (type !== 'server' && type !== 'client') return undefined;
  const learn = participant.fedLearnPort ?? 8002;
  const ports = type === 'server' ? [...new Set([learn, participant.adminPort ?? learn])] : [];
  return { type, name, org, ports, flare: project.line };
}

/**
 * Options and helpers of both scripts: `--config FILE` answers the questions, `--image NAME` runs a container.
 * Nothing is written into the kit: signatures would no longer hold.
 */
export function cloudHead(title: string, tools: readonly string[], moreOptions: string): string {
  return `${shebang}# ${title}
# Options: --config FILE (settings as shell variables, instead of questions), --image NAME (run that container)
${findOwnFolder}kit="$(cd "$here/.." >/dev/null 2>&1 && pwd)"
umask 077

config=
image=
while [[ $# -gt 0 ]]; do
  case "$1" in
    --config) config="\${2:-}"; shift ;;
    --image) image="\${2:-}"; shift ;;
${moreOptions}    --cloud) shift ;;
    *) echo "Unknown option: $1"; exit 2 ;;
  esac
  shift
done

stop() { # MESSAGE
  echo "$1" >&2
  exit 1
}

ask() { # VARIABLE QUESTION: the answer, or the value it has already
  local answer
  read -r -p "$2 [\${!1}]: " answer || stop "No answer: nothing was created."
  if [[ -n "$answer" ]]; then printf -v "$1" %s "$answer"; fi
}

for tool in ${tools.join(' ')}; do
  command -v "$tool" >/dev/null || stop "$tool is missing. Install it and try again."
done
if [[ -n "$config" ]]; then
  # shellcheck disable=SC1090
  . "$config" || stop "Cannot read $config."
fi
`;
}

/** Copies the kit to `$login` over `"\${ssh[@]}"` and starts it there; `$image` chooses how. */
export function cloudStart(site: CloudSite): string {
  const uid = site.type === 'client' ? `uid=${site.name} ` : '';
  const python = `python -u -m nvflare.private.fed.app.${site.type}.${site.type}_train -m /var/tmp/cloud -s fed_${site.type}.json --set ${uid}secure_train=true config_folder=config org=${site.org}`;
  return `
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  "\${ssh[@]}" -o ConnectTimeout=10 "$login" true && break
  [[ "$attempt" != 10 ]] || stop "The machine does not let us log in."
  sleep 6
done
echo "Copying the kit to $login"
tar -C "$kit" -cf - . | "\${ssh[@]}" "$login" 'mkdir -p -m 700 /var/tmp/cloud && tar -C /var/tmp/cloud -xf -' ||
  stop "The kit could not be copied."

if [[ -n "$image" ]]; then
  "\${ssh[@]}" "$login" 'sudo apt-get update -q && sudo apt-get install -y -q docker.io' || stop "Docker could not be installed."
  printf -v image_word %q "$image"
  "\${ssh[@]}" "$login" "sudo docker run -d -v /var/tmp/cloud:/var/tmp/cloud --network host $image_word /bin/bash -c '${python}'" ||
    stop "The container could not be started."
else
  "\${ssh[@]}" "$login" '
    sudo apt-get update -q && sudo apt-get install -y -q python3-venv &&
    python3 -m venv ~/nvflare && ~/nvflare/bin/pip install -q nvflare==${site.flare} &&
    if [ -f /var/tmp/cloud/startup/requirements.txt ]; then ~/nvflare/bin/pip install -q -r /var/tmp/cloud/startup/requirements.txt; fi &&
    (PATH=~/nvflare/bin:$PATH nohup /var/tmp/cloud/startup/start.sh >~/nvflare.log 2>&1 </dev/null &)
  ' || stop "FLARE could not be installed or started."
fi
`;
}
