/** Polyfills must stand before the app's own modules ask for what Node 16 lacks. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const load = createRequire(join(__dirname, 'start.cjs'));
load('./polyfills-main.cjs');
load('./desktop.cjs');
