/**
 * The scripts that run on the hosts of confidential VMs: POSIX sh after the prelude of ../scripts/prelude.ts; `$base` is the
 * participant's folder:
 *
 *     <directory>/<participant>/
 *       images/<id>/             unpacked images; the VM writes into their drives
 *       manifests/<id>           SHA-256 of every file as it was delivered
 *       image, previous-image    links to images
 *       incoming-image/          an unfinished delivery: kept after a lost connection, continued by the next one
 *       run/                     our own records: vm, launch.sh, serial.log, serial.recent, serial.next
 *
 * A VM is known by `vm_id=<id>` on the command line of a process called qemu-system-*. No other QEMU is ever touched.
 */

const common = `
vms() {
  ps -eo pid=,comm=,args= -ww 2>/dev/null | while read -r pid comm args; do
    case $comm in qemu-system*) ;; *) continue ;; esac
    case " $args " in *[\\ \\"\\']vm_id="$1"[\\ \\"\\']*) printf '%s\\n' "$pid" ;; esac
  done
}
recorded() { sed -n "s/^$1 //p" "$base/run/vm" 2>/dev/null; }
`;

/** Compares an unpacked image with the manifest on standard input. `$1` = image id, `$2` = SHA-256 of the archive. */
export const compareImage = `${common}
id=$1
[ -d "$dir" ] || [ ! -e "$dir" ] || fail "$dir is not a folder"
[ ! -e "$base" ] || [ -d "$base" ] || fail "$base is not a folder"
[ ! -e "$base/image" ] || [ -L "$base/image" ] || fail "$base/image is not a link: the folder is used by something else"
echo "current $(link_name image)"
echo "recorded $(recorded image)"
echo "recorded_vm $(recorded vm_id)"
[ ! -f "$base/run/launched-$id" ] || echo "launched yes"
part=$base/incoming-image/$2.part
[ ! -f "$part" ] || echo "part $(wc -c < "$part" | tr -d ' ')"
old=$(recorded vm_id)
[ -z "$old" ] || for pid in $(vms "$old"); do echo "running $pid"; done
if [ ! -d "$base/images/$id" ]; then echo "image missing"; exit 0; fi
cd "$base/images/$id" || exit 1
while IFS=' ' read -r sum path; do
  if [ ! -f "$path" ] || [ "$(sha256 < "$path")" != "$sum" ]; then echo "differs $path"; fi
done
echo "image there"
`;

/** Makes the folders and says how much room there is. `$1` = SHA-256 of the archive: unfinished ones of others go. */
export const prepareImageDelivery = `
mkdir -p "$dir" "$base/images" "$base/manifests" "$base/run" "$base/incoming-image" || exit 1
chmod 700 "$base" "$base/images" "$base/manifests" "$base/run" "$base/incoming-image" || exit 1
for left in "$base/incoming-image"/*; do
  [ "$left" = "$base/incoming-image/$1.part" ] || rm -rf "$left" || exit 1
done
df -Pk "$base/incoming-image" 2>/dev/null | { read -r head; read -r fs blocks used free rest; echo "free $free"; }
`;

/** Appends standard input to the unfinished archive. `$1` = SHA-256 of the archive, `$2` = bytes that are there. */
export const receiveArchive = `
part=$base/incoming-image/$1.part
if [ "$2" = 0 ]; then : > "$part" || exit 1; fi
[ "$(wc -c < "$part" | tr -d ' ')" = "$2" ] || fail "the unfinished archive changed meanwhile"
cat >> "$part" || exit 1
echo "bytes $(wc -c < "$part" | tr -d ' ')"
`;

/** SHA-256 of what has arrived. `$1` = SHA-256 it should have; another one is removed. */
export const checkArchive = `
part=$base/incoming-image/$1.part
sum=$(sha256 < "$part")
[ "$sum" = "$1" ] || [ "$sum" = none ] || rm -f "$part"
echo "sha256 $sum"
`;

/**
 * Unpacks, compares every file with the manifest on standard input, and puts the image in its place.
 * `$1` = SHA-256 of the archive, `$2` = image id, `$3` = seconds since the epoch.
 */
