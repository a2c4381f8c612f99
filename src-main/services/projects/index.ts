/** The project on disk: read, check, edit, begin. The only door of this folder. */
export { defaultWorkspace, type DeskFile, loadDesk, type LoadedDesk } from './desk.ts';
export { type LoadedProject, loadProject, type LoadProjectOptions } from './load.ts';
export { readYamlFile, type YamlFile } from './yaml-file.ts';
export { createNameLookup, type LookUpName } from './look-up-name.ts';
export { editFile, replaceFile } from './edit.ts';
export { readTextFile, type TextFile, type TextOverlay } from './text-file.ts';
export { newProject, type NewProjectOptions } from './new-project.ts';
