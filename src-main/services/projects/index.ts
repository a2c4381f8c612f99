/** The project on disk: read, check, plan, edit. The only door of this folder. */
export { loadProject } from './load.ts';
export type { LoadedProject, LoadProjectOptions } from './load.ts';
export { readYamlFile } from './yaml-file.ts';
export type { YamlFile } from './yaml-file.ts';