export const installImage = `
work=$base/incoming-image
part=$work/$1.part id=$2 now=$3
cat > "$work/manifest" || exit 1
rm -rf "$work/unpacked" || exit 1
mkdir "$work/unpacked" || exit 1
cd "$work/unpacked" || exit 1
gzip -dc "$part" | tar -xof - || fail "the archive could not be unpacked"
script=$(find . -name launch_vm.sh -type f | head -n 1)
[ -n "$script" ] || fail "the archive holds no launch_vm.sh"
cd "$(dirname "$script")" || exit 1
while IFS=' ' read -r sum path; do
  if [ -L "$path" ] || [ ! -f "$path" ] || [ "$(sha256 < "$path")" != "$sum" ]; then
    fail "after unpacking, $path is not what was built"
  fi
done < "$work/manifest"
for path in .* *; do
  case $path in .|..) continue ;; esac
  cut -d ' ' -f 2- "$work/manifest" | grep -qxF "$path" || fail "the archive holds $path, which the record does not name"
done
chmod 600 ./* && chmod 700 . launch_vm.sh || exit 1
find . -type f -exec sync {} + 2>/dev/null || sync
here=$(pwd -P)
cd "$base" || exit 1
if [ -e "images/$id" ]; then
  mv "images/$id" "images/$id.changed-$now" || exit 1
  echo "kept $base/images/$id.changed-$now"
fi
mv "$work/manifest" "manifests/$id" || exit 1
mv "$here" "images/$id" || exit 1
rm -rf "$work" || exit 1
sync images manifests 2>/dev/null || sync
`;

/** Removes an unfinished delivery. */
export const removeIncomingImage = `rm -rf "$base/incoming-image"`;

/** Switches the link to an image; the one before is kept as another link. $1 = image id. */
export const switchImage = `${common}
id=$1
[ -d "$base/images/$id" ] || fail "$base/images/$id is missing"
old=$(link_name image)
if [ "$old" != "$id" ]; then
  if [ -n "$old" ] && [ -f "$base/manifests/$old" ] && [ -f "$base/images/$old/user_data.qcow2" ]; then
    sum=$(sha256 < "$base/images/$old/user_data.qcow2")
    grep -qxF "$sum user_data.qcow2" "$base/manifests/$old" || echo "data $base/images/$old/user_data.qcow2"
  fi
  if [ -n "$old" ]; then point previous-image "images/$old" || exit 1; fi
  point image "images/$id" || exit 1
  sync "$base" 2>/dev/null || sync
fi
echo "previous $(link_name previous-image)"
`;

/** How the VM stands. $1 = vm_id (may be empty), $2 = bytes of serial output to show. */
export const readVm = `${common}
[ -d "$base" ] || { echo "folder $base"; echo "delivered no"; exit 0; }
echo "folder $base"
echo "image $(link_name image)"
echo "previous $(link_name previous-image)"
if [ -r "$base/run/vm" ]; then while read -r line; do echo "record_$line"; done < "$base/run/vm"; fi
[ -z "$(ps -p 1 -o pid= 2>/dev/null)" ] || echo "sees_all yes"
ps -eo pid=,etimes=,user=,comm=,args= -ww 2>/dev/null | grep -F 'vm_id=' | grep -F qemu-system | sed 's/^/ps /'
if [ -f "$base/image/user_data.qcow2" ] && command -v qemu-img >/dev/null 2>&1; then
  if said=$(qemu-img info "$base/image/user_data.qcow2" 2>&1 >/dev/null); then echo "lock free"
  else case $said in *'"write" lock'*|*"using the image"*) echo "lock held" ;; *) echo "lock unknown" ;; esac; fi
else echo "lock unknown"; fi
echo "now $(date +%s)"
unit=$(recorded unit)
if [ -n "$unit" ] && command -v systemctl >/dev/null 2>&1; then echo "unit_state $(systemctl is-active "$unit" 2>/dev/null)"; fi
if [ -r "$base/run/serial.log" ]; then
  echo "log $base/run/serial.log"
  grep -aE 'VM_ID:|Measurement:|Retrieved key|Kernel panic' "$base/run/serial.log" | head -n 40 | cut -c 1-400 | sed 's/^/mark /'
  if [ -s "$base/run/serial.recent" ] || [ -s "$base/run/serial.next" ]; then
    cat "$base/run/serial.recent" "$base/run/serial.next" 2>/dev/null | tail -c "$2" | sed 1d | sed 's/^/tail /'
  elif [ "$(wc -c < "$base/run/serial.log")" -gt "$2" ]; then tail -c "$2" "$base/run/serial.log" | sed 1d | sed 's/^/tail /'
  else sed 's/^/tail /' "$base/run/serial.log"; fi
fi
exit 0
`;

/** What must hold before a start. Standard input: manifest lines of the sealed files. */
export const readBeforeLaunch = `
image=$(cd "$base/image" 2>/dev/null && pwd -P) || fail "no image is delivered in $base"
cd "$image" || exit 1
while IFS=' ' read -r sum path; do
  if [ ! -f "$path" ] || [ "$(sha256 < "$path")" != "$sum" ]; then echo "differs $path"; fi
done
command -v bash >/dev/null 2>&1 || echo "missing bash"
if grep -qE '(^|[^a-zA-Z_])sudo ' launch_vm.sh; then
  if ! command -v sudo >/dev/null 2>&1; then echo "missing sudo"
  elif [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then :
  elif sudo -n -l 2>/dev/null | grep -q 'NOPASSWD:.*qemu-system-x86_64'; then :
  else echo "sudo password"; fi
fi
if ! command -v qemu-system-x86_64 >/dev/null 2>&1; then echo "missing qemu-system-x86_64"; fi
exit 0
`;

