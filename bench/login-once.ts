/** Logs in with the admin kit given, logs out, and prints the milliseconds of the login. */
import { openAdminKit, openSession } from '../src-main/services/flare/index.ts';

const begin = performance.now();
const session = await openSession(await openAdminKit(process.argv[2] ?? ''));
const milliseconds = performance.now() - begin;
await session.close();
process.stdout.write(JSON.stringify({ milliseconds }));
