/**
 * The scripts that run on builder hosts: POSIX sh and everyday tools. Each starts after `prelude`; `$dir` is the builder's
 * folder, `$dir/jobs/<id>/` one build:
 *
 *     request          what it is for
 *     builder.yaml     the builder's config, copied to where it lies once the build begins
 *     <site>/          the startup kit (removed with the job)
 *     config           where the builder's config file lies
 *     pid              process id and start time of the runner, which leads its own session
 *     before           QEMU processes, nbd devices and LUKS mappings that were there before
 *     stdout, stderr   the first 16 MiB of each; .full when there was more, .tail then holds the last 1 MiB
 *     ready            the success line
 *     exit             status and time, last
 *
 * Everything a build starts carries FLAREDESK_BUILD=<id> in its environment and belongs to the runner's session.
 */

export const prelude = `
dir=$1 extra=$2
shift 2
usual_umask=$(umask)
umask 077
case $dir in "~"|"~/"*) dir=$HOME\${dir#"~"} ;; esac
[ -z "$extra" ] || { PATH=$extra:$PATH; export PATH; }
lock=\${FLAREDESK_BUILDER_LOCK:-/tmp/flaredesk-builder.lock}
fail() { printf '%s\\n' "$*" >&2; exit 1; }
at_home() { case $1 in "~/"*) printf '%s' "$HOME\${1#"~"}" ;; *) printf '%s' "$1" ;; esac; }
start_of() {
  read -r stat 2>/dev/null < "/proc/$1/stat" || return 1
  stat=\${stat##*) }
  case $stat in Z*|X*) return 1 ;; esac
  set -- $stat
  shift 19
  printf '%s' "$1"
}
runs() {
  [ -r "$1/pid" ] || return 1
  read -r pid started < "$1/pid" || return 1
  [ "$(start_of "$pid")" = "$started" ]
}
state_of() {
  if [ -e "$1/exit" ]; then echo ended
  elif runs "$1"; then echo running
  elif [ -e "$1/exit" ]; then echo ended # in the meantime
  elif [ -e "$1/pid" ]; then echo gone
  elif [ -d "$1" ]; then echo prepared
  else echo none; fi
}
held_by() { sed -n "s/^$1 //p" "$lock/owner" 2>/dev/null; }
in_use() {
  ps -eo pid=,args= 2>/dev/null | while read -r pid words; do
    first=\${words%% *}
    case \${first##*/} in qemu-system-*|qemu-kvm) echo "process $pid $(start_of "$pid")" ;; esac
  done
  for file in "$1"/block/nbd*/pid; do
    [ -e "$file" ] && { name=\${file%/pid}; echo "nbd \${name##*/} $(cat "$file")"; }
  done
  for file in "$1"/block/dm-*/dm/uuid; do
    [ -e "$file" ] || continue
    case $(cat "$file") in CRYPT-LUKS*) echo "luks $(cat "\${file%/uuid}/name")" ;; esac
  done
}
`;

/**
 * `$1` = command, `$2`… = files the builder reads. One line per fact. Where the account's environment says that the builder there
 * spares other virtual machines, they are not told.
 */
export const lookAround = `
command=$(at_home "$1")
shift
echo "home $HOME"
if [ -d "$command" ]; then echo "command folder $command"
elif [ ! -e "$command" ]; then echo "command missing $command"
elif [ ! -x "$command" ]; then echo "command mode $command"
else echo "command ok $command"; fi
for file in "$@"; do
  if [ -r "$(at_home "$file")" ]; then echo "file ok $file"; else echo "file missing $file"; fi
done
for tool in setsid mkfifo tail tee grep tar ps; do
  command -v "$tool" >/dev/null 2>&1 || echo "tool $tool"
done
[ -d /proc/self ] || echo "tool /proc"
near=$dir
while [ ! -e "$near" ] && [ "$near" != / ] && [ "$near" != . ]; do near=$(dirname "$near"); done
df -Pk "$near" 2>/dev/null | { read -r head; read -r fs blocks used free rest; echo "free $free"; }
[ -n "$FLAREDESK_BUILDER_SPARES_VMS" ] || in_use /sys | while read -r kind what rest; do echo "used $kind $what"; done
exit 0
`;

/**
 * Takes the host for one build. `$1` = build, `$2` = owner, `$3` = who, for people, `$4` = the process that works here, `$5` =
 * an earlier process of this owner that is gone. A lock of the same owner, of one of these processes, whose build does not run
 * any more is taken over; every other one is told and left alone.
 */
