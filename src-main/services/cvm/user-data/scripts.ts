/**
 * The steps on a user-data drive, as POSIX sh: the same on this machine and on the site's host. No root, no nbd, no mount
 * (docs/reference/confidential-computing.md §3.4). Work is done in a new folder beside the drive; the drive itself is replaced by
 * a rename at the very end, after the new one was compared with what was made.
 */

export const prelude = `
umask 077
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export PATH
work=
fail() { printf '%s\\n' "$*" >&2; exit 1; }
clean() { [ -z "$work" ] || rm -rf "$work"; }
trap clean EXIT
trap 'exit 143' HUP INT TERM
step() { printf 'step %s\\n' "$1"; }
need() { for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || fail "missing tool $tool"; done; }
begin() {
  folder=$(dirname "$drive")
  [ -d "$folder" ] || fail "missing folder $folder"
  [ -w "$folder" ] || fail "no right to write in $folder"
  work=$(mktemp -d "$folder/.flaredesk-data.XXXXXX") || fail "no work folder"
}
unused() {
  [ -f "$drive" ] && [ ! -L "$drive" ] || fail "missing drive $drive"
  qemu-img info -f qcow2 --output=json "$drive" > "$1/info" 2> "$1/why" || fail "$(cat "$1/why")"
  ! grep -q '"backing-filename"\\|"data-file"' "$1/info" || fail "foreign image: it reads from another file"
}
stamp() { stat -c '%i %s %Y' "$drive" 2>/dev/null || stat -f '%i %z %m' "$drive"; }
roomy() { [ "$(df -Pk "$work" | awk 'NR == 2 { print $4 }')" -gt 1024 ] || fail "No space left on device"; }
# What failed, and what it said: anything when the disk is full, where its words cannot be kept either.
gave_up() {
  roomy
  fail "$1: $(printf '%s\\n' "$2" | tail -n 2 | tr '\\n' ' ')"
}
fsck_fix() { code=0; words=$(e2fsck -fy "$1" 2>&1) || code=$?; [ "$code" -le 2 ] || gave_up "file system damaged" "$words"; }
fsck_clean() { words=$(e2fsck -fn "$1" 2>&1) || gave_up "file system damaged" "$words"; }
finish() {
  step verify
  fsck_clean "$work/raw"
  step convert
  qemu-img convert -f raw -O qcow2 "$work/raw" "$work/new" || fail "convert failed"
  step compare
  qemu-img check -q -f qcow2 "$work/new" >&2 || fail "the new drive is damaged"
  qemu-img compare -q -f raw -F qcow2 "$work/raw" "$work/new" >&2 || fail "the new drive is not what was written"
  chmod "$1" "$work/new"
  sync "$work/new" 2>/dev/null || sync
}
replace() {
  unused "$work"
  [ "$(stamp)" = "$before" ] || fail "changed meanwhile: $drive"
  mv -f "$work/new" "$drive" || fail "cannot replace"
  sync "$folder" 2>/dev/null || sync
}
`;

/** `$1` drive, `$2` folder, `$3` bytes. The drive must not exist. */
export const createDrive = `
drive=$1 source=$2 size=$3
need qemu-img mkfs.ext4 e2fsck
[ -d "$source" ] || fail "missing folder $source"
[ ! -e "$drive" ] || fail "exists: $drive"
begin
step fill
truncate -s "$size" "$work/raw" || fail "cannot make an image of $size bytes"
words=$(mkfs.ext4 -q -F -m 0 -E root_owner=0:0 -d "$source" "$work/raw" 2>&1 < /dev/null) || gave_up mkfs "$words"
finish 644
ln "$work/new" "$drive" 2>/dev/null || { [ ! -e "$drive" ] && mv "$work/new" "$drive"; } || fail "exists: $drive"
sync "$folder" 2>/dev/null || sync
`;

/** `$1` drive, `$2` bytes. */
export const growDrive = `
drive=$1 size=$2
need qemu-img resize2fs e2fsck
begin
unused "$work"
before=$(stamp)
mode=$(stat -c %a "$drive" 2>/dev/null || echo 644)
have=$(sed -n 's/.*"virtual-size": \\([0-9]*\\).*/\\1/p' "$work/info" | head -n 1)
[ "$size" -gt "$have" ] || fail "not larger: $have"
step read
qemu-img convert -f qcow2 -O raw "$drive" "$work/raw" || fail "convert failed"
fsck_fix "$work/raw"
step grow
truncate -s "$size" "$work/raw" || fail "cannot make an image of $size bytes"
words=$(resize2fs "$work/raw" 2>&1) || gave_up resize2fs "$words"
finish "$mode"
replace
`;

/** `$1` drive, `$2` name at the drive's root (plain characters only); the content comes on standard input. */
export const putFile = `
drive=$1 name=$2
need qemu-img debugfs e2fsck
begin
unused "$work"
before=$(stamp)
mode=$(stat -c %a "$drive" 2>/dev/null || echo 644)
cat > "$work/content" || fail "the content did not arrive"
step read
qemu-img convert -f qcow2 -O raw "$drive" "$work/raw" || fail "convert failed"
fsck_fix "$work/raw"
step write
printf 'rm /%s\\n' "$name" > "$work/ask"
printf 'write content %s\\nset_inode_field /%s mode 0100644\\n' "$name" "$name" >> "$work/ask"
words=$(cd "$work" && debugfs -w -f ask raw 2>&1) || gave_up debugfs "$words"
debugfs -R "cat /$name" "$work/raw" 2>/dev/null | cmp -s - "$work/content" || {
  roomy
  fail "the file does not fit on the drive"
}
finish "$mode"
replace
`;

/** `$1` drive; then lines of requests: `ls <inode>` or `cat <inode>`. Only reads; works beside a running VM (may be stale). */
export const readDrive = `
drive=$1 request=$2 inode=$3
need qemu-img debugfs
[ -f "$drive" ] || fail "missing drive $drive"
! qemu-img info -U -f qcow2 --output=json "$drive" | grep -q '"backing-filename"\\|"data-file"' || fail "foreign image: it reads from another file"
work=$(mktemp -d "\${TMPDIR:-/tmp}/flaredesk-data.XXXXXX") || fail "no work folder"
qemu-img convert -U -f qcow2 -O raw "$drive" "$work/raw" || fail "convert failed"
walk() { debugfs -c -R "ls -p <$1>" "$work/raw" 2> "$work/why"; }
case $request in
  list) walk "$inode" ;;
  cat) debugfs -c -R "cat <$inode>" "$work/raw" 2> "$work/why" ;;
esac
! grep -q 'Bad magic\\|not open\\|superblock' "$work/why" || fail "no file system: $(tail -n 1 "$work/why")"
! grep -q 'not found' "$work/why" || fail "missing file"
`;