/** The tools that delivery, start and status of an image need. */
export const readVmTools = `
missing=
for tool in bash tar gzip ps df find qemu-img qemu-system-x86_64; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
case $(printf '' | sha256) in none|'') missing="$missing sha256sum" ;; esac
echo "missing $missing"
echo "system $(uname -sm)"
exit 0
`;

/** Which names the host resolves. $@ = names. */
export const resolveNames = `
for name in "$@"; do
  address=$(getent hosts "$name" 2>/dev/null | { read -r first rest; printf '%s' "$first"; })
  echo "name $name \${address:-none}"
done
exit 0
`;

/** The bytes of serial output that are kept: the beginning, and twice as much of the end. */
export const serialLimit = 1024 * 1024;

/**
 * Starts the image's own script, cut loose from this SSH session: as a transient unit where systemd runs and lets us, else
 * in a session of its own. $1 = image id, $2 = vm_id, $3 = unit, $4 = bytes of one piece of serial output.
 * The serial output is always read to its end, so that a full file never stops the VM.
 */
export const launchVm = `${common}
id=$1 vm=$2 unit=$3 limit=$4
[ -z "$(vms "$vm")" ] || fail "a VM with vm_id $vm runs already"
image=$(cd "$base/images/$id" 2>/dev/null && pwd -P) || fail "the image $id is missing"
mkdir -p "$base/run" || exit 1
cd "$base/run" || exit 1
[ ! -f serial.log ] || mv -f serial.log serial.log.1 || exit 1
rm -f serial.recent serial.next
: > serial.log || exit 1
cat > launch.sh <<'END' || exit 1
#!/bin/sh
# Written at each start. Runs launch_vm.sh and keeps what it prints, within limits.
base=$1 image=$2 limit=$3
umask 077
cd "$image" || exit 1
{ bash ./launch_vm.sh 2>&1; echo "launch_vm.sh ended with status $?"; } < /dev/null | {
  cd "$base/run" || exit 1
  # head alone keeps some kilobytes back until they are enough.
  now=
  if command -v stdbuf >/dev/null 2>&1; then now='stdbuf -o0'; fi
  $now head -c "$limit" > serial.log
  while $now head -c "$limit" > serial.next && [ -s serial.next ]; do mv -f serial.next serial.recent; done
  rm -f serial.next
}
END
chmod 700 launch.sh || exit 1
FLAREDESK_PARTICIPANT="$base;"
export FLAREDESK_PARTICIPANT
supervisor=
case $(systemctl is-system-running 2>/dev/null) in running|degraded|starting) booted=yes ;; *) booted= ;; esac
if [ -n "$booted" ] && command -v systemd-run >/dev/null 2>&1; then
  root=
  if [ "$(id -u)" = 0 ]; then root=yes
  elif sudo -n -l systemd-run >/dev/null 2>&1; then root='sudo -n'
  fi
  if [ -n "$root" ]; then
    [ "$root" != yes ] || root=
    if said=$($root systemd-run --quiet --collect --unit "$unit" --uid "$(id -un)" --working-directory "$image" \\
      --setenv "PATH=$PATH" --setenv "HOME=$HOME" --setenv "FLAREDESK_PARTICIPANT=$FLAREDESK_PARTICIPANT" \\
      /bin/sh "$base/run/launch.sh" "$base" "$image" "$limit" 2>&1); then supervisor=systemd
    else echo "refused $said"; fi
  fi
fi
if [ -z "$supervisor" ]; then
  unit=
  if command -v setsid >/dev/null 2>&1; then
    supervisor=setsid
    setsid nohup /bin/sh "$base/run/launch.sh" "$base" "$image" "$limit" > /dev/null 2>&1 < /dev/null &
  else
    supervisor=nohup
    nohup /bin/sh "$base/run/launch.sh" "$base" "$image" "$limit" > /dev/null 2>&1 < /dev/null &
  fi
fi
: > "launched-$id"
printf 'image %s\\nvm_id %s\\nsupervisor %s\\nunit %s\\nat %s\\n' "$id" "$vm" "$supervisor" "$unit" "$(date +%s)" > vm.new || exit 1
mv -f vm.new vm || exit 1
echo "supervisor $supervisor"
echo "unit $unit"
`;

/** Sends a signal to the VM with this vm_id and to nothing else. $1 = vm_id, $2 = signal. */
export const signalVm = `${common}
for pid in $(vms "$1"); do
  if kill "-$2" "$pid" 2>/dev/null || sudo -n kill "-$2" "$pid" 2>/dev/null; then echo "sent $pid"; else echo "refused $pid"; fi
done
exit 0
`;

/** The processes of this vm_id that are left. */
export const vmsLeft = `${common}
for pid in $(vms "$1"); do echo "left $pid"; done
exit 0
`;
