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
