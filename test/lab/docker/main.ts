/** Stands in for `docker build` and `docker save`: checks how it is called, reads the Dockerfile, writes a real archive. See README.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installed, saveArchive } from './save-archive.ts';

const [, , command, ...words] = process.argv;
const place = join(homedir(), '.docker-stand-in');
const fileOf = (tag: string): string => join(place, `${tag.replaceAll('/', '_')}.json`);

function fail(status: number, ...lines: string[]): never {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(status);
}

/** `-t TAG -f FILE [--progress=plain] CONTEXT`, nothing else. */
function buildWords() {
  let tag = '';
  let file = '';
  const rest: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '-t') tag = words[++index] ?? '';
    else if (word === '-f') file = words[++index] ?? '';
    else if (word === '--progress=plain') continue;
    else if (word.startsWith('-')) fail(125, `unknown flag: ${word}`);
    else rest.push(word);
  }
  const [context] = rest;
  if (rest.length !== 1 || context === undefined) fail(1, '"docker build" requires exactly 1 argument.');
  if (!/^[a-z0-9]+(?:[._/:-][a-z0-9]+)*$/.test(tag))
    fail(125, `invalid argument "${tag}" for "-t, --tag" flag`);
  if (!existsSync(file)) fail(1, `ERROR: failed to read dockerfile: open ${file}: no such file or directory`);
  return { tag, file, context };
}

async function build(): Promise<void> {
  const { tag, file, context } = buildWords();
  const lines = readFileSync(file, 'utf8').replaceAll('\\\n', ' ').split('\n');
  const steps = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  if (!/^FROM \S+$/.test(steps[0] ?? ''))
    fail(1, 'ERROR: failed to solve: no build stage in current context');
  const layers: Record<string, string>[] = [{ 'etc/os-release': 'ID=debian\n' }];
  let entrypoint: string[] = [];
  for (const [index, step] of steps.entries()) {
    process.stderr.write(`#${index + 4} [${index + 1}/${steps.length}] ${step}\n`);
    const [, copied] = /^COPY (\S+) \S+$/.exec(step) ?? [];
    if (copied !== undefined && !existsSync(join(context, copied)))
      fail(1, `ERROR: failed to solve: "/${copied}": not found`);
    const [, words = ''] = /^ENTRYPOINT (\[.*\])$/.exec(step) ?? [];
    if (words !== '') entrypoint = JSON.parse(words) as string[];
    if (/^RUN pip install -r /.test(step)) {
      for (const line of readFileSync(join(context, 'requirements.txt'), 'utf8').split('\n')) {
        const [name = '', version = '1.0.0'] = line.trim().split('==');
        if (name === '') continue;
        if (name === 'no-such-package')
          fail(1, `#9 ERROR: Could not find a version that satisfies the requirement ${name}`);
        if (name === 'slow-package') await sleep(60_000);
        layers.push(installed(name.replaceAll('-', '_'), version));
      }
    }
  }
  mkdirSync(place, { recursive: true });
  writeFileSync(fileOf(tag), JSON.stringify({ tag: `${tag}:latest`, entrypoint, layers }));
  process.stderr.write(`#20 naming to docker.io/library/${tag}:latest done\n`);
}

async function save(): Promise<void> {
  const [tag = ''] = words;
  if (words.length !== 1 || !existsSync(fileOf(tag)))
    fail(1, `Error response from daemon: reference does not exist`);
  const image = JSON.parse(readFileSync(fileOf(tag), 'utf8')) as Parameters<typeof saveArchive>[0];
  process.stdout.write(await saveArchive(image));
}

if (command === 'build') await build();
else if (command === 'save') await save();
else fail(1, `docker: '${command}' is not a docker command.`);
