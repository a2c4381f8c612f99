import { defineConfig } from 'vitest/config';

/** Three projects: `unit` needs nothing beside Node; `ui` draws the pages in jsdom; `lab` starts real peers (NVFlare, sshd) from test/lab. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          environment: 'node',
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'ui',
          include: ['test/ui/**/*.test.ts', 'test/ui/**/*.test.tsx'],
          environment: 'jsdom',
          setupFiles: ['test/ui/setup.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'lab',
          // Stand-ins for QEMU of one test are no reason for the image builds of another to stop.
          env: { FLAREDESK_BUILDER_SPARES_VMS: '1' },
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          environment: 'node',
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
