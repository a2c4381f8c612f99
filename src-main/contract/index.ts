/**
 * The whole contract as types, and the way to one declaration by its name. Declarations are loaded per
 * capability, so that a short command does not pay for the schemas of all others.
 */
import type { z } from 'zod';
import type { attestation, vcek } from './attestation.ts';
import type { builds } from './builds.ts';
import type { bundles } from './bundles.ts';
import type { userData } from './user-data.ts';
import type { hosts } from './hosts.ts';
import type { certificates, kits } from './kits.ts';
import type { custody } from './custody.ts';
import type { diagnostics } from './diagnostics.ts';
import type { drafts } from './drafts.ts';
import type { images } from './images.ts';
import type { jobs } from './jobs.ts';
import type { kbs } from './kbs.ts';
import type { Declaration, Envelope } from './kernel.ts';
import type { places } from './places.ts';
import type { projects } from './projects.ts';
import type { prompts } from './prompts.ts';
import type { provisioning } from './provisioning.ts';
import type { session } from './session.ts';
import type { settings } from './settings.ts';
import type { sites } from './sites.ts';
import type { tasks } from './tasks.ts';
import type { workspace } from './workspace.ts';

type ValueOf<Capability> = Capability[keyof Capability];
type AnyDeclaration =
  | ValueOf<typeof projects>
  | ValueOf<typeof kits>
  | ValueOf<typeof certificates>
  | ValueOf<typeof provisioning>
  | ValueOf<typeof sites>
  | ValueOf<typeof session>
  | ValueOf<typeof jobs>
  | ValueOf<typeof tasks>
  | ValueOf<typeof settings>
  | ValueOf<typeof diagnostics>
  | ValueOf<typeof prompts>
  | ValueOf<typeof places>
  | ValueOf<typeof workspace>
  | ValueOf<typeof drafts>
  | ValueOf<typeof custody>
  | ValueOf<typeof attestation>
  | ValueOf<typeof vcek>
  | ValueOf<typeof hosts>
  | ValueOf<typeof kbs>
  | ValueOf<typeof builds>
  | ValueOf<typeof bundles>
  | ValueOf<typeof userData>
  | ValueOf<typeof images>;
type ByName<Kind> = { [D in Extract<AnyDeclaration, { kind: Kind }> as D['name']]: D };

export type Calls = ByName<'call'>;
export type Tasks = ByName<'task'>;
export type Streams = ByName<'stream'>;
export type States = ByName<'state'>;
export type Prompts = ByName<'prompt'>;

export type CallInput<Name extends keyof Calls> = z.input<Calls[Name]['input']>;
export type CallOutput<Name extends keyof Calls> = z.output<Calls[Name]['output']>;
export type TaskInput<Name extends keyof Tasks> = z.input<Tasks[Name]['input']>;
export type TaskOutput<Name extends keyof Tasks> = z.output<Tasks[Name]['output']>;
export type StreamInput<Name extends keyof Streams> = z.input<Streams[Name]['input']>;
export type StreamItem<Name extends keyof Streams> = z.output<Streams[Name]['item']>;
export type StreamUp<Name extends keyof Streams> = z.input<Streams[Name]['up']>;
export type StateValue<Name extends keyof States> = z.output<States[Name]['value']>;
export type PromptQuestion<Name extends keyof Prompts> = z.output<Prompts[Name]['question']>;
export type PromptAnswer<Name extends keyof Prompts> = z.output<Prompts[Name]['answer']>;

export interface AskOptions {
  signal?: AbortSignal;
}

/** An open stream: items are pulled one by one, so that a slow reader slows the producer. */
export interface OpenStream<Name extends keyof Streams> {
  items: AsyncIterable<StreamItem<Name>>;
  send(item: StreamUp<Name>): Envelope<null>;
  close(): void;
  /** How it ended. Never rejects. */
  ended: Promise<Envelope<null>>;
}

/** What every carrier offers: the core itself, a message port, a web socket. */
export interface DeskClient {
  call<Name extends keyof Calls>(
    name: Name,
    payload: CallInput<Name>,
    options?: AskOptions,
  ): Promise<Envelope<CallOutput<Name>>>;
  /** Answers the task's id at once; follow it with the stream `tasks.watch`. */
  start<Name extends keyof Tasks>(name: Name, payload: TaskInput<Name>): Promise<Envelope<{ id: string }>>;
  open<Name extends keyof Streams>(
    name: Name,
    payload: StreamInput<Name>,
    options?: AskOptions,
  ): Promise<Envelope<OpenStream<Name>>>;
  /** Hands over the snapshot now and after each change, until the returned function is called. */
  subscribe<Name extends keyof States>(
    name: Name,
    listener: (snapshot: { version: number; value: StateValue<Name> }) => void,
  ): () => void;
}

const capabilities: Record<string, () => Promise<Record<string, Declaration>>> = {
  projects: async () => (await import('./projects.ts')).projects,
  kits: async () => (await import('./kits.ts')).kits,
  certificates: async () => (await import('./kits.ts')).certificates,
  provisioning: async () => (await import('./provisioning.ts')).provisioning,
  sites: async () => (await import('./sites.ts')).sites,
  session: async () => (await import('./session.ts')).session,
  jobs: async () => (await import('./jobs.ts')).jobs,
  tasks: async () => (await import('./tasks.ts')).tasks,
  settings: async () => (await import('./settings.ts')).settings,
  diagnostics: async () => (await import('./diagnostics.ts')).diagnostics,
  places: async () => (await import('./places.ts')).places,
  workspace: async () => (await import('./workspace.ts')).workspace,
  drafts: async () => (await import('./drafts.ts')).drafts,
  custody: async () => (await import('./custody.ts')).custody,
  attestation: async () => (await import('./attestation.ts')).attestation,
  vcek: async () => (await import('./attestation.ts')).vcek,
  hosts: async () => (await import('./hosts.ts')).hosts,
  kbs: async () => (await import('./kbs.ts')).kbs,
  images: async () => (await import('./images.ts')).images,
  builds: async () => (await import('./builds.ts')).builds,
  bundles: async () => (await import('./bundles.ts')).bundles,
  user_data: async () => (await import('./user-data.ts')).userData,
  prompts: async () => (await import('./prompts.ts')).prompts,
};

/** The declaration with this kind and name; undefined when there is none. */
export async function findDeclaration<Kind extends Declaration['kind']>(
  kind: Kind,
  name: string,
): Promise<Extract<Declaration, { kind: Kind }> | undefined> {
  const capability = name.split('.', 1)[0] ?? '';
  if (!Object.hasOwn(capabilities, capability)) return undefined;
  const declarations = (await capabilities[capability]?.()) ?? {};
  for (const declaration of Object.values(declarations)) {
    if (declaration.kind === kind && declaration.name === name) {
      return declaration as Extract<Declaration, { kind: Kind }>;
    }
  }
  return undefined;
}
