/** Native file dialogs for the contract's place purposes. */
import { type BrowserWindow, dialog, type OpenDialogOptions } from 'electron';
import type { PlacePurpose } from '../../contract/places.ts';

const openOptions: Record<Exclude<PlacePurpose, 'save_file'>, OpenDialogOptions> = {
  project_file: { properties: ['openFile'], filters: [{ name: 'project.yml', extensions: ['yml', 'yaml'] }] },
  project_folder: { properties: ['openDirectory'] },
  new_project_folder: { properties: ['openDirectory', 'createDirectory'] },
  admin_kit: { properties: ['openDirectory'] },
  job_folder: { properties: ['openDirectory'] },
  download_folder: { properties: ['openDirectory', 'createDirectory'] },
  app_folder: { properties: ['openDirectory', 'createDirectory'] },
  app_archive: { properties: ['openFile'] },
  bundle_archive: { properties: ['openFile'], filters: [{ name: 'site.tgz', extensions: ['tgz', 'gz'] }] },
  bundle_folder: { properties: ['openDirectory'] },
  bundle_record: { properties: ['openFile'], filters: [{ name: 'site.bundle.json', extensions: ['json'] }] },
  drive_file: { properties: ['openFile'], filters: [{ name: 'user_data.qcow2', extensions: ['qcow2'] }] },
  data_folder: { properties: ['openDirectory'] },
  data_file: { properties: ['openFile'] },
  resource_content: { properties: ['openFile'] },
  csv_file: { properties: ['openFile'], filters: [{ name: 'CSV', extensions: ['csv'] }] },
};

/** Lets the person pick; undefined when they changed their mind. */
export async function pickPlace(
  window: BrowserWindow | undefined,
  purpose: PlacePurpose,
  suggestedName: string | undefined,
): Promise<string | undefined> {
  if (purpose === 'save_file') {
    const options = suggestedName === undefined ? {} : { defaultPath: suggestedName };
    const saved = window
      ? await dialog.showSaveDialog(window, options)
      : await dialog.showSaveDialog(options);
    return saved.canceled || saved.filePath === '' ? undefined : saved.filePath;
  }
  const options = openOptions[purpose];
  const picked = window ? await dialog.showOpenDialog(window, options) : await dialog.showOpenDialog(options);
  return picked.canceled ? undefined : picked.filePaths[0];
}
