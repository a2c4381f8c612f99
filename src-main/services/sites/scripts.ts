/**
 * The scripts that run on hosts: POSIX sh and everyday tools only. Each starts after `prelude`; `$base` is the
 * participant's folder:
 *
 *     <directory>/<participant>/
 *       kits/<id>/          unpacked kits, one folder each, never changed by us afterwards
 *       manifests/<id>      what each kit held when it was delivered
 *       current, previous   links to kits
 *       incoming/           unfinished deliveries, removed at the next one
 *       run/                our own records: start.log, started
 */

export const prelude = `
case $dir in
  "~"|"~/"*) dir=$HOME\${dir#"~"} ;;
esac
base=$dir/$name
fail() { printf '%s\\n' "$*" >&2; exit 1; }
sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256
  elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r
  else echo none; fi | { read -r hash rest; printf '%s\\n' "$hash"; }
}
alive() {
  case $1 in ''|*[!0-9]*) return 1 ;; esac
  kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ] || return 1
  if [ -r "/proc/$1/stat" ]; then
    read -r stat 2>/dev/null < "/proc/$1/stat" || return 1
    stat=\${stat##*) }
    [ "\${stat%% *}" != Z ] || return 1
  fi
}
belongs() {
  alive "$1" || return 1
  [ -r "/proc/$1/cmdline" ] || return 0
  tr '\\000' ' ' < "/proc/$1/cmdline" 2>/dev/null | grep -qF "$base/" ||
    grep -qF "FLAREDESK_PARTICIPANT=$base;" "/proc/$1/environ" 2>/dev/null
}
pid_in() { [ -r "$1" ] && tr -dc 0-9 < "$1"; }
ours() {
  for file in $(grep -lF "FLAREDESK_PARTICIPANT=$base;" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    alive "$pid" && printf '%s\\n' "$pid"
  done
  for file in "$base"/kits/*/daemon_pid.fl "$base"/kits/*/pid.fl; do
    pid=$(pid_in "$file") || continue
    belongs "$pid" && printf '%s\\n' "$pid"
  done
}
link_name() {
  [ -L "$base/$1" ] || return 0
  target=$(readlink "$base/$1")
  printf '%s' "\${target##*/}"
}
point() {
  rm -f "$base/.$1.new"
  ln -s "$2" "$base/.$1.new" || return 1
  if mv -T "$base/.$1.new" "$base/$1" 2>/dev/null || mv -fh "$base/.$1.new" "$base/$1" 2>/dev/null; then return 0; fi
  rm -f "$base/$1" && mv -f "$base/.$1.new" "$base/$1"
}
running_kit() {
  for kit in "$base"/kits/*/; do
    kit=\${kit%/}
    for file in daemon_pid.fl pid.fl; do
      pid=$(pid_in "$kit/$file") || continue
      belongs "$pid" && { printf '%s' "\${kit##*/}"; return 0; }
    done
  done
  return 0
}
`;

/** Compares a delivered kit with the manifest on standard input. `$1` = kit id. */
export const compareKit = `
id=$1
[ -d "$dir" ] || [ ! -e "$dir" ] || fail "$dir is not a folder"
[ ! -e "$base" ] || [ -d "$base" ] || fail "$base is not a folder"
[ ! -e "$base/current" ] || [ -L "$base/current" ] || fail "$base/current is not a link: the folder is used by something else"
echo "current $(link_name current)"
echo "running $(running_kit)"
if [ ! -d "$base/kits/$id" ]; then echo "kit missing"; exit 0; fi
cd "$base/kits/$id" || exit 1
while IFS=' ' read -r sum mode path; do
  if [ "$sum" = folder ]; then
    [ -d "$path" ] || echo "differs $path"
  elif [ ! -f "$path" ] || [ "$(sha256 < "$path")" != "$sum" ]; then
    echo "differs $path"
  fi
done
echo "kit there"
`;

/** Makes the folders and says how much room there is. `$1` = name of this delivery. */
export const prepareDelivery = `
mkdir -p "$dir" || exit 1
[ -d "$dir" ] || fail "$dir is not a folder"
mkdir -p "$base/kits" "$base/manifests" "$base/run" || exit 1
chmod 700 "$base" "$base/kits" "$base/manifests" "$base/run" || exit 1
rm -rf "$base/incoming" || exit 1
mkdir "$base/incoming" "$base/incoming/$1" || exit 1
df -Pk "$base/incoming" 2>/dev/null | { read -r head; read -r fs blocks used free rest; echo "free $free"; }
`;

/** Takes the tar on standard input. `$1` = name of this delivery. */
export const receiveTar = `
part=$base/incoming/$1/kit.tar.part
cat > "$part" || exit 1
echo "sha256 $(sha256 < "$part")"
`;

