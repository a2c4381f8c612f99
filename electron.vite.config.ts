import { defineConfig } from 'electron-vite';

/** Main builds the `flaredesk` command (plain JavaScript for Node 24). The windows join in their own step. */
export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      target: 'node24',
      // Small pure packages are bundled: reading their many files would be most of a short command's time.
      externalizeDeps: { exclude: ['zod', 'commander', 'p-queue', '@msgpack/msgpack', 'ws', 'node-forge'] },
      rollupOptions: {
        input: { flaredesk: 'src-main/headless/main.ts' },
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  },
});
