/** Inspects one bundle in a new process. */
import { inspectBundle } from '../src-main/services/cvm/bundle/index.ts';

const [path = '', scratch = ''] = process.argv.slice(2);
const begin = performance.now();
const { files } = await inspectBundle(path, { scratch });
const seconds = (performance.now() - begin) / 1000;
process.stdout.write(JSON.stringify({ seconds, files: files.length }));
