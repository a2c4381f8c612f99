import type { FlareLine, Participant } from '../../project/model.ts';
import { findRuntimeFolder } from './runtime-folder.ts';
import { shebang, shellWord } from './shell.ts';

export type SiteType = 'server' | 'client' | 'relay';

const modules: Record<SiteType, string> = {
  server: 'nvflare.private.fed.app.server.server_train',
  client: 'nvflare.private.fed.app.client.client_train',
  relay: 'nvflare.private.fed.app.relay.relay',
};

/**
 * `sub_start.sh`: runs the site's Python process and keeps it running (docs/reference/provisioning.md §7.2, §7.3).
 * Differs from the reference on purpose: every path is quoted, and `pid.fl` holds the pid of Python itself, so that
 * stopping reaches the process that matters.
 */
export function renderSubStart(
  participant: Participant & { type: SiteType },
  line: FlareLine,
  configFolder: string,
): string {
  return [
    `${shebang}# Runs this site and starts it again when it ends. Options:\n`,
    '#   --verify  check every signature of the kit first, and stop if one is wrong\n',
    '#   --once    run in the foreground, without starting again\n',
    findRuntimeFolder(line),
    readOptions,
    daemonCheck,
    line === '2.7.2' ? '' : ownRuntimeFolder,
    ...(line === '2.7.2' ? [environment, verify(line)] : [verify(line), environment]),
    launch(participant, configFolder),
    once,
    supervise,
  ].join('');
}

const readOptions = `
verify=no
once=no
for option in "$@"; do
  case "$option" in
    --verify) verify=yes ;;
    --once) once=yes ;;
  esac
done
`;

const daemonCheck = `
alive() { # PID
  [[ "$1" =~ ^[0-9]+$ ]] && kill -0 "$1" 2>/dev/null
}

leave_if_already_running() {
  [[ -f "$work/daemon_pid.fl" ]] || return
  local other
  other="$(cat "$work/daemon_pid.fl")"
  if alive "$other"; then
    echo "Already running with pid $other. If that is another program, remove $work/daemon_pid.fl and start again."
    exit 0
  fi
  rm -f "$work/daemon_pid.fl"
}
`;

/** The kit stays as it is: a copy of it runs in the other folder (§7.3). */
const ownRuntimeFolder = `
run_kit="$work"
if [[ ! "$work" -ef "$kit" ]]; then
  leave_if_already_running
  mkdir -p "$work" && work="$(cd "$work" && pwd)" || exit 1
  run_kit="$work/kit"
  rm -rf "$run_kit"
  cp -a "$kit" "$run_kit" || exit 1
  chmod 700 "$work" "$run_kit"
  for part in startup local; do
    rm -rf "\${work:?}/$part"
    ln -s "$run_kit/$part" "$work/$part"
  done
fi
`;

function verify(line: FlareLine): string {
  const kit =
    line === '2.7.2' ? '"$here/../" -c "$here/rootCA.pem"' : '"$run_kit" -c "$run_kit/startup/rootCA.pem"';
  return `
if [[ "$verify" == yes ]]; then
  if ! python3 -m nvflare.tool.verify_startup_kits -f ${kit}; then
    echo "The startup kit is not as it was signed: not started."
    exit 1
  fi
fi
`;
}

const environment = `
echo "Running in $work"
mkdir -p "$work/transfer"
export PYTHONPATH="/local/custom:\${PYTHONPATH:-}"
if [[ "\${NVFLARE_ENABLE_JEMALLOC_PRELOAD:-false}" == true ]]; then
  for library in /usr/lib/x86_64-linux-gnu/libjemalloc.so.2 /usr/lib64/libjemalloc.so.2 /usr/local/lib/libjemalloc.so; do
    if [[ -f "$library" ]]; then
      export LD_PRELOAD="\${LD_PRELOAD:+$LD_PRELOAD:}$library"
      export MALLOC_CONF="\${MALLOC_CONF:-dirty_decay_ms:5000,muzzy_decay_ms:5000}"
      break
    fi
  done
fi
export MALLOC_ARENA_MAX="\${MALLOC_ARENA_MAX:-4}"
`;

function launch(participant: Participant & { type: SiteType }, configFolder: string): string {
  const uid = participant.type === 'server' ? '' : ` uid=${shellWord(participant.name)}`;
  const settings = `secure_train=true${uid} org=${shellWord(participant.org)} ${shellWord(`config_folder=${configFolder}`)}`;
  return `
run_python() {
  exec python3 -u -m ${modules[participant.type]} -m "$work" -s fed_${participant.type}.json --set ${settings}
}
`;
}

const once = `
if [[ "$once" == yes ]]; then
  rm -f "$work/pid.fl" "$work/shutdown.fl" "$work/restart.fl"
  run_python
fi
`;

/** A start less than 300 s after the one before counts as a quick one; the fifth in a row means the site cannot run. */
const supervise = `
SECONDS=0
last_start=-400
quick_starts=0

start_python() {
  if ((SECONDS - last_start < 300)); then
    quick_starts=$((quick_starts + 1))
  else
    quick_starts=0
  fi
  if ((quick_starts >= 5)); then
    echo "The site ended five times within a few minutes: not started again. Its log tells why."
    rm -f "$work/pid.fl" "$work/shutdown.fl" "$work/restart.fl" "$work/daemon_pid.fl"
    exit 0
  fi
  last_start=$SECONDS
  rm -f "$work/restart.fl"
  run_python 2>&1 &
  echo $! >"$work/pid.fl"
  echo "Started with pid $!"
}

stop_python() { # PID
  sleep 5
  if alive "$1"; then kill -9 "$1"; fi
  rm -f "$work/pid.fl" "$work/shutdown.fl" "$work/restart.fl"
}

leave_if_already_running
echo $BASHPID >"$work/daemon_pid.fl"

while true; do
  sleep 5
  if [[ ! -f "$work/pid.fl" ]]; then
    start_python
    continue
  fi
  pid="$(cat "$work/pid.fl")"
  if ! alive "$pid"; then
    [[ -f "$work/shutdown.fl" ]] && break
    start_python
  elif [[ -f "$work/shutdown.fl" ]]; then
    echo "Stopping."
    stop_python "$pid"
    break
  elif [[ -f "$work/restart.fl" ]]; then
    echo "Restarting."
    stop_python "$pid"
  fi
done

rm -f "$work/pid.fl" "$work/shutdown.fl" "$work/restart.fl" "$work/daemon_pid.fl"
`;
