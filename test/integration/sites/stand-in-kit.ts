import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface StandInOptions {
  kind?: 'server' | 'client';
  /** The process listens on this port of loopback. */
  port?: number;
  /** What the process does: stay, end at once with a message, ignore TERM, or begin late. */
  behaviour?: 'stay' | 'fail' | 'stubborn' | 'slow';
  /** Makes the kit differ from another one. */
  content?: string;
}

/**
 * A kit in the form of the real ones, whose scripts act as docs/reference/provisioning.md §7 says (loop every 5 s, pid
 * files, shutdown.fl), around a small program instead of NVFlare. It needs only bash and Node.
 */
export function makeStandInKit(folder: string, options: StandInOptions = {}): string {
  const { kind = 'client', behaviour = 'stay' } = options;
  mkdirSync(join(folder, 'startup'), { recursive: true });
  mkdirSync(join(folder, 'local'));
  mkdirSync(join(folder, 'transfer'));
  const file = (path: string, text: string, mode = 0o644) => {
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), mode);
  };
  file(`startup/fed_${kind}.json`, JSON.stringify({ format_version: 2, note: options.content ?? '' }));
  file(`startup/${kind}.key`, 'not a key', 0o600);
  file('local/with blank.txt', 'a file whose name holds a blank\n');
  file(
    'startup/program.mjs',
    `import net from 'node:net';
console.log('program begins', process.argv[2] ?? '', process.env.PATH.split(':')[0]);
${behaviour === 'fail' ? "console.error('Error: the signature of fed_client.json is wrong'); process.exit(1);" : ''}
${behaviour === 'stubborn' ? "process.on('SIGTERM', () => {});" : ''}
const port = Number(process.argv[2]);
if (port) net.createServer((socket) => socket.end()).listen(port, '127.0.0.1');
setTimeout(() => process.exit(0), 120_000);
`,
  );
  file(
    'startup/start.sh',
    `#!/usr/bin/env bash
DIR="$( cd "$( dirname "\${BASH_SOURCE[0]}" )" >/dev/null 2>&1 && pwd )"
"$DIR/sub_start.sh" &
`,
    0o755,
  );
  file(
    'startup/sub_start.sh',
    `#!/usr/bin/env bash
DIR="$( cd "$( dirname "\${BASH_SOURCE[0]}" )" >/dev/null 2>&1 && pwd )"
kit="$DIR/.."
count=0
begin() {
  count=$((count + 1))
  if [ $count -gt 5 ]; then rm -f "$kit"/*.fl; exit 0; fi
  "${process.execPath}" "$DIR/program.mjs" ${options.port ?? ''} &
  echo $! > "$kit/pid.fl"
}
${behaviour === 'slow' ? 'sleep 4' : ''}
echo $$ > "$kit/daemon_pid.fl"
while true; do
  if [ ! -f "$kit/pid.fl" ]; then begin
  elif ! kill -0 "$(cat "$kit/pid.fl")" 2>/dev/null; then
    [ -f "$kit/shutdown.fl" ] && break
    begin
  elif [ -f "$kit/shutdown.fl" ]; then
    sleep 5
    kill -9 "$(cat "$kit/pid.fl")" 2>/dev/null
    break
  fi
  sleep 1
done
rm -f "$kit"/*.fl
`,
    0o755,
  );
  return folder;
}