const taking = `
take() {
attempt=0
while [ $attempt -lt 3 ]; do
  attempt=$((attempt + 1))
  if (umask 022; mkdir "$lock") 2>/dev/null; then
    (umask 022; printf 'owner %s\\nprocess %s\\nbuild %s\\ndir %s\\nwho %s\\nsince %s\\n' "$2" "$4" "$1" "$dir" "$3" "$(date +%s)" > "$lock/owner") || { rmdir "$lock"; exit 1; }
    echo taken
    return 0
  fi
  [ -d "$lock" ] || fail "$lock cannot be made"
  owner=$(held_by owner) build=$(held_by build) process=$(held_by process)
  [ "$owner" = "$2" ] || break
  [ "$process" = "$4" ] || { [ -n "$5" ] && [ "$process" = "$5" ]; } || break
  [ "$(state_of "$(held_by dir)/jobs/$build")" != running ] || break
  rm -rf "$lock"
done
echo "held \${build:-unknown}"
[ "$owner" != "$2" ] || echo "process $process"
echo "who $(held_by who)"
echo "since $(held_by since)"
echo "lock $lock"
return 1
}
`;
/** Takes the host; the arguments of `take`. */
export const reserve = `${taking}
echo "home $HOME"
take "$@"
exit 0
`;

/** Gives the host free, when it is `$1`'s. */
export const release = `
[ "$(held_by build)" = "$1" ] && rm -rf "$lock"
exit 0
`;

/** Makes the folder of `$1`, which nothing was made for before. */
const jobFolder = `
job=$dir/jobs/$1
mkdir -p "$dir" || fail "$dir cannot be made"
mkdir -p "$dir/jobs" && mkdir "$job" || exit 1
chmod 700 "$dir/jobs" "$job" || exit 1
`;

/** Makes the job's folder; the request comes on standard input. `$1` = build. */
export const prepare = `${jobFolder}
cat > "$job/request" || exit 1
echo "job $job"
`;

/**
 * Makes a build's folder. `$1` = build, `$2` = participant (empty: its kit is here already), `$3` = what it is for, `$4` = bytes
 * of the builder's config, which come first on standard input; the kit follows as a tar. Nothing is begun by this.
 */
export const prepareBuild = `${jobFolder}
printf '%s' "$3" > "$job/request" || exit 1
# One byte at a time: what follows in the pipe is not ours to read.
said=$(dd bs=1 count="$4" of="$job/builder.yaml" 2>&1) || fail "$said"
[ -n "$2" ] || exit 0
mkdir "$job/$2" && cd "$job/$2" || exit 1
tar -xof - || exit 1
chmod 700 .
`;

/** Takes a script (`$2`) and the folder it works on, a tar on standard input. `$1` = job. Tells the script's path. */
export const receiveJob = `
job=$dir/jobs/$1
mkdir "$job/context" && cd "$job/context" || exit 1
tar -xof - || exit 1
printf '%s' "$2" > "$job/run.sh" && chmod 700 "$job/run.sh" || exit 1
echo "run $job/run.sh"
`;

/** Bytes of each pipe that are kept, in blocks of 512; bytes of the tail; tenths of a second that open pipes are waited for. */
const keptBlocks = 32768;
const tailBytes = 1048576;

/**
 * Runs in a session of its own. `$1` = job folder, `$2` = build, `$3` = command, `$4` = config, `$5` = folder to run in, `$6` =
 * umask. Both pipes are read all the time, whatever becomes of the files. TERM ends the builder, not this script.
 */
const runner = `
job=$1 build=$2 command=$3 config=$4 folder=$5 usual_umask=$6
read -r stat < "/proc/$$/stat"
set -- \${stat##*) }
shift 19
printf '%s %s\\n' "$$" "$1" > "$job/pid.new" && mv "$job/pid.new" "$job/pid" || exit 1
trap : TERM INT HUP
FLAREDESK_BUILD=$build
export FLAREDESK_BUILD
cd "$job" || exit 1
mkfifo out err said || exit 1
keep() {
  (ulimit -f ${keptBlocks}; trap '' XFSZ; exec cat > "$1") 2>/dev/null && return
  : > "$1.full"
  tail -c ${tailBytes} > "$1.tail"
}
tee said < out 2>/dev/null | keep stdout &
first=$!
keep stderr < err &
second=$!
{ grep -a -m 1 -E 'CVM Bundle[[:space:]]+[^[:space:]]+[[:space:]]+is ready' > ready.new && mv ready.new ready; cat > /dev/null; } < said &
third=$!
(umask "$usual_umask"; cd "$folder" || exit 1; trap - TERM INT HUP; exec "$command" "$config") < /dev/null > out 2> err
code=$?
turns=0
while [ $turns -lt 30 ]; do
  kill -0 $first 2>/dev/null || kill -0 $second 2>/dev/null || kill -0 $third 2>/dev/null || break
  turns=$((turns + 1))
  sleep 0.1
done
rm -f "$config"
printf '%s %s\\n' "$code" "$(date +%s)" > exit.new && mv exit.new exit
`;

