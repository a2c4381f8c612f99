import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import { join } from 'node:path';

/**
 * The desktop app for the old Electron 22 that tests can have everywhere (Node 16, Chromium 108): the same source, lowered,
 * with polyfills in front. Never shipped.
 */
const root = join(import.meta.dirname, '../../../..');
const here = (name: string): string => join(import.meta.dirname, name);
const out = process.env['FLAREDESK_COMPAT_OUT'] ?? join(root, 'out/compat');
// CommonJS packages that run on Node 16 as they are.
const external = ['ssh2', 'node-forge', 'yazl', 'yauzl', 'tar-stream', 'node-sqlite3-wasm'];

export default defineConfig({
  main: {
    build: {
      outDir: join(out, 'main'),
      target: 'node16',
      externalizeDeps: false,
      rollupOptions: {
        external,
        input: {
          start: here('start.ts'),
          'polyfills-main': here('polyfills-main.ts'),
          desktop: join(root, 'src-main/electron/main.ts'),
        },
        output: { format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: 'chunks/[name]-[hash].cjs' },
      },
    },
  },
  preload: {
    build: {
      outDir: join(out, 'preload'),
      target: 'node16',
      externalizeDeps: false,
      rollupOptions: {
        input: { preload: join(root, 'src-main/electron/preload.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: join(root, 'src-renderer'),
    plugins: [
      react(),
      {
        name: 'polyfills-first',
        transform: (code, id) =>
          id.endsWith('/src-renderer/main.tsx')
            ? `import ${JSON.stringify(here('polyfills-page.ts'))};\n${code}`
            : undefined,
      },
    ],
    build: {
      outDir: join(out, 'renderer'),
      emptyOutDir: true,
      target: 'chrome108',
      cssTarget: 'chrome108',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      rollupOptions: { input: join(root, 'src-renderer/index.html') },
    },
  },
});
