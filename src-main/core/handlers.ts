/** Which file answers which name. Loaded per capability, so that a short command does not pay for all services. */
import type { CallHandlers, StreamHandlers, TaskHandlers } from './context.ts';

type Loaded = Partial<CallHandlers & TaskHandlers & StreamHandlers>;

const loaders: Record<string, () => Promise<Loaded>> = {
  projects: async () => (await import('./projects.ts')).handlers,
  kits: async () => (await import('./kits.ts')).handlers,
  certificates: async () => (await import('./kits.ts')).handlers,
  sites: async () => (await import('./sites.ts')).handlers,
  provisioning: async () => (await import('./provisioning.ts')).handlers,
  places: async () => (await import('./pick-place.ts')).handlers,
  workspace: async () => (await import('./workspace/handlers.ts')).handlers,
  drafts: async () => (await import('./drafts-handlers.ts')).handlers,
  custody: async () => (await import('./custody.ts')).handlers,
  session: async () => ({
    ...(await import('./session.ts')).handlers,
    ...(await import('./console.ts')).handlers,
  }),
  jobs: async () => ({
    ...(await import('./jobs.ts')).handlers,
    ...(await import('./job-views.ts')).handlers,
  }),
  tasks: async () => (await import('./tasks.ts')).handlers,
  settings: async () => (await import('./settings.ts')).handlers,
  attestation: async () => (await import('./attestation/handlers.ts')).handlers,
  vcek: async () => (await import('./attestation/vcek.ts')).handlers,
  hosts: async () => (await import('./hosts.ts')).handlers,
  kbs: async () => (await import('./kbs/handlers.ts')).handlers,
  images: async () => (await import('./images.ts')).handlers,
  builds: async () => (await import('./builds/handlers.ts')).handlers,
  bundles: async () => (await import('./bundles.ts')).handlers,
  user_data: async () => (await import('./user-data.ts')).handlers,
  diagnostics: async () => (await import('./diagnostics.ts')).handlers,
};

/** The handler of a call, task or stream by its name; undefined when there is none. */
export async function findHandler<Name extends keyof (CallHandlers & TaskHandlers & StreamHandlers)>(
  name: Name,
): Promise<(CallHandlers & TaskHandlers & StreamHandlers)[Name] | undefined> {
  const loaded = await loaders[name.split('.', 1)[0] ?? '']?.();
  return loaded?.[name];
}
