import type { KitFile } from './kit-file.ts';
import { jsonFile } from './kit-json.ts';

/** `startup/system_info.ipynb`: opens a session as this admin from a notebook (docs/reference/provisioning.md §4.4). */
export function renderNotebook(userName: string): KitFile {
  const markdown = (id: string, ...source: string[]) => ({ cell_type: 'markdown', id, metadata: {}, source });
  const code = (id: string, ...source: string[]) => ({
    cell_type: 'code',
    execution_count: null,
    id,
    metadata: {},
    outputs: [],
    source,
  });
  return jsonFile('startup/system_info.ipynb', {
    cells: [
      markdown('title', '# The federation at a glance'),
      markdown('about', 'Asks the server who is connected and what runs, through the FLARE API.'),
      markdown(
        'connect-about',
        '## Connect\n',
        '\n',
        'Start this notebook in the `startup` folder of your kit, with the server running.',
      ),
      code('install', '# If nvflare is missing in this environment:\n', '# !python3 -m pip install nvflare'),
      code(
        'connect',
        'from pathlib import Path\n',
        '\n',
        'from nvflare.fuel.flare_api.flare_api import new_secure_session\n',
        '\n',
        `session = new_secure_session(username=${JSON.stringify(userName)}, startup_kit_location=str(Path.cwd().parent))\n`,
        'print(session.get_system_info())',
      ),
      markdown('close-about', '## Close'),
      code('close', 'session.close()'),
    ],
    metadata: {
      kernelspec: { display_name: 'Python 3 (ipykernel)', language: 'python', name: 'python3' },
      language_info: { name: 'python' },
    },
    nbformat: 4,
    nbformat_minor: 5,
  });
}
