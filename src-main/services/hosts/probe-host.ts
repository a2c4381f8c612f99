/** The probes on one host, one after the other over one connection. */
import { DeskError } from '../../contract/errors.ts';
import {
  contradictions,
  type HostProbe,
  hostProbes,
  judgeProbe,
  type ProbeContext,
  type ProbeOutput,
  shownCommand,
  type Verdict,
} from '../../domain/cc/host-probes/index.ts';
import { redactKeys } from '../../domain/cc/serial.ts';
import { runScript, type SshConnection, withoutControls } from '../ssh/index.ts';
import type { HostTarget, ProbeResult } from './types.ts';

const probeSeconds = 10;
/** For the way there and back, beyond the command's own limit. */
const graceMs = 5_000;
const keptOutput = 16 * 1024;

interface Options {
  signal?: AbortSignal;
  only?: readonly string[];
  found: (result: ProbeResult, total: number) => void;
}

/**
 * Runs one command with its own time limit. Root needs no sudo, and a host may not have it. The program's exit status goes
 * around `head`, which cuts what would not end.
 */
const runProbe = `
extra=$1 seconds=$2 text=$3
shift 3
[ -z "$extra" ] || { PATH=$extra:$PATH; export PATH; }
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
[ "$(id -u)" != 0 ] || text='sudo() { while [ "\${1#-}" != "$1" ]; do shift; done; "$@"; }
'$text
limit=
! command -v timeout >/dev/null 2>&1 || limit="timeout $seconds"
{ code=$( { { $limit sh -c "$text" probe "$@"; echo $? >&3; } | head -c 65536 >&4; } 3>&1 ); } 4>&1
exit "\${code:-1}"
`;

/** Where the image lies and what was started last, as the host's own links and records say. */
const readPlaces = `
dir=$1 name=$2
case $dir in "~"|"~/"*) dir=$HOME\${dir#"~"} ;; esac
echo "directory $dir"
base=$dir/$name
[ ! -d "$base/image/" ] || echo "image $(cd "$base/image" && pwd -P)"
[ ! -f "$base/run/serial.log" ] || echo "serial $base/run/serial.log"
`;

/** Errors: those of the connection, `cancelled`. */
export async function probeHost(
  connection: SshConnection,
  target: HostTarget,
  options: Options,
): Promise<ProbeResult[]> {
  const context = await contextOf(connection, target, options.signal);
  const wanted = hostProbes.filter(({ id }) => options.only?.includes(id) ?? true);
  const results: ProbeResult[] = [];
  const verdicts = new Map<string, Verdict>();
  for (const probe of wanted) {
    const result = await runOne(connection, target, probe, context, options.signal);
    results.push(result);
    verdicts.set(probe.id, result);
    options.found(result, wanted.length);
  }
  const changed = contradictions(verdicts);
  return results.map((result) => ({ ...result, ...changed.get(result.id) }));
}

async function contextOf(
  connection: SshConnection,
  { site, context }: HostTarget,
  signal: AbortSignal | undefined,
): Promise<ProbeContext> {
  const { output } = await runScript(
    connection,
    readPlaces,
    [site.directory, site.name],
    signal ? { signal } : {},
  );
  const value = (key: string) => new RegExp(`^${key} (/.*)$`, 'm').exec(output.toString('utf8'))?.[1];
  const folder = value('image');
  const serialLog = value('serial');
  const { image, ...rest } = context;
  const directory = value('directory') ?? site.directory;
  if (!image) return { ...rest, directory };
  const { qmpSocket: socket, ...vm } = image;
  // The script opens it from its own folder.
  const qmpSocket =
    socket === undefined || socket.startsWith('/')
      ? socket
      : folder && `${folder}/${socket.replace(/^\.\//, '')}`;
  return {
    ...rest,
    directory,
    image: {
      ...vm,
      ...(qmpSocket ? { qmpSocket } : {}),
      ...(folder ? { folder } : {}),
      ...(serialLog ? { serialLog } : {}),
    },
  };
}

async function runOne(
  connection: SshConnection,
  { site }: HostTarget,
  probe: HostProbe,
  context: ProbeContext,
  signal: AbortSignal | undefined,
): Promise<ProbeResult> {
  const { number, id, title, group, source } = probe;
  const about = { number, id, title, group, source };
  const sentAt = Date.now();
  const skipped = probe.skip?.(context);
  if (skipped !== undefined)
    return {
      ...about,
      state: 'not_applicable',
      summary: skipped,
      ...(probe.ask ? { fix: probe.ask } : {}),
      at: new Date(sentAt).toISOString(),
      seconds: 0,
    };
  const args = [
    (site.path ?? []).join(':'),
    String(probeSeconds),
    probe.command,
    ...(probe.values?.(context) ?? []),
  ];
  let answer: ProbeOutput;
  try {
    const { code, output, errors } = await runScript(connection, runProbe, args, {
      timeoutMs: probeSeconds * 1000 + graceMs,
      ...(signal ? { signal } : {}),
    });
    answer = {
      code,
      stdout: output.toString('utf8'),
      stderr: errors,
      timedOut: false,
      sentAt,
      receivedAt: Date.now(),
    };
  } catch (error) {
    // A command that does not end is that probe's matter; a connection that ended is the host's.
    if (!(error instanceof DeskError) || error.code !== 'timeout' || connection.closed) throw error;
    answer = { code: null, stdout: '', stderr: '', timedOut: true, sentAt, receivedAt: Date.now() };
  }
  const verdict = judgeProbe(probe, answer, context);
  return {
    ...about,
    ...verdict,
    summary: oneLine(verdict.summary),
    command: shownCommand(probe, context),
    code: answer.code,
    output: printed(answer),
    at: new Date(answer.receivedAt).toISOString(),
    seconds: (answer.receivedAt - sentAt) / 1000,
  };
}

const oneLine = (text: string): string => withoutControls(redactKeys(text)).slice(0, 300);

function printed({ stdout, stderr }: ProbeOutput): string {
  const text = [stdout, stderr].filter((part) => part.trim() !== '').join('\n');
  return redactKeys(text.slice(0, keptOutput)).split('\n').map(withoutControls).join('\n').trim();
}