/**
 * Unpacks, compares with the manifest on standard input, brings it to the disk and switches `current`.
 * `$1` = name of this delivery, `$2` = kit id, `$3` = seconds since the epoch.
 */
export const installKit = `
incoming=$base/incoming/$1 id=$2 now=$3
cat > "$incoming/manifest" || exit 1
mkdir "$incoming/kit.part" || exit 1
cd "$incoming/kit.part" || exit 1
tar -xof ../kit.tar.part || exit 1
while IFS=' ' read -r sum mode path; do
  if [ "$sum" = folder ]; then
    [ -d "$path" ] || fail "after unpacking, the folder $path is missing"
  elif [ ! -f "$path" ] || [ "$(sha256 < "$path")" != "$sum" ]; then
    fail "after unpacking, $path is not what was sent"
  fi
  chmod "$mode" "$path" || exit 1
done < "$incoming/manifest"
chmod 700 .
cd "$base" || exit 1
find "$incoming" -type f -exec sync {} + 2>/dev/null || sync
if [ -e "kits/$id" ]; then
  mv "kits/$id" "kits/$id.changed-$now" || exit 1
  echo "kept $base/kits/$id.changed-$now"
fi
mv "$incoming/manifest" "manifests/$id" || exit 1
mv "$incoming/kit.part" "kits/$id" || exit 1
sync kits manifests 2>/dev/null || sync
`;

/**
 * Switches `current` to a delivered kit; the one before becomes `previous`. `$1` = kit id. Names the files the site had
 * added to `local` of the kit before (its own resources.json, privacy.json, …), as the new kit does not have them.
 */
export const switchKit = `
id=$1
[ -d "$base/kits/$id" ] || fail "$base/kits/$id is missing"
old=$(link_name current)
if [ "$old" != "$id" ]; then
  if [ -n "$old" ] && [ -f "$base/manifests/$old" ]; then
    for file in "$base/kits/$old/local"/*; do
      [ -f "$file" ] || continue
      cut -d ' ' -f 3- "$base/manifests/$old" | grep -qxF "local/\${file##*/}" || echo "added local/\${file##*/}"
    done
  fi
  if [ -n "$old" ]; then point previous "kits/$old" || exit 1; fi
  point current "kits/$id" || exit 1
  sync "$base" 2>/dev/null || sync
fi
echo "previous $(link_name previous)"
`;

/** Removes what an unfinished delivery left. */
export const removeIncoming = `rm -rf "$base/incoming"`;

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

/** The tools the other scripts and the kit's own scripts need. */
export const readTools = `
for tool in bash tar ps df find setsid; do
  command -v "$tool" >/dev/null 2>&1 || echo "missing $tool"
done
case $(printf '' | sha256) in none|'') echo "missing sha256sum" ;; esac
echo "system $(uname -sm)"
exit 0
`;

/** The folder, or the nearest one above that exists: can we write there, and how much room is there? */
export const readFolder = `
near=$dir
while [ ! -e "$near" ] && [ "$near" != / ] && [ "$near" != . ]; do near=$(dirname "$near"); done
echo "near $near"
[ -d "$near" ] || { echo "problem $near is not a folder"; exit 0; }
if [ -e "$base" ]; then near=$base; fi
probe=$near/.flaredesk-check-$$
if said=$( (: > "$probe") 2>&1 ); then rm -f "$probe"; else echo "problem cannot write in $near: \${said##*: }"; fi
df -Pk "$near" 2>/dev/null | { read -r head; read -r fs blocks used free rest; echo "free $free"; }
exit 0
`;

/** Which python3 a start would use, and the NVFlare in it. */
export const readPython = `
python=$(command -v python3) || { echo "python none"; exit 0; }
echo "python $python"
python3 - <<'END' 2>&1
import sys
print("version %d.%d.%d" % sys.version_info[:3])
try:
    from importlib.metadata import version
    print("nvflare " + version("nvflare"))
except Exception:
    try:
        import nvflare
        print("nvflare " + nvflare.__version__)
    except Exception as error:
        print("nvflare none")
        print("reason " + type(error).__name__)
END
exit 0
`;

/** Tries TCP connections from the host. `$@` = host and port, in turn. */
export const tryReach = `
while [ $# -ge 2 ]; do
  limit=
  if command -v timeout >/dev/null 2>&1; then limit='timeout 5'; fi
  said=$($limit bash -c 'exec 3<>"/dev/tcp/$1/$2"' probe "$1" "$2" 2>&1)
  code=$?
  said=$(printf '%s' "$said" | head -n 1)
  case $code:$said in
    0:*) echo "reach open" ;;
    124:*) echo "reach silent" ;;
    *refused*) echo "reach refused" ;;
    *"not known"*|*"failure in name resolution"*|*"No address associated"*) echo "reach unresolved" ;;
    *) echo "reach failed \${said##*: }" ;;
  esac
  shift 2
done
exit 0
`;
