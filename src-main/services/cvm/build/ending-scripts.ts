/** The scripts that end a build on its host, look for what it left and clear what is ours; after the `prelude` of scripts.ts, too. */

/** What appeared since the build began and is still there. `$1` = build, `$2` = /sys. */
const leftOverLines = `
left_overs() {
  in_use "$2" | while IFS= read -r line; do
    grep -qxF "$line" "$dir/jobs/$1/before" 2>/dev/null || echo "left $line"
  done
}
`;
export const leftOvers = `${leftOverLines}
left_overs "$1" "\${2:-/sys}"
exit 0
`;

/**
 * Ends what belongs to the build for certain: its session and what carries its mark. `$1` = build, `$2` = seconds of grace.
 * Tells what is left over.
 */
export const end = `${leftOverLines}
job=$dir/jobs/$1
[ -d "$job" ] || exit 0
: > "$job/cancelled"
read -r leader started < "$job/pid" 2>/dev/null
ours() {
  {
    [ -z "$leader" ] || ps -eo pid=,sid= 2>/dev/null | while read -r pid sid; do [ "$sid" != "$leader" ] || echo "$pid"; done
    for file in $(grep -lzxF "FLAREDESK_BUILD=$1" /proc/[0-9]*/environ 2>/dev/null); do pid=\${file#/proc/}; echo "\${pid%/environ}"; done
  } | sort -un | while read -r pid; do
    [ "$pid" = "$leader" ] && [ -n "$2" ] && continue
    start_of "$pid" >/dev/null && echo "$pid"
  done
}
tell() { for pid in $(ours "$build" "$2"); do kill "-$1" "$pid" 2>/dev/null; done; }
build=$1
[ -z "$leader" ] || [ "$(start_of "$leader")" = "$started" ] || leader=
tell TERM spare
turns=0
while [ $turns -lt $(($2 * 10)) ] && [ -n "$(ours "$build" spare)" ]; do turns=$((turns + 1)); sleep 0.1; done
tell KILL spare
turns=0
while [ $turns -lt 10 ] && [ -n "$(ours "$build")" ]; do turns=$((turns + 1)); sleep 0.1; done
tell KILL
[ ! -r "$job/config" ] || rm -f "$(cat "$job/config")"
[ -e "$job/exit" ] || printf '%s %s\\n' 143 "$(date +%s)" > "$job/exit"
# A build that was only prepared leaves nothing over.
[ ! -e "$job/before" ] || left_overs "$1" "\${3:-/sys}"
exit 0
`;

/** Removes everything of ours of a build that does not run: kit, config, logs. What the builder made stays. `$1` = build. */
export const clean = `
job=$dir/jobs/$1
[ -d "$job" ] || exit 0
! runs "$job" || fail "the build $1 still runs"
[ ! -r "$job/config" ] || rm -f "$(cat "$job/config")"
rm -rf "$job"
`;
