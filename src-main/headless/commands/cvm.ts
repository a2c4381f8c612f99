import { noun, type RegisterCommands } from '../command.ts';
import { registerApp } from './cvm-app.ts';
import { registerBuilds } from './cvm-build.ts';
import { registerBundles } from './cvm-bundle.ts';

/** Images of confidential VMs: everything below `flaredesk cvm`. */
export const registerCvm: RegisterCommands = (program, host) => {
  const cvm = noun(
    program,
    'cvm',
    'images of confidential participants: build them, look into them',
    'flaredesk cvm build -p project.yml',
  );
  registerBuilds(cvm, host);
  registerBundles(cvm, host);
  registerApp(cvm, host);
};
