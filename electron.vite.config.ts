import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import { bundleBudget } from './bench/bundle-budget.ts';

/**
 * Three targets, one file. Main: the `flaredesk` command and the desktop app (plain JavaScript for Node 24). Preload: the one
 * bridge to a page; sandboxed scripts must be CommonJS in one file. Renderer: the windows, served by the desktop app under
 * `app://` and by `flaredesk serve` to a browser on this machine.
 */
export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      target: 'node24',
      // Small pure packages are bundled: reading their many files would be most of a short command's time.
      externalizeDeps: { exclude: ['zod', 'commander', 'p-queue', '@msgpack/msgpack', 'ws', 'node-forge'] },
      rollupOptions: {
        input: { flaredesk: 'src-main/headless/main.ts', desktop: 'src-main/electron/main.ts' },
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      minify: true,
      rollupOptions: {
        input: { preload: 'src-main/electron/preload.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src-renderer',
    // Scripts and styles of the shell and the overview, as they lie on disk.
    plugins: [react(), bundleBudget({ firstPage: 1_100_000, report: 'out/page-weights.json' })],
    build: {
      outDir: 'out/renderer',
      target: 'chrome140',
      minify: true,
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      rollupOptions: { input: 'src-renderer/index.html' },
    },
  },
});
