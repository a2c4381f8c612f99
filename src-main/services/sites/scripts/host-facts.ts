/** What a host has and reaches, asked before anything is done there. Each runs after `prelude`. */

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
