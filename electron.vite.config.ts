import { defineConfig } from 'electron-vite';

/** Main builds the `flaredesk` command (plain JavaScript for Node 24). The windows join in their own step. */
export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      target: 'node24',
      externalizeDeps: true,
      rollupOptions: {
        input: { flaredesk: 'src-main/headless/main.ts' },
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  },
});
