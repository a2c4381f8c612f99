/** How a participant stands, starts and ends on its host. Each runs after `prelude`. */

/** How the participant stands. `$1` = lines of the log to show. */
export const readStatus = `
[ -d "$base" ] || { echo "folder $base"; echo "delivered no"; exit 0; }
echo "folder $base"
echo "current $(link_name current)"
echo "previous $(link_name previous)"
kit=$(running_kit)
left=$(ours | sort -un | tr '\\n' ' ')
[ ! -r /proc/self/environ ] || echo "sees_all yes"
echo "processes $left"
echo "running_kit $kit"
if [ -n "$kit" ]; then
  daemon=$(pid_in "$base/kits/$kit/daemon_pid.fl") && belongs "$daemon" && echo "daemon $daemon"
  python=$(pid_in "$base/kits/$kit/pid.fl") && belongs "$python" && echo "python $python"
fi
for file in "$base"/kits/*/daemon_pid.fl "$base"/kits/*/pid.fl; do
  [ -e "$file" ] && echo "pid_file $file"
done
if [ -r "$base/run/started" ]; then
  while read -r line; do echo "started_$line"; done < "$base/run/started"
fi
now=$(date +%s)
echo "now $now"
main=\${daemon:-\${python:-}}
if [ -n "$main" ]; then
  age=$(ps -o etimes= -p "$main" 2>/dev/null | tr -d ' ')
  case $age in ''|*[!0-9]*) ;; *) echo "age $age" ;; esac
fi
if [ -r "$base/run/start.log" ]; then
  echo "log $base/run/start.log"
  tail -n "$1" "$base/run/start.log" | while IFS= read -r line || [ -n "$line" ]; do printf 'tail %s\\n' "$line"; done
fi
exit 0
`;

/**
 * Starts the current kit's own start script, cut loose from this SSH session. The participant runs in its kit's folder,
 * so an account's NVFL_WORKSPACE (docs/reference/provisioning.md §7.3) does not count.
 */
export const launch = `
kit=$(cd "$base/current" 2>/dev/null && pwd -P) || fail "no kit is delivered in $base"
[ -f "$kit/startup/start.sh" ] || fail "$kit/startup/start.sh is missing"
command -v bash >/dev/null 2>&1 || fail "bash is missing, which the kit's scripts need"
mkdir -p "$base/run" || exit 1
for file in "$base"/kits/*/; do
  rm -f "$file"daemon_pid.fl "$file"pid.fl "$file"shutdown.fl "$file"restart.fl
done
log=$base/run/start.log
[ ! -f "$log" ] || mv -f "$log" "$log.1" || exit 1
: > "$log" || exit 1
cd "$kit" || exit 1
umask "$usual_umask"
FLAREDESK_PARTICIPANT="$base;"
export FLAREDESK_PARTICIPANT
unset LC_ALL NVFL_WORKSPACE
if command -v setsid >/dev/null 2>&1; then
  setsid bash "$kit/startup/start.sh" > "$log" 2>&1 < /dev/null &
else
  nohup bash "$kit/startup/start.sh" > "$log" 2>&1 < /dev/null &
fi
group=$!
printf 'kit %s\\ngroup %s\\nat %s\\n' "\${kit##*/}" "$group" "$(date +%s)" > "$base/run/started.new" || exit 1
mv -f "$base/run/started.new" "$base/run/started" || exit 1
echo "kit \${kit##*/}"
echo "group $group"
`;

/** Tells which of the TCP ports `$@` answer on this host. */
export const portsOpen = `
for port in "$@"; do
  if (bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"' probe "$port") 2>/dev/null; then echo "open $port"; else echo "closed $port"; fi
done
exit 0
`;

/** Asks the participant to end the way its own scripts do. */
export const askToStop = `
for kit in "$base"/kits/*/; do
  for file in daemon_pid.fl pid.fl; do
    pid=$(pid_in "$kit$file") || continue
    belongs "$pid" && : > "\${kit}shutdown.fl"
  done
  pid=$(pid_in "\${kit}pid.fl") && belongs "$pid" && kill -TERM "$pid" 2>/dev/null
done
exit 0
`;

/** Sends a signal to everything of this participant that is left. `$1` = signal. Prints what was left. */
export const signalLeft = `
group=$(sed -n 's/^group //p' "$base/run/started" 2>/dev/null)
left=$(ours | sort -un)
[ -n "$left" ] || exit 0
for pid in $left; do
  [ "$(ps -o pgid= -p "$pid" 2>/dev/null | tr -d ' ')" != "$group" ] || kill "-$1" "-$group" 2>/dev/null
  kill "-$1" "$pid" 2>/dev/null
done
printf 'left %s\\n' $left
exit 0
`;

/** The processes of this participant that are left, and, when there is none, the pid files removed. */
export const whatIsLeft = `
left=$(ours | sort -un)
if [ -n "$left" ]; then printf 'left %s\\n' $left; exit 0; fi
for kit in "$base"/kits/*/; do
  rm -f "\${kit}daemon_pid.fl" "\${kit}pid.fl" "\${kit}shutdown.fl" "\${kit}restart.fl"
done
rm -f "$base/run/started"
exit 0
`;
