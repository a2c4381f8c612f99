/** How a kit comes to a host: compared, received, unpacked, switched to. Each runs after `prelude`. */

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