/**
 * Begins the build. `$1` = build, `$2` = command, `$3` = folder to run in (empty: the job's), `$4` = the runner; the builder's
 * config comes on standard input and goes to a file of its own in the system's folder for temporary files, as from the reference.
 */
const starting = `
start() {
job=$dir/jobs/$1
command=$(at_home "$2")
config=\${TMPDIR:-/tmp}/flaredesk-$1.yaml
[ ! -e "$job/pid" ] || fail "the build $1 was begun before"
rm -f "$config"
(set -C; cat > "$config") || exit 1
printf '%s\\n' "$config" > "$job/config"
in_use /sys > "$job/before"
setsid sh -c "$4" flaredesk-build "$job" "$1" "$command" "$config" "\${3:-$job}" "$usual_umask" > /dev/null 2>&1 < /dev/null &
turns=0
while [ ! -e "$job/pid" ]; do
  turns=$((turns + 1))
  [ $turns -lt 250 ] || fail "the build did not begin"
  sleep 0.02
done
echo "begun $(cat "$job/pid")"
}
`;
/** Begins other work; the arguments and the input of `start`. */
export const begin = `${starting}
start "$@"
`;
/**
 * Begins a prepared build, in one go with taking the host: the time between two builds is what passes here. `$1` to `$5` as for
 * `take`, `$6` to `$8` as `$2` to `$4` of `start`, `$9` = "careful": not while virtual machines run, which are told.
 */
export const takeAndBegin = `${taking}${starting}
take "$1" "$2" "$3" "$4" "$5" || exit 0
if [ -n "$9" ] && [ -z "$FLAREDESK_BUILDER_SPARES_VMS" ]; then
  vms=$(in_use /sys | sed -n 's/^\\(process [0-9]*\\).*/used \\1/p')
  [ -z "$vms" ] || { printf '%s\\n' "$vms"; exit 0; }
fi
[ -r "$dir/jobs/$1/builder.yaml" ] || fail "what was prepared for the build $1 is gone"
start "$1" "$6" "$7" "$8" < "$dir/jobs/$1/builder.yaml"
`;
export const runnerScript = runner;

/**
 * How the build stands, and what its pipes said since. `$1` = build, `$2` and `$3` = bytes of stdout and stderr known, `$4` =
 * most bytes to send of each. Header lines, an empty line, then the bytes.
 */
export const poll = `
job=$dir/jobs/$1
state=$(state_of "$job")
echo "state $state"
[ "$state" != ended ] || echo "exit $(cat "$job/exit")"
[ ! -r "$job/ready" ] || echo "ready $(head -n 1 "$job/ready")"
[ ! -e "$job/cancelled" ] || echo "cancelled yes"
rest() {
  size=$(($(wc -c < "$job/$1" 2>/dev/null || echo 0) - $2))
  if [ $size -gt "$3" ]; then size=$3; fi
  if [ $size -lt 0 ]; then size=0; fi
  echo $size
}
out=$(rest stdout "$2" "$4")
err=$(rest stderr "$3" "$4")
for name in stdout stderr; do [ ! -e "$job/$name.full" ] || echo "full $name"; done
echo "now $(date +%s)"
echo "send $out $err"
echo
[ $out -eq 0 ] || tail -c +$(($2 + 1)) "$job/stdout" | head -c $out
[ $err -eq 0 ] || tail -c +$(($3 + 1)) "$job/stderr" | head -c $err
`;

/** The last bytes of a pipe that said more than is kept. `$1` = build, `$2` = stdout or stderr. */
export const readTail = `cat "$dir/jobs/$1/$2.tail" 2>/dev/null; exit 0`;

/** What the builder made. `$1` = path of its success line. */
export const lookAtResult = `
file=$1
case $file in /*) ;; *) echo "kind relative"; exit 0 ;; esac
if [ -d "$file" ]; then echo "kind folder"
elif [ ! -e "$file" ]; then echo "kind missing"
elif [ ! -f "$file" ]; then echo "kind special"
elif [ ! -r "$file" ]; then echo "kind unreadable"
else echo "kind file"; echo "size $(wc -c < "$file")"; fi
exit 0
`;

/** SHA-256 of a file. `$1` = path. */
export const hashResult = `
if command -v sha256sum >/dev/null 2>&1; then sha256sum < "$1"
elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r < "$1"
else echo none; fi
`;
